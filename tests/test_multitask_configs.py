"""What the multi-task configs say: tasks of a row, how points and test sets are tested."""

import csv
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope

from egomm.registry import DATASETS, METRICS, MODELS
from egomm.submission.result_files import read_results

CONFIGS = Path(__file__).resolve().parent.parent / 'configs'
TEST_SETS = sorted(CONFIGS.glob('*/*_test-sets.py'))
EVERY_FRAME = sorted(CONFIGS.glob('*/*_every-frame.py'))


def build(registry, config):
    with DefaultScope.overwrite_default_scope('egomm'):
        return registry.build(config)


@pytest.mark.parametrize('path', EVERY_FRAME, ids=lambda path: path.stem)
def test_blocks_are_of_frames_that_the_network_makes_one_step_of(path):
    config = Config.fromfile(path)
    pipeline = config.test_dataloader.dataset.pipeline
    assert pipeline.times == dict(type='SampleBlocks', num_frames=16, every=pipeline.targets.every)
    assert config.test_evaluator == [
        metric for metric in config.val_evaluator if metric.type != 'ClassAccuracyMetric'
    ]


def test_every_frame_of_the_toy_clips_is_scored_or_named(egtea_world):
    config = Config.fromfile(CONFIGS / 'toy/multitask_avnhg_every-frame.py')
    config.test_dataloader.dataset.data_root = str(egtea_world)
    blocks = build(DATASETS, config.test_dataloader.dataset)
    model = build(MODELS, config.model).eval()
    gaze = build(METRICS, next(m for m in config.test_evaluator if m.type == 'GazeMetric'))
    records = [blocks.get_data_info(index) for index in range(len(blocks))]
    lengths = {r['narration_id']: r['stop_frame'] - r['start_frame'] + 1 for r in records}
    clips = list(lengths)[:3]
    chosen = [index for index, r in enumerate(records) if r['narration_id'] in clips]
    with torch.no_grad():
        samples = model.test_step(pseudo_collate([blocks[index] for index in chosen]))
    gaze.process({}, [sample.to_dict() for sample in samples])
    scores = gaze.evaluate(len(blocks))
    counts = [scores[f'gaze/frames{name}'] for name in ('', '_skipped', '_unlabelled')]
    assert sum(counts) == sum(lengths[clip] for clip in clips)
    assert counts[0] > counts[1] > counts[2] == 0


@pytest.mark.parametrize('path', TEST_SETS, ids=lambda path: path.stem)
@pytest.mark.parametrize('name, clips', [('s1', 8_047), ('s2', 2_929)])
def test_each_test_set_of_epic_kitchens_55_is_whole(path, name, clips, realdata, monkeypatch):
    monkeypatch.setenv('EPIC55_TEST', name)
    config = Config.fromfile(path)
    dataset = config.test_dataloader.dataset
    assert dataset.pipeline.times.window == 64
    dataset.ann_file = str(realdata / 'ek55' / Path(dataset.ann_file).name)
    dataset.check_files = False
    assert len(build(DATASETS, dataset)) == clips
    assert config.test_evaluator[0].path == f'work_dirs/{path.stem}/{name}.pkl'


def test_clips_without_labels_get_a_file_of_scores(epic55_world, tmp_path):
    with open(epic55_world / 'annotations/EPIC_train_action_labels.csv') as file:
        rows = list(csv.DictReader(file))[:2]
    columns = ['uid', 'participant_id', 'video_id']
    columns += [f'{end}_{unit}' for unit in ('timestamp', 'frame') for end in ('start', 'stop')]
    with open(tmp_path / 's1.csv', 'w', newline='') as file:
        writer = csv.DictWriter(file, columns, extrasaction='ignore')
        writer.writeheader()
        writer.writerows(rows)
    config = Config.fromfile(CONFIGS / 'multitask/epic55_mfnet_vnh_test-sets.py')
    dataset = config.test_dataloader.dataset
    dataset.data_root, dataset.ann_file = str(epic55_world), str(tmp_path / 's1.csv')
    dataset.pipeline.crop.size = dataset.pipeline.resize.size = 32
    clips = build(DATASETS, dataset)
    model = build(MODELS, config.model).eval()
    with torch.no_grad():
        samples = model.test_step(pseudo_collate([clips[0], clips[1]]))
    metric = build(METRICS, dict(config.test_evaluator[0], path=str(tmp_path / 's1.pkl')))
    metric.process({}, [sample.to_dict() for sample in samples])
    metric.evaluate(len(clips))
    results = read_results(tmp_path / 's1.pkl')
    assert list(results.narration_ids) == [row['uid'] for row in rows]
    assert (results.verb.shape, results.noun.shape) == ((2, 125), (2, 352))


TASKS = dict(a='action', v='verb', n='noun', h='hands', g='gaze')
EGTEA_ROWS = ['a', 'av', 'avn', 'ag', 'ah', 'agh', 'avng', 'avnh', 'avnhg']
EPIC55_ROWS = ['v', 'vh', 'vnh', 'a', 'avh', 'avnh']
MULTI_TASK = [
    *(('multitask/egtea_mfnet', row) for row in EGTEA_ROWS),
    *(('multitask/epic55_mfnet', row) for row in EPIC55_ROWS),
    *(('toy/multitask', row) for row in dict.fromkeys(EGTEA_ROWS + EPIC55_ROWS)),
]


@pytest.mark.parametrize('start, row', MULTI_TASK)
def test_a_row_of_the_multi_task_tables_has_the_tasks_of_its_name(start, row):
    config = Config.fromfile(CONFIGS.parent / f'configs/{start}_{row}.py')
    tasks = {TASKS[letter] for letter in row}
    assert {task for task, head in config.model.heads.items() if head} == tasks
    for loader in (config.train_dataloader, config.val_dataloader, config.test_dataloader):
        pipeline = loader.dataset.pipeline
        assert set(pipeline.pack.tasks) == tasks
        for task in ('hands', 'gaze'):
            assert bool(pipeline[task]) == (task in tasks)
            assert bool(loader.dataset.sources.get(task)) == (task in tasks)
    given = config.val_evaluator
    classes, *points = given if isinstance(given, list) else [given]
    assert set(classes.num_classes) == tasks - {'hands', 'gaze'}
    assert len(points) == len(tasks & {'hands', 'gaze'})
    for task, count in classes.num_classes.items():
        assert config.model.heads[task].num_classes == count
    main = 'action' if 'a' in row else 'verb'
    assert config.default_hooks.checkpoint.save_best == f'{classes.prefix}/{main}_top1'


def test_the_split_of_egtea_is_one_option(monkeypatch):
    path = CONFIGS.parent / 'configs/multitask/egtea_mfnet_avnhg.py'
    names = []
    for split in (None, '3'):
        if split:
            monkeypatch.setenv('EGTEA_SPLIT', split)
        config = Config.fromfile(path)
        loaders = (config.train_dataloader, config.val_dataloader, config.test_dataloader)
        names += [Path(loader.dataset.ann_file).name for loader in loaders]
    assert names == [
        *('train_split1.txt', 'test_split1.txt', 'test_split1.txt'),
        *('train_split3.txt', 'test_split3.txt', 'test_split3.txt'),
    ]
