"""The main job on real files: RGB + flow + audio of an egocentric clip to verb and noun."""

import json
import pickle
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate

from egomm.registry import DATASETS, MODELS

ROOT = Path(__file__).resolve().parent.parent
CONFIG = 'configs/toy/mimo_query_real-files.py'


def evaluation_batch(config, root):
    """All clips of the real files as one batch, the way evaluation sees them."""
    config.val_dataloader.dataset.data_root = str(root)
    dataset = DATASETS.build(config.val_dataloader.dataset)
    return pseudo_collate([dataset[index] for index in range(len(dataset))])


def answers(model, batch):
    """Share of right verbs and nouns, in percent."""
    with torch.no_grad():
        samples = model.val_step(batch)
    right = Counter()
    for sample in samples:
        for task, label in sample.gt.items():
            right[task] += int(sample.pred[task].argmax()) == label
    return {task: 100 * count / len(samples) for task, count in right.items()}


def test_real_clips_go_through_transforms_and_model_with_what_they_lack_masked(real_files):
    config = Config.fromfile(ROOT / CONFIG)
    batch = evaluation_batch(config, real_files)
    samples = batch['data_samples']
    assert len(samples) >= 40
    for task in ('verb', 'noun'):
        assert len({sample.gt[task] for sample in samples}) >= 6
    by_video = {}
    for sample in samples:
        by_video.setdefault(sample.video_id, set()).add((sample.gt['verb'], sample.gt['noun']))
    assert all(len(labels) >= 3 for labels in by_video.values())

    model = MODELS.build(config.model)
    losses = model(**model.data_preprocessor(batch, True), mode='loss')
    assert all(torch.isfinite(value) for value in losses.values())
    model.eval()
    with torch.no_grad():
        predicted = model.val_step(batch)
    modalities = list(config.model.backbones)
    for sample in predicted:
        seen = sample.pred['attention'].sum(dim=(0, 1))  # over heads and tasks
        for index, name in enumerate(modalities):
            assert bool(seen[index] > 0) == sample.present[name]


@pytest.mark.long
def test_real_clips_are_overfitted_and_a_shuffled_modality_costs_accuracy(real_files, tmp_path):
    settings = [
        f'train_dataloader.dataset.data_root={real_files}/',
        f'val_dataloader.dataset.data_root={real_files}/',
        f'test_dataloader.dataset.data_root={real_files}/',
    ]

    def call(*arguments):
        subprocess.run(
            [sys.executable, *map(str, arguments), '--cfg-options', *settings],
            cwd=ROOT,
            check=True,
            capture_output=True,
        )

    call('tools/train.py', CONFIG, '--work-dir', tmp_path)
    checkpoint = tmp_path / 'epoch_60.pth'
    dump = tmp_path / 'scores.pkl'
    call('tools/test.py', CONFIG, checkpoint, '--work-dir', tmp_path / 'test', '--dump', dump)
    (scores_file,) = (tmp_path / 'test').glob('*/2*.json')  # named by time, beside the run card
    scores = json.loads(scores_file.read_text())
    assert scores['epic100/all_verb_accuracy_at_1'] >= 95
    assert scores['epic100/all_noun_accuracy_at_1'] >= 95
    assert len(pickle.loads(dump.read_bytes())) >= 40

    config = Config.fromfile(ROOT / CONFIG)
    batch = evaluation_batch(config, real_files)
    model = MODELS.build(config.model)
    model.load_state_dict(torch.load(checkpoint, weights_only=True)['state_dict'])
    model.eval()
    whole = answers(model, batch)
    for name in ('rgb', 'audio'):
        rows = [row for row, present in enumerate(batch['present'][name]) if present]
        shuffled = list(batch['inputs'][name])
        for row, other in zip(rows, rows[1:] + rows[:1]):
            shuffled[row] = batch['inputs'][name][other]
        inputs = {**batch['inputs'], name: shuffled}
        swapped = answers(model, {**batch, 'inputs': inputs})
        assert sum(swapped.values()) < sum(whole.values()), name
