"""Real frames, flow, videos and sound through the same transforms as any training run."""

import subprocess
import sys
from pathlib import Path

import pytest

from egomm.registry import DATASETS

SOURCES = {
    'rgb': [
        {'type': 'frames', 'path': '{participant}/rgb_frames/{video}/frame_{index:010d}.jpg'},
        {'type': 'video', 'path': '{participant}/videos/{video}.MP4'},
        {'type': 'video', 'path': '{participant}/videos/{video}.avi'},
    ],
    'flow': {
        'type': 'flow',
        'stride': 1,
        'path': '{participant}/flow_frames/{video}/{axis}/frame_{index:010d}.jpg',
    },
    'audio': [
        {'type': 'container', 'path': '{participant}/videos/{video}.MP4'},
        {'type': 'container', 'path': '{participant}/videos/{video}.avi'},
    ],
}
# Who has what: P01 frames of EPIC, P02 Ego4D, P03 and P05 videos with sound, P04 one without.
PRESENT = {
    'P01': {'rgb': True, 'flow': True, 'audio': False},
    'P02': {'rgb': True, 'flow': False, 'audio': False},
    'P03': {'rgb': True, 'flow': False, 'audio': True},
    'P04': {'rgb': True, 'flow': False, 'audio': False},
    'P05': {'rgb': True, 'flow': False, 'audio': True},
}


def build(root, steps, mode):
    return DATASETS.build(
        {
            'type': 'EpicKitchens',
            'ann_file': 'annotations/EPIC_100_train.csv',
            'data_root': str(root),
            'sources': SOURCES,
            'test_mode': True,
            'verb_classes': 'annotations/EPIC_100_verb_classes.csv',
            'noun_classes': 'annotations/EPIC_100_noun_classes.csv',
            'pipeline': [
                {'type': 'SampleSegments', 'num_frames': 4, 'mode': mode},
                {'type': 'LoadRGB'},
                {'type': 'LoadFlow'},
                {'type': 'LoadAudio', 'window': 0.32},
                *steps,
                {'type': 'LogPower'},
                {'type': 'ResizeSpectrogram', 'size': 64},
                {'type': 'PackSample'},
            ],
        }
    )


@pytest.mark.parametrize(
    ('mode', 'steps'),
    [
        ('random', [{'type': 'RandomResizedCrop', 'size': 64}, {'type': 'RandomFlip'}]),
        ('centre', [{'type': 'ResizeShort', 'size': 64}, {'type': 'CentreCrop', 'size': 64}]),
    ],
)
def test_every_clip_loads_with_the_modalities_its_file_has(real_files, mode, steps):
    dataset = build(real_files, steps, mode)
    samples = [dataset[index] for index in range(len(dataset))]
    for sample in samples:
        assert sample['inputs']['rgb'].shape == (3, 4, 64, 64)
        assert sample['inputs']['flow'].shape == (2, 4, 64, 64)
        assert sample['inputs']['audio'].shape == (1, 4, 64, 64)
        expected = dict(PRESENT[sample['data_samples'].participant_id])
        if sample['data_samples'].video_id == 'P05_101' and not sample['present']['audio']:
            expected['audio'] = False  # parts of this file are exactly silent
        assert sample['present'] == expected
        assert sample['inputs']['rgb'].any()
    assert sum(sample['present']['audio'] for sample in samples) >= 20
    report = dataset.report()
    assert report['audio']['silent'] >= 5  # Ego4D
    assert report['audio']['absent'] >= 19  # EPIC frames, mmaction2_demo


def test_labels_are_enough_and_differ_inside_each_file(real_files):
    dataset = build(real_files, [], 'centre')
    records = [dataset.get_data_info(index) for index in range(len(dataset))]
    assert len(records) >= 40
    for task in ('verb', 'noun'):
        assert len({record['gt'][task] for record in records}) >= 6
        for video in {record['video_id'] for record in records}:
            labels = {record['gt'][task] for record in records if record['video_id'] == video}
            assert len(labels) >= 3
    for one, following in zip(records, records[1:], strict=False):
        if one['video_id'] == following['video_id']:
            assert following['start_seconds'] > one['stop_seconds']
    assert all(0.3 <= record['stop_seconds'] - record['start_seconds'] <= 1.0 for record in records)


def test_missing_files_are_named(tmp_path):
    tool = Path(__file__).parents[2] / 'tools/prepare/real_files.py'
    run = subprocess.run(
        [sys.executable, tool, tmp_path, tmp_path / 'out'],
        text=True,
        capture_output=True,
        check=False,
    )
    assert run.returncode == 2
    assert 'lacks epic_frames/rulstm_P01_01_first100.tar' in run.stderr
