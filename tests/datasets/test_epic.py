"""The dataset: samples by the contract, reproducible, and honest about what cannot be read."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader

from egomm.datasets import EpochSampler, SampleIndex
from egomm.datasets.media import MediaError
from egomm.registry import DATASETS
from egomm.structures import EgoSample


@pytest.fixture
def build(world, files):
    """Build the dataset of `world`, with changes."""

    def build(**changes):
        return DATASETS.build(
            {
                'type': 'EpicKitchens',
                'ann_file': 'annotations/EPIC_100_train.csv',
                'data_root': str(world),
                'sources': files.sources,
                'pipeline': files.pipeline,
                **changes,
            }
        )

    return build


@pytest.fixture
def broken(world, files, tmp_path):
    """A copy of `world` in which the video of the last two clips is cut off."""
    root = tmp_path / 'broken'
    shutil.copytree(world, root)
    path = root / 'P02/videos/P02_101.MP4'
    path.write_bytes(path.read_bytes()[:500])
    return root


def equal(one, other):
    """Whether two samples are the same, tensors and all."""
    return (
        all(torch.equal(one['inputs'][name], other['inputs'][name]) for name in one['inputs'])
        and one['data_samples'].times == other['data_samples'].times
    )


def test_sample_has_the_layout_that_models_read(build):
    sample = build()[0]
    shapes = {name: (tuple(x.shape), x.dtype) for name, x in sample['inputs'].items()}
    assert shapes == {
        'rgb': ((3, 4, 32, 32), torch.uint8),
        'flow': ((2, 4, 32, 32), torch.uint8),
        'audio': ((1, 4, 16, 16), torch.float32),
    }
    assert sample['present'] == {'rgb': True, 'flow': True, 'audio': True}
    assert isinstance(sample['data_samples'], EgoSample)
    meta = sample['data_samples'].metainfo
    assert {
        name: meta[name]
        for name in (
            'narration_id',
            'participant_id',
            'video_id',
            'start_seconds',
            'stop_seconds',
            'present',
        )
    } == {
        'narration_id': 'P01_01_0',
        'participant_id': 'P01',
        'video_id': 'P01_01',
        'start_seconds': 0.2,
        'stop_seconds': 1.2,
        'present': sample['present'],
    }
    assert sample['data_samples'].gt == {'verb': 0, 'noun': 1}


def test_video_without_flow_is_masked_and_has_the_same_shape(build):
    dataset = build()
    sample = dataset[2]
    assert sample['present'] == {'rgb': True, 'flow': False, 'audio': True}
    assert sample['inputs']['flow'].shape == dataset[0]['inputs']['flow'].shape
    assert (sample['inputs']['flow'] == 128).all()


def test_randomness_follows_seed_epoch_and_index_only(build):
    one, other = build(), build()
    first = one[SampleIndex(4, 1)]
    other[SampleIndex(0, 0)], one[SampleIndex(5, 2)]
    assert equal(first, other[SampleIndex(4, 1)])
    assert not equal(first, one[SampleIndex(5, 1)])
    assert not equal(first, build(seed=1)[SampleIndex(4, 1)])


def test_a_clip_drawn_again_in_an_epoch_is_another_sample(build):
    dataset = build()
    draws = [dataset[SampleIndex(4, 1, repeat=repeat)] for repeat in range(3)]
    assert not equal(draws[0], draws[1])
    assert not equal(draws[1], draws[2])
    assert equal(draws[2], build()[SampleIndex(4, 1, repeat=2)])


def test_views_show_what_one_view_shows_and_more(build):
    def pipeline(crop, views):
        return [
            {'type': 'SampleSegments', 'num_frames': 4, 'mode': 'centre', 'views': views},
            {'type': 'LoadRGB'},
            {'type': 'LoadFlow'},
            {'type': 'LoadAudio', 'window': 0.1},
            {'type': crop, 'size': 32},
            {'type': 'LogPower'},
            {'type': 'PackSample', 'tasks': ['verb', 'noun', 'action']},
        ]

    plain = build(pipeline=pipeline('CentreCrop', 1), test_mode=True)
    dataset = build(pipeline=pipeline('ThreeCrops', 3), test_mode=True)
    for index in range(4):  # frames and flow, then a video without flow
        one, views = plain[index], dataset[index]
        assert len(views) == 9
        middle = views[4]
        assert middle['data_samples'].metainfo == one['data_samples'].metainfo
        assert middle['data_samples'].gt == one['data_samples'].gt
        gt = middle['data_samples'].gt
        assert gt['action'] == (gt['verb'], gt['noun'])
        for name, tensor in one['inputs'].items():
            # Compressed sound is decoded from an earlier place on, which moves its last digits:
            # visible in the logarithm of almost nothing.
            atol = 0.05 if name == 'audio' and one['data_samples'].video_id == 'P02_101' else 0
            torch.testing.assert_close(middle['inputs'][name], tensor, rtol=0, atol=atol)
        for view in views:
            assert view['present'] == one['present']
            assert {n: x.shape for n, x in view['inputs'].items()} == {
                n: x.shape for n, x in one['inputs'].items()
            }


@pytest.mark.parametrize('workers', [1, 2])
def test_workers_give_the_same_samples_as_none(build, workers):
    def load(workers):
        dataset = build()
        sampler = EpochSampler(dataset, seed=3)
        sampler.set_epoch(2)
        batches = DataLoader(
            dataset, 2, sampler=sampler, num_workers=workers, collate_fn=pseudo_collate
        )
        samples = [
            (item, rgb)
            for batch in batches
            for item, rgb in zip(batch['data_samples'], batch['inputs']['rgb'], strict=True)
        ]
        return samples, dataset.report()

    samples, report = load(0)
    others, other_report = load(workers)
    assert report == other_report
    assert report['audio'] == {'whole': 4, 'padded': 0, 'silent': 0, 'absent': 0}
    for (item, rgb), (other, other_rgb) in zip(samples, others, strict=True):
        assert item.narration_id == other.narration_id
        assert torch.equal(rgb, other_rgb)


def test_padding_comes_without_labels(build):
    dataset = build()
    padded = dataset[SampleIndex(1, 0, True)]
    assert padded['data_samples'].gt == {}
    assert equal(padded, dataset[SampleIndex(1, 0, False)])


def test_unreadable_clip_is_replaced_counted_and_named(build, broken):
    dataset = build(data_root=str(broken), failure_budget=0.5)
    names = {dataset[SampleIndex(epoch, 2)]['data_samples'].narration_id for epoch in range(8)}
    assert names == {'P01_01_0', 'P01_01_1'}
    failed = dataset.report()['failed']
    assert 1 <= len(failed) <= 2
    assert 'P02_101.MP4: a readable video' in failed[0]
    assert 'Needed for the clip P02_101_' in failed[0]
    # The replacement is as reproducible as the clip.
    assert equal(
        dataset[SampleIndex(9, 2)],
        build(data_root=str(broken), failure_budget=0.5)[SampleIndex(9, 2)],
    )


def test_too_many_unreadable_clips_stop_the_run(build, broken):
    dataset = build(data_root=str(broken))  # 0.1 %: one clip
    text = (
        r'2 of 4 clips could not be read; failure_budget=0.001 allows 1:(?s:.*)'
        r'P02_101_(?s:.*)P02_101_(?s:.*)Repair'
    )
    with pytest.raises(RuntimeError, match=text):
        [dataset[index] for index in (2, 3)]


def test_workers_share_the_budget(build, broken):
    dataset = build(data_root=str(broken), failure_budget=0.5)
    loader = DataLoader(dataset, 1, sampler=[2, 3], num_workers=2, collate_fn=pseudo_collate)
    names = [batch['data_samples'][0].narration_id for batch in loader]
    assert set(names) <= {'P01_01_0', 'P01_01_1'}
    assert len(dataset.failures) == 2
    assert all('Needed for the clip P02_101_' in line for line in dataset.report()['failed'])


def test_evaluation_never_replaces_a_clip(build, broken):
    dataset = build(data_root=str(broken), test_mode=True)
    assert dataset[1]['data_samples'].narration_id == 'P01_01_1'
    with pytest.raises(MediaError, match=r'P02_101\.MP4: .*Needed for the clip P02_101_0'):
        dataset[2]


def test_clip_after_the_end_of_its_video_says_so(build, world, files, tmp_path):
    table = files.write_csv(tmp_path / 'late.csv', [files.row('P02_101_9', 'P02_101', 3, 9, 50)])
    dataset = build(
        ann_file=str(table),
        test_mode=True,
        sources={'rgb': files.sources['rgb']},
        pipeline=[
            *files.pipeline[:2],
            {'type': 'CentreCrop', 'size': 32},
            {'type': 'PackSample', 'inputs': ['rgb']},
        ],
    )
    with pytest.raises(MediaError, match=r'lasts 4\.000 s, but.*ends at 9\.000 s.*P02_101_9'):
        dataset[0]


def test_clips_without_any_file_are_listed(build, files, tmp_path):
    rows = [
        files.row('P01_01_0', 'P01_01', 0.2, 1.2, 60),
        files.row('P07_07_3', 'P07_07', 1, 2, 60),
    ]
    table = files.write_csv(tmp_path / 'a.csv', rows)
    with pytest.raises(ValueError, match=r"1 of 2 clips have no file of any modality.*'P07_07_3'"):
        build(ann_file=str(table))


def test_annotations_alone_need_no_media(build, tmp_path):
    dataset = build(sources=None, pipeline=[], check_files=False)
    assert [dataset.get_data_info(index)['narration_id'] for index in range(4)] == [
        'P01_01_0',
        'P01_01_1',
        'P02_101_0',
        'P02_101_1',
    ]
    assert dataset.get_data_info(0)['sources'] == {}


def test_subset_is_taken_and_identified(build, tmp_path):
    whole, half = build(), build(keep={'fraction': 0.5, 'seed': 0})
    assert (len(whole), whole.subset_hash) == (4, None)
    assert len(half) == 2
    assert len(half.subset_hash) == 64
    names = [half.get_data_info(index)['narration_id'] for index in range(2)]
    path = tmp_path / 'list.txt'
    path.write_text('\n'.join(names) + '\n')
    assert build(keep=str(path)).subset_hash == half.subset_hash


def test_class_files_give_names_and_numbers(build, files, tmp_path):
    table = files.write_csv(
        tmp_path / 'verbs.csv', ['0,take,[],x', '1,put,[],x'], 'id,key,instances,category'
    )
    dataset = build(verb_classes=str(table), noun_classes=3)
    assert dataset.metainfo['classes'] == {'verb': ['take', 'put']}
    assert dataset.metainfo['num_classes'] == {'verb': 2, 'noun': 3}
    with pytest.raises(ValueError, match=r"line 3, column 'noun_class'.*0\.\.1 .*got '2'"):
        build(noun_classes=2)


def test_pipeline_may_have_named_steps(build, files):
    steps = {f'step{number}': step for number, step in enumerate(files.pipeline)}
    assert equal(build(pipeline=steps)[0], build()[0])
    steps['step5'] = None  # RandomFlip
    assert len(build(pipeline=steps).pipeline.transforms) == len(files.pipeline) - 1


def test_missing_source_for_a_loader_is_explained(build, files):
    dataset = build(sources={'rgb': files.sources['rgb']})
    with pytest.raises(ValueError, match=r"LoadFlow reads flow.*sources for \['rgb'\] only. Add"):
        dataset[0]


def test_real_rows_load(realdata):
    for name, rows in (
        ('ek100/EPIC_100_validation.csv', 9_668),
        ('ek100/EPIC_100_test_timestamps.csv', 13_092),
        ('ek100_c2/training.csv', 67_217),
    ):
        dataset = DATASETS.build(
            {'type': 'EpicKitchens', 'ann_file': str(realdata / name), 'check_files': False}
        )
        assert len(dataset) == rows
    quarter = DATASETS.build(
        {
            'type': 'EpicKitchens',
            'ann_file': str(realdata / 'ek100_c2/training.csv'),
            'check_files': False,
            'keep': {'fraction': 0.25, 'seed': 0},
        }
    )
    assert len(quarter) == 67_217 // 4
    # The list that the MIMO configs train on.
    assert quarter.subset_hash == (
        '87928b4f02931755349ea293a94faa85384c690440210a14dc2f81ea2467a49f'
    )


@pytest.mark.skipif(not Path('/proc/self/statm').exists(), reason='needs /proc to see memory')
def test_memory_stays_flat(build):
    dataset = build()

    def pages():
        return int(Path('/proc/self/statm').read_text().split()[1])

    for epoch in range(3):
        [dataset[SampleIndex(epoch, index)] for index in range(4)]
    before = pages()
    for epoch in range(25):
        [dataset[SampleIndex(epoch, index)] for index in range(4)]
    assert pages() - before < 20 * 256  # 20 MB of 4 KB pages


def test_training_wants_a_label_of_every_packed_task(world, build):
    lines = (world / 'annotations/EPIC_100_train.csv').read_text().splitlines()
    rows = list(csv.reader(lines))
    column = rows[0].index('noun_class')
    for row in rows[1:]:
        row[column] = ''
    path = world / 'annotations/no_nouns.csv'
    with open(path, 'w', newline='') as file:
        csv.writer(file).writerows(rows)
    with pytest.raises(
        ValueError, match=r"no_nouns\.csv: none of .* a label of \['noun'\].*`tasks`"
    ):
        build(ann_file='annotations/no_nouns.csv')
    assert len(build(ann_file='annotations/no_nouns.csv', test_mode=True)) == len(rows) - 1


TASKS_55 = ('verb', 'noun')
HEADER_55 = (
    'uid,participant_id,video_id,narration,start_timestamp,stop_timestamp,start_frame,stop_frame,'
    'verb,verb_class,noun,noun_class,all_nouns,all_noun_classes'
)


def row_55(uid, person, verb, noun):
    return (
        f'{uid},{person},{person}_01,x,00:00:01.00,00:00:02.00,60,120,x,{verb},x,{noun},'
        f'"[\'x\']","[{noun}]"'
    )


def build_55(path, **changes):
    return DATASETS.build(
        {'type': 'EpicKitchens55', 'ann_file': str(path), 'check_files': False, **changes}
    )


def test_actions_of_55_are_numbered_by_uid_over_both_splits(tmp_path, files):
    rows = [row_55(30, 'P30', 5, 6), row_55(2, 'P01', 1, 2), row_55(10, 'P31', 1, 2)]
    path = files.write_csv(tmp_path / 'train.csv', rows, HEADER_55)
    train, val = (build_55(path, split=split) for split in ('train', 'val'))
    assert train.metainfo['actions'] == val.metainfo['actions'] == [(1, 2), (5, 6)]
    assert train.metainfo['dataset'] == 'EPIC-KITCHENS-55'
    assert train.metainfo['num_classes'] == {'verb': 125, 'noun': 352, 'action': 2}
    labels = [val.get_data_info(index)['gt'] for index in range(2)]
    assert labels == [
        {'verb': 5, 'noun': 6, 'action': 1},
        {'verb': 1, 'noun': 2, 'action': 0},
    ]
    assert train.get_data_info(0)['narration_id'] == '2'


def test_test_set_of_55_takes_its_actions_from_the_train_file(tmp_path, files):
    train = files.write_csv(tmp_path / 'train.csv', [row_55(2, 'P01', 1, 2)], HEADER_55)
    header = 'uid,participant_id,video_id,start_timestamp,stop_timestamp,start_frame,stop_frame'
    line = '7,P09,P09_01,00:00:01.00,00:00:02.00,60,120'
    test = files.write_csv(tmp_path / 's1.csv', [line], header)
    dataset = build_55(test, actions_from=str(train), test_mode=True)
    assert dataset.metainfo['actions'] == [(1, 2)]
    assert dataset.get_data_info(0)['gt'] == {}


def test_wrong_split_and_a_split_without_clips_are_explained(tmp_path, files):
    path = files.write_csv(tmp_path / 'train.csv', [row_55(2, 'P01', 1, 2)], HEADER_55)
    with pytest.raises(ValueError, match="split 'train', 'val' or None.*got 'test'"):
        build_55(path, split='test')
    with pytest.raises(ValueError, match=r"train\.csv: no clip is of split 'val'.*out of \('P30'"):
        build_55(path, split='val')


def test_a_file_of_100_is_refused_where_55_is_expected(tmp_path, files):
    header = HEADER_55.replace('uid', 'narration_id')
    path = files.write_csv(tmp_path / 'train.csv', [row_55('P01_01_0', 'P01', 1, 2)], header)
    with pytest.raises(
        ValueError, match=r"train\.csv: numbers as uid.*'P01_01_0'.*EpicKitchens for"
    ):
        build_55(path)


def test_real_rows_of_55_load(realdata, golden):
    folder = realdata / 'ek55'
    path = folder / 'EPIC_train_action_labels.csv'
    classes = {f'{task}_classes': str(folder / f'EPIC_{task}_classes.csv') for task in TASKS_55}
    everything = build_55(path, **classes)
    train, val = (build_55(path, split=split) for split in ('train', 'val'))
    assert (len(everything), len(train), len(val)) == (28_472, 26_377, 2_095)
    assert everything.num_classes == {'verb': 125, 'noun': 352, 'action': 2_513}
    assert everything.metainfo['classes']['noun'][:2] == ['Nothing', 'pan']
    records = [everything.get_data_info(index) for index in range(len(everything))]
    assert [len({r['gt'][task] for r in records}) for task in TASKS_55] == [119, 321]
    assert sum(len(r['all_noun_classes']) > 1 for r in records) == 4_290  # D4
    assert sum(r['gt']['noun'] >= 322 for r in records) == 69  # 322 classes are too few
    assert {r['participant_id'] for r in records}.isdisjoint({'P09', 'P11', 'P18'})
    assert len({r['participant_id'] for r in records}) == 28
    lengths = [r['stop_frame'] - r['start_frame'] for r in records]
    assert (min(lengths), np.median(lengths), max(lengths)) == (30, 116, 12_420)
    assert sum(length <= 32 for length in lengths) == 270  # 268 in the older file
    trained = [train.get_data_info(index)['gt'] for index in range(len(train))]
    tested = [val.get_data_info(index)['gt'] for index in range(len(val))]
    for task, unseen in (('verb', 3), ('noun', 96), ('action', 260)):
        known = {gt[task] for gt in trained}
        assert sum(gt[task] not in known for gt in tested) == unseen
    pairs = everything.metainfo['actions']
    assert all(pairs[r['gt']['action']] == (r['gt']['verb'], r['gt']['noun']) for r in records)
    # The many-shot classes of all rows are those of the official lists.
    official = np.load(golden / 'mtl/epic55_official.npz')
    found = everything.metainfo['many_shot']
    for task in TASKS_55:
        assert found[task] == sorted(official[f'many_shot_{task}s'])
    actions = {pairs[number] for number in found['action']}
    assert actions == set(map(tuple, official['many_shot_actions'].tolist()))
    # Those of the training part; Kapidis et al. count one action more in their older file.
    assert [len(train.metainfo['many_shot'][t]) for t in (*TASKS_55, 'action')] == [25, 67, 757]


def test_real_test_sets_of_55_load(realdata):
    for name, rows in (('s1', 8_047), ('s2', 2_929)):
        path = realdata / f'ek55/EPIC_test_{name}_timestamps.csv'
        assert len(build_55(path, test_mode=True)) == rows
