import csv
import io
import json
import re
import shutil

import numpy as np
import pytest
from mmengine.config import Config

from egomm.apis import check_data
from egomm.apis.check_data import check_config
from egomm.datasets.annotations import read_records
from egomm.registry import DATASETS
from egomm.testing.features import write_feature_world


def moments(root, name='moments_train.json', **more):
    return dict(
        type='MomentQueries',
        data_root=str(root),
        ann_file=f'annotations/{name}',
        classes='annotations/moment_classes.txt',
        sources=dict(ego=dict(path='features/ego'), slow=dict(path='features/slow')),
        length=32,
        **more,
    )


def check(dataset, **more):
    config = Config(dict(train_dataloader=dict(dataset=dataset), **more))
    return check_config(config)


def found(checked):
    return {finding.what: (finding.count, finding.policy) for finding in checked.findings}


@pytest.fixture
def world(feature_world, tmp_path):
    shutil.copytree(feature_world, tmp_path / 'world')
    return tmp_path / 'world'


def test_a_sound_world_has_no_findings_and_shared_data_is_checked_once(feature_world):
    val = moments(feature_world, 'moments_val.json', test_mode=True)
    loader = dict(dataset=val)
    checked = check(moments(feature_world), val_dataloader=loader, test_dataloader=loader)
    assert [data.loaders for data in checked] == [['train'], ['val', 'test']]
    assert [(data.records, data.findings, data.fine) for data in checked] == [(2, [], True)] * 2
    with pytest.raises(ValueError, match='has none of train_dataloader'):
        check_config(Config(dict(model=1)))


def test_segments_that_do_not_fit_are_counted_with_their_policy(world):
    path = world / 'annotations/moments_train.json'
    content = json.loads(path.read_text())
    clips = [video['clips'][0] for video in content['videos']]
    first, second = (clip['annotations'][0]['labels'] for clip in clips)
    first[0]['end_time'] += 1000
    first.append(dict(first[1]))
    first.append(dict(first[1], end_time=first[1]['start_time']))
    second.clear()
    path.write_text(json.dumps(content))
    (checked,) = check(moments(world, policy=dict(repeated='keep')))
    assert found(checked) == {
        'segments that leave their clip': (1, 'clip'),
        'segments without length': (1, 'drop'),
        'segments that repeat one of their label': (1, 'keep'),
        'of these, past the end by more than 1 ms': (1, 'clip'),
        'of these, longer than their clip': (1, 'clip'),
        'clips without segments, all background': (1, 'keep'),
    }
    assert checked.fine
    (checked,) = check(moments(world, policy=dict(outside='refuse')))
    assert found(checked) == {'settings or annotations that cannot be used': (1, 'refuse')}
    assert 'leaves the clip' in checked.findings[0].examples[0]
    assert not checked.fine


def test_a_kind_of_data_set_that_is_not_known_is_not_called_sound(toy_world):
    (checked,) = check(dict(type='RepeatDataset', times=2, dataset=kitchen(toy_world)))
    what = 'data sets whose samples are not looked at here'
    assert found(checked) == {what: (1, 'keep')}
    assert checked.fine


@pytest.mark.parametrize('dataset', [3, dict(ann_file='x')])
def test_a_data_set_without_a_type_is_refused(dataset):
    with pytest.raises(ValueError, match='train_dataloader.dataset wants a dict with the `type`'):
        check(dataset)


def test_features_are_all_read_and_each_kind_of_fault_is_counted(world):
    features = world / 'features'
    ego, slow = ([*sorted((features / name).glob('*train*.npy'))] for name in ('ego', 'slow'))
    ego[0].unlink()
    np.save(ego[1], np.load(ego[1])[:, :5])
    np.save(slow[0], np.full((4, 24), np.nan))
    np.save(slow[1], np.load(slow[1])[:60])
    (checked,) = check(moments(world))
    assert found(checked) == {
        'clips without features': (1, 'refuse'),
        'features unreadable, empty or of another dim': (2, 'refuse'),
        'features of another length than their clip': (1, 'refuse'),
    }
    assert ego[0].stem in checked.findings[0].examples[0]


def test_annotations_are_looked_through_although_features_are_not_there(world):
    path = world / 'annotations/moments_train.json'
    content = json.loads(path.read_text())
    labels = content['videos'][0]['clips'][0]['annotations'][0]['labels']
    labels.append(dict(labels[0]))
    path.write_text(json.dumps(content))
    shutil.rmtree(world / 'features/slow')  # its manifest, which has rate and width, as well
    with pytest.raises(ValueError, match='nowhere given'):
        DATASETS.build(dict(moments(world), type='egomm.MomentQueries'))
    (checked,) = check(moments(world))
    assert found(checked) == {
        'features or media that are not there at all': (1, 'refuse'),
        'segments that repeat one of their label': (1, 'drop'),
    }
    (where,) = checked.findings[0].examples
    assert where == f'slow: {world}/features/slow: no such features. ' + (
        'Correct the path, or extract them first.'
    )
    assert checked.records == 2
    given = dict(path='features/slow', dim=24, fps=30, stride=16, window=32, per='clip')
    with pytest.raises(ValueError, match='slow: no such features. Correct the path'):
        DATASETS.build(dict(moments(world), type='egomm.MomentQueries', sources=dict(slow=given)))
    shutil.rmtree(world / 'features')
    queries = dict(moments(world, 'nlq_train.json'), type='LanguageQueries')
    del queries['classes']
    (checked,) = check(dict(queries, words=dict(path='features/words')))
    assert found(checked) == {'features or media that are not there at all': (3, 'refuse')}
    assert 'vectors of words: ' in checked.findings[0].examples[2]


def test_short_clips_and_what_no_position_sees_are_counted(world):
    path = world / 'annotations/moments_train.json'
    content = json.loads(path.read_text())
    for video in content['videos']:
        (clip,) = video['clips']
        clip['video_end_sec'] = clip['video_start_sec'] + 0.5
        name = clip['clip_uid']
        label = clip['annotations'][0]['labels'][0]
        clip['annotations'][0]['labels'] = [dict(label, start_time=0.0, end_time=0.25)]
        np.save(world / f'features/ego/{name}.npy', np.ones((1, 16), np.float32))
    path.write_text(json.dumps(content))
    sources = dict(ego=dict(path='features/ego'))
    (checked,) = check(dict(moments(world), length=None, sources=sources))
    assert found(checked) == {
        'clips shorter than one window': (2, 'keep'),
        'segments that too few positions see': (2, 'drop'),
    }


def test_queries_without_text_are_dropped_and_without_words_refused(world):
    path = world / 'annotations/nlq_train.json'
    content = json.loads(path.read_text())
    (annotation,) = content['videos'][0]['clips'][0]['annotations']
    annotation['language_queries'][0]['query'] = None
    annotation['language_queries'][1]['query'] = '?'
    path.write_text(json.dumps(content))
    dataset = dict(moments(world, 'nlq_train.json'), type='LanguageQueries')
    del dataset['classes']
    (checked,) = check(dict(dataset, words=dict(num_tokens=9)))
    assert found(checked) == {
        'queries without a text': (1, 'drop'),
        'queries without words': (1, 'refuse'),
    }
    (world / 'features/words').joinpath(f'{annotation["annotation_uid"]}_1.npy').unlink()
    (checked,) = check(dict(dataset, words=dict(path='features/words')))
    assert found(checked)['queries without words'] == (1, 'refuse')


def test_an_empty_clip_is_refused_and_so_are_features_without_a_position(world):
    clip, *_ = sorted((world / 'features/ego').glob('*train*.npy'))
    np.save(clip, np.zeros((0, 16), np.float32))
    (checked,) = check(moments(world))
    assert found(checked) == {'features unreadable, empty or of another dim': (1, 'refuse')}
    assert 'with N >= 1 is expected; got (0, 16)' in checked.findings[0].examples[0]
    path = world / 'annotations/moments_train.json'
    content = json.loads(path.read_text())
    (first,) = content['videos'][0]['clips']
    first['video_end_sec'] = first['video_start_sec']
    path.write_text(json.dumps(content))
    (checked,) = check(moments(world))
    assert found(checked) == {'settings or annotations that cannot be used': (1, 'refuse')}
    assert 'a clip wants a duration above 0 s; got 0' in checked.findings[0].examples[0]


def test_the_policy_for_each_bad_input_is_shown_although_nothing_is_bad(feature_world):
    queries = dict(moments(feature_world, 'nlq_train.json'), type='LanguageQueries')
    del queries['classes']
    config = Config(
        dict(
            train_dataloader=dict(dataset=moments(feature_world, policy=dict(repeated='keep'))),
            val_dataloader=dict(dataset=dict(queries, words=dict(num_tokens=9))),
        )
    )
    for_clips, for_queries = map(found, check_config(config, policies=True))
    assert for_clips == {
        'settings or annotations that cannot be used': (0, 'refuse'),
        'features or media that are not there at all': (0, 'refuse'),
        'segments that leave their clip': (0, 'clip'),
        'segments without length': (0, 'drop'),
        'segments that repeat one of their label': (0, 'keep'),
        'of these, past the end by more than 1 ms': (0, 'clip'),
        'of these, longer than their clip': (0, 'clip'),
        'clips without segments, all background': (0, 'keep'),
        'clips without features': (0, 'refuse'),
        'features unreadable, empty or of another dim': (0, 'refuse'),
        'features of another length than their clip': (0, 'refuse'),
        'clips shorter than one window': (0, 'keep'),
        'segments that too few positions see': (0, 'drop'),
    }
    assert 'clips without segments, all background' not in for_queries
    assert for_queries['queries without a text'] == (0, 'drop')
    assert for_queries['queries without words'] == (0, 'refuse')


def test_every_odd_real_moment_is_found(realdata, tmp_path):
    write_feature_world(tmp_path, train=1, val=1)
    dataset = dict(
        moments(tmp_path, policy=dict(outside='drop')),
        ann_file=str(realdata / 'ego4d_mq/ego4d_mq_v1_clip_annotations.json'),
        classes=str(realdata / 'ego4d_mq/ego4d_label_map.txt'),
    )
    (checked,) = check(dataset)
    assert checked.records == 2495
    counts = found(checked)
    assert counts['of these, past the end by more than 1 ms'] == (1337, 'drop')
    assert counts['of these, longer than their clip'] == (108, 'drop')
    assert counts['segments that repeat one of their label'] == (21, 'drop')
    assert counts['clips without features'] == (2 * 2495, 'refuse')


def kitchen(root, **more):
    media = dict(
        rgb=dict(type='video', path='{participant}/videos/{video}.MP4'),
        audio=dict(type='container', path='{participant}/videos/{video}.MP4'),
    )
    return dict(
        type='EpicKitchens',
        data_root=str(root),
        ann_file='annotations/EPIC_100_train.csv',
        verb_classes=12,
        noun_classes=16,
        sources=media,
        pipeline=[
            dict(type='SampleSegments', num_frames=2, mode='centre'),
            dict(type='LoadRGB'),
            dict(type='PackSample', inputs=['rgb']),
        ],
        **more,
    )


def test_videos_that_are_missing_or_cut_off_are_found_by_the_clip_that_ends_last(
    toy_world, tmp_path
):
    root = tmp_path / 'kitchen'
    shutil.copytree(toy_world, root)
    (checked,) = check(kitchen(root))
    assert checked.fine
    assert not {'clips that cannot be loaded', 'videos without rgb'} & found(checked).keys()
    clips = checked.records
    path, *others = sorted(root.glob('*/videos/*.MP4'))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    for test_mode, policy in ((False, 'replace'), (True, 'refuse')):
        config = Config(dict(train_dataloader=dict(dataset=kitchen(root, test_mode=test_mode))))
        few, all_of_it = (check_config(config, every)[0] for every in (False, True))
        assert found(few)['clips that cannot be loaded'] == (1, policy)
        assert path.name in few.findings[0].examples[0]
        assert found(all_of_it)['clips that cannot be loaded'][0] > 1
        assert few.fine == (policy == 'replace')
        assert few.records == clips
    path.unlink()
    (checked,) = check(kitchen(root))
    assert found(checked) == {check_data.NOT_THERE: (1, 'refuse')}
    assert 'have no file of any modality' in checked.findings[0].examples[0]
    assert checked.records == clips


def test_nouns_names_and_flow_that_do_not_fit_are_found_with_their_effect(toy_world, tmp_path):
    root = tmp_path / 'kitchen'
    shutil.copytree(toy_world, root)
    base = '{participant}/{kind}_frames/{video}/'
    frames = base.replace('{kind}', 'rgb') + 'frame_{index:010d}.jpg'
    flow = base.replace('{kind}', 'flow') + '{axis}/frame_{index:010d}.jpg'
    sources = dict(rgb=dict(type='frames', path=frames), flow=dict(type='flow', path=flow))
    kinds = {check_data.SEVERAL_NOUNS, check_data.OTHER_NAMES, check_data.DENSE_FLOW}
    (checked,) = check(dict(kitchen(root), sources=sources))
    assert not kinds & found(checked).keys()
    table = root / 'annotations/EPIC_100_train.csv'
    header, first, *rows = table.read_text().splitlines()
    cells = next(csv.reader([first]))
    cells[header.split(',').index('all_noun_classes')] = '[3, 4]'
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    table.write_text('\n'.join([header, line.getvalue().strip(), *rows]) + '\n')
    names = root / 'annotations/EPIC_100_noun_classes.csv'
    columns = names.read_text().splitlines()[0].split(',')
    more = ','.join('16' if name == 'id' else 'x' for name in columns)
    names.write_text(names.read_text().rstrip() + f'\n{more}\n')
    sources['flow']['stride'] = 4  # there is one image for two frames, or one for each
    (checked,) = check(dict(kitchen(root), sources=sources))
    counts = found(checked)
    videos = len({row.split(',')[2] for row in (first, *rows)})
    assert {kind: counts[kind] for kind in kinds} == {
        check_data.SEVERAL_NOUNS: (1, 'keep'),
        check_data.OTHER_NAMES: (1, 'refuse'),
        check_data.DENSE_FLOW: (videos, 'refuse'),
    }
    assert not checked.fine
    effects = {finding.what: finding.effect for finding in checked.findings}
    assert 'counts as wrong, as officially' in effects[check_data.SEVERAL_NOUNS]
    assert '17 classes, the data set has 16' in str(checked.findings)


@pytest.mark.parametrize('kind', ['frames', 'video'])
def test_annotations_are_looked_through_although_media_are_not_there(kind, toy_world, tmp_path):
    shutil.copytree(toy_world / 'annotations', tmp_path / 'annotations')
    number = '/{index:010d}.jpg' if kind == 'frames' else '.MP4'
    sources = dict(rgb=dict(type=kind, path='{participant}/{video}' + number))
    names = tmp_path / 'annotations/EPIC_100_noun_classes.csv'
    names.write_text(names.read_text() + names.read_text().splitlines()[-1].replace('15', '16', 1))
    (checked,) = check(dict(kitchen(tmp_path), sources=sources))
    assert {
        name: found(checked)[name] for name in (check_data.NOT_THERE, check_data.OTHER_NAMES)
    } == {
        check_data.NOT_THERE: (1, 'refuse'),
        check_data.OTHER_NAMES: (1, 'refuse'),
    }
    said = checked.findings[0].examples[0]
    assert re.match(r'None of the \d+ videos has rgb. .*Correct `data_root`', said)
    assert f"data_root='{tmp_path}'" in said
    assert checked.records > 0


def test_real_clips_with_several_nouns_are_counted(realdata):
    records = read_records(realdata / 'ek100/EPIC_100_validation.csv', dict(verb=97, noun=300))
    found = check_data.several_nouns(records)
    assert (len(records), len(found)) == (9668, 1602)


def test_odd_real_queries_are_found(realdata, feature_world):
    dataset = dict(
        moments(feature_world),
        type='LanguageQueries',
        ann_file=str(realdata / 'ego4d_nlq/nlq_val.json'),
        words=dict(num_tokens=2**14),
    )
    del dataset['classes']
    (checked,) = check(dataset)
    assert checked.records == 4552
    counts = found(checked)
    assert counts['segments that leave their clip'] == (87, 'clip')
    assert counts['queries without a text'] == (2, 'drop')
    assert counts['clips without features'] == (2 * 415, 'refuse')
    assert 'queries without words' not in counts
