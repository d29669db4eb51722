"""What the multi-task configs say beyond their rows: how points and test sets are tested."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope

from egomm.registry import DATASETS, METRICS, MODELS

CONFIGS = Path(__file__).resolve().parent.parent / 'configs'
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
