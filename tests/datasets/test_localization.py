import json

import numpy as np
import pytest
import torch

from egomm.datasets.localization import LanguageQueries, MomentQueries
from egomm.datasets.queries import read_queries
from egomm.datasets.samplers import SampleIndex
from egomm.functional.feature_grid import TimeGrid
from egomm.functional.words import word_ids

SOURCES = dict(ego=dict(path='features/ego'), slow=dict(path='features/slow'))


def moments(world, **options):
    base = dict(
        ann_file='annotations/moments_train.json',
        classes='annotations/moment_classes.txt',
        sources=SOURCES,
        data_root=str(world),
        length=64,
    )
    return MomentQueries(**{**base, **options})


def queries(world, **options):
    base = dict(
        ann_file='annotations/nlq_train.json',
        sources=SOURCES,
        words=dict(num_tokens=100),
        data_root=str(world),
    )
    return LanguageQueries(**{**base, **options})


def test_a_clip_is_its_features_and_its_moments_in_positions(feature_world):
    data = moments(feature_world)
    sample = data[0]
    assert {name: x.shape for name, x in sample['inputs'].items()} == dict(
        ego=(16, 64), slow=(24, 64)
    )
    made, record = sample['data_samples'], data.records[0]
    target = made.gt['moment']
    grid = TimeGrid(*made.metainfo['grid'])
    seconds = grid.seconds(target['segments'].double())
    torch.testing.assert_close(
        seconds, torch.from_numpy(record['gt']['moment']['segments']), atol=1e-4, rtol=0
    )
    names = data.metainfo['classes']['moment']
    assert [names[label] for label in target['labels']] == [
        row['label'] for row in record['annotations']
    ]
    assert made.metainfo['annotations'] == record['annotations']


def test_a_moment_shows_in_both_sources_where_its_target_says(feature_world):
    data = moments(feature_world, length=None)
    for index in range(2):
        sample = data[index]
        inside = torch.zeros(sample['inputs']['ego'].shape[1], dtype=torch.bool)
        for start, end in sample['data_samples'].gt['moment']['segments'].tolist():
            inside[round(start) : round(end) + 1] = True
        for x in sample['inputs'].values():
            energy = x.square().mean(dim=0)
            assert energy[inside].mean() > 1.2 * energy[~inside].mean()


def test_crops_follow_from_seed_and_epoch_and_keep_the_times(feature_world):
    data = moments(feature_world, crop=(0.4, 0.6))
    whole = moments(feature_world)[1]['data_samples']
    known = {
        tuple(round(time, 2) for time in row)
        for row in TimeGrid(*whole.metainfo['grid'])
        .seconds(whole.gt['moment']['segments'].double())
        .tolist()
    }
    starts = set()
    for epoch in range(4):
        one, same = data[SampleIndex(epoch, 1)], data[SampleIndex(epoch, 1)]
        assert torch.equal(one['inputs']['ego'], same['inputs']['ego'])
        length = one['inputs']['ego'].shape[1]
        assert 25 <= length <= 39
        sample = one['data_samples']
        segments = sample.gt['moment']['segments']
        assert len(segments)
        assert segments.min() >= 0
        assert segments.max() <= length
        seconds = TimeGrid(*sample.metainfo['grid']).seconds(segments.double())
        within = (segments[:, 0] > 0) & (segments[:, 1] < length)
        for row in seconds[within].tolist():
            assert tuple(round(time, 2) for time in row) in known
        starts.add(sample.metainfo['grid'][3])
    assert len(starts) > 1


def test_evaluation_does_not_crop_and_padding_has_no_labels(feature_world):
    data = moments(feature_world, crop=(0.4, 0.6), test_mode=True)
    assert data[0]['inputs']['ego'].shape[1] == 64
    assert data[SampleIndex(0, 0, padding=True)]['data_samples'].gt == {}


def test_what_happened_to_segments_is_reported_if_anything_did(feature_world, tmp_path):
    data = moments(feature_world)
    assert data.report() == dict(failed=[])
    content = json.loads((feature_world / 'annotations/moments_train.json').read_text())
    labels = content['videos'][0]['clips'][0]['annotations'][0]['labels']
    labels[-1]['end_time'] += 1000
    (tmp_path / 'moments.json').write_text(json.dumps(content))
    data = moments(feature_world, ann_file=str(tmp_path / 'moments.json'))
    assert data.report() == dict(segments=dict(outside=1, empty=0, repeated=0), failed=[])
    assert data[0]['data_samples'].gt['moment']['segments'].max() <= 64


def test_classes_can_come_from_the_annotation_files(feature_world):
    files = [f'annotations/moments_{split}.json' for split in ('train', 'val')]
    names = moments(feature_world, classes=files).metainfo['classes']['moment']
    assert names == sorted(names)
    assert {
        row['label'] for record in moments(feature_world).records for row in record['annotations']
    } <= set(names)


def test_the_cache_changes_nothing_but_the_precision(feature_world, tmp_path):
    plain = moments(feature_world)[0]['inputs']
    data = moments(feature_world, cache=str(tmp_path))
    for _ in range(2):
        cached = data[0]['inputs']
        assert cached['slow'].dtype == torch.float16
        torch.testing.assert_close(cached['slow'].float(), plain['slow'], atol=0.01, rtol=0.01)
    assert len(list(tmp_path.rglob('*.npy'))) == 2


def test_a_query_is_its_words_with_its_clip(feature_world):
    data = queries(feature_world)
    sample = data[0]
    query = sample['data_samples'].metainfo['query']
    assert sample['inputs']['words'].tolist() == [word_ids(query, 100)]
    assert sample['inputs']['ego'].shape[1] == sample['inputs']['slow'].shape[1]
    target = sample['data_samples'].gt['query']
    assert target['labels'].tolist() == [0]
    grid = TimeGrid(*sample['data_samples'].metainfo['grid'])
    assert grid.seconds(target['segments'].double())[0].tolist() == pytest.approx(
        data.records[0]['window'], abs=1e-3
    )
    assert queries(feature_world, words=dict(num_tokens=9, max_words=2))[0]['inputs'][
        'words'
    ].shape == (1, 2)


def test_words_can_be_vectors_from_files(feature_world, tmp_path):
    for record in read_queries(feature_world / 'annotations/nlq_train.json').records:
        name = f'{record["annotation_id"]}_{record["query_index"]}'
        np.save(tmp_path / f'{name}.npy', np.ones((5, 7), np.float32))
    data = queries(feature_world, words=dict(path=str(tmp_path), dim=7))
    assert data[0]['inputs']['words'].shape == (7, 5)
    (tmp_path / f'{name}.npy').unlink()
    with pytest.raises(ValueError, match=f'the query {name} has no vectors of its words'):
        queries(feature_world, words=dict(path=str(tmp_path), dim=7))


def test_clips_without_features_are_counted_and_named(feature_world, tmp_path):
    (tmp_path / 'manifest.json').write_text(
        (feature_world / 'features/ego/manifest.json').read_text()
    )
    with pytest.raises(ValueError, match=r"2 of 2 clips have no ego features, such as \['clip_"):
        moments(feature_world, sources=dict(ego=dict(path=str(tmp_path))))


def test_nothing_to_train_on_and_half_told_words_are_refused(feature_world, tmp_path):
    with pytest.raises(ValueError, match=r'words=dict\(num_tokens=...\) or'):
        queries(feature_world, words=dict(max_words=3))
    for words in (None, 'clip_text'):
        with pytest.raises(ValueError, match=r'wants words=dict\(num_tokens=...\) or'):
            queries(feature_world, words=words)
    for words in (dict(num_tokens=0), dict(num_tokens=2.5), dict(num_tokens=9, max_words=-1)):
        with pytest.raises(ValueError, match='whole numbers above 0; got'):
            queries(feature_world, words=words)
    for name, value in (('length', '64'), ('length', 0), ('longest', 0), ('longest', 2.5)):
        with pytest.raises(ValueError, match=f'wants {name} as a whole number .* got {value!r}'):
            moments(feature_world, **{name: value})
    for crop in (0.9, (0.9,), (0.5, 2), (0, 1), (1.0, 0.9), ('a', 'b')):
        with pytest.raises(ValueError, match=r'wants crop=\(shortest, longest\) as shares'):
            moments(feature_world, crop=crop)
    for share in (-0.1, 1.5, '0.3', float('nan')):
        with pytest.raises(ValueError, match=r'wants min_share, .*, within 0\.\.1; got'):
            moments(feature_world, min_share=share)
    for seed in (-1, 0.5):
        with pytest.raises(ValueError, match='wants seed as a whole number from 0; got'):
            moments(feature_world, seed=seed)
    for sources in ({}, ['ego'], dict(ego='features/ego'), dict(ego=dict(dim=16))):
        with pytest.raises(ValueError, match='MomentQueries wants at least one source of features'):
            moments(feature_world, sources=sources)
    for data in (moments, queries):
        with pytest.raises(ValueError, match=r"splits want a list of names, such as \['train'\]"):
            data(feature_world, splits='train')
        for files in ([], None):
            with pytest.raises(ValueError, match='ann_file wants the path of an annotation file'):
                data(feature_world, ann_file=files, test_mode=True)
    content = json.loads((feature_world / 'annotations/nlq_train.json').read_text())
    rows = [
        row
        for video in content['videos']
        for row in video['clips'][0]['annotations'][0]['language_queries']
    ]
    for row in rows:
        del row['clip_start_sec']
    path = tmp_path / 'nlq_test.json'
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match='has a segment to train on. Give a file with labels'):
        queries(feature_world, ann_file=str(path))
    assert queries(feature_world, ann_file=str(path), test_mode=True)[0]['data_samples'].gt == {}
    rows[0]['query'] = '?'
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match='query annotation_train_000_0: A sentence wants'):
        queries(feature_world, ann_file=str(path), test_mode=True)


def test_a_training_file_whose_clips_are_all_background_is_refused(feature_world, tmp_path):
    content = json.loads((feature_world / 'annotations/moments_train.json').read_text())
    for video in content['videos']:
        video['clips'][0]['annotations'] = []
    (tmp_path / 'moments.json').write_text(json.dumps(content))
    options = dict(ann_file=str(tmp_path / 'moments.json'), classes='annotations/moments_val.json')
    with pytest.raises(ValueError, match='of the 2 records has a segment to train on'):
        moments(feature_world, **options)
    assert len(moments(feature_world, test_mode=True, **options)) == 2


def test_a_query_whose_window_has_no_length_is_scored_but_not_learnt(feature_world, tmp_path):
    content = json.loads((feature_world / 'annotations/nlq_train.json').read_text())
    row = content['videos'][0]['clips'][0]['annotations'][0]['language_queries'][0]
    row['clip_end_sec'] = row['clip_start_sec']
    path = tmp_path / 'nlq.json'
    path.write_text(json.dumps(content))
    whole = queries(feature_world, ann_file=str(path), test_mode=True)
    assert len(queries(feature_world, ann_file=str(path))) == len(whole) - 1
    sample = whole[0]['data_samples']
    assert sample.metainfo['window'] == [row['clip_start_sec']] * 2
    assert sample.gt['query']['segments'].shape == (0, 2)


def test_every_real_query_has_words(realdata):
    for name in ('train', 'val', 'test'):
        for record in read_queries(realdata / f'ego4d_nlq/ego4d_nlq_{name}_v2.jsonl').records:
            assert word_ids(record['query'], 2**14)


def test_train_and_validation_are_read_one_after_the_other(feature_world):
    splits = ('train', 'val')
    for build, kind in ((moments, 'moments'), (queries, 'nlq')):
        files = [f'annotations/{kind}_{split}.json' for split in splits]
        single = [build(feature_world, ann_file=file) for file in files]
        both = build(feature_world, ann_file=files)
        assert len(both) == sum(map(len, single))
        names = [both.name_of(record) for record in both.records]
        assert names == [data.name_of(record) for data in single for record in data.records]
        assert both.counts == {
            name: sum(data.counts[name] for data in single) for name in single[0].counts
        }
        with pytest.raises(ValueError, match='are in more than one annotation file, such as'):
            build(feature_world, ann_file=[files[0], files[0]])


def test_real_train_and_validation_together_have_all_clips(realdata, feature_world):
    folder = realdata / 'ego4d_mq'
    data = moments(
        feature_world,
        ann_file=str(folder / 'ego4d_mq_v1_clip_annotations.json'),
        classes=str(folder / 'ego4d_label_map.txt'),
        splits=('train', 'val'),
        check_files=False,
    )
    assert len(data) == 1486 + 521  # 1,003 steps of two clips
