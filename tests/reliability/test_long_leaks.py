"""Memory and open files of a process that reads for long (`tools/run_reliability.sh`)."""

import gc
import os
from pathlib import Path

import pytest

from egomm.datasets.media import read_audio, read_video_frames
from egomm.registry import DATASETS

pytestmark = pytest.mark.long


def resident():
    """Resident memory of this process in bytes."""
    gc.collect()
    return int(Path('/proc/self/statm').read_text().split()[1]) * os.sysconf('SC_PAGE_SIZE')


def open_files():
    return len(os.listdir('/proc/self/fd'))


def growth(work, warm_up, rounds):
    """By how much memory, as a share, and open files grow over rounds after the first."""
    for _ in range(warm_up):
        work()
    memory, files = resident(), open_files()
    for _ in range(rounds):
        work()
    return resident() / memory - 1, open_files() - files


def test_two_thousand_clips_of_a_video(toy_world, record_property):
    [video, *_] = sorted(toy_world.rglob('*.MP4')) or sorted(toy_world.rglob('*.mp4'))

    def decode():
        read_video_frames(str(video), [0.1, 0.5, 0.9], 1.0)
        read_audio(str(video), 0, 24_000, 24_000)

    memory, files = growth(decode, 200, 2000)
    record_property('measured', f'2000 decodes: memory {memory:+.1%}, open files {files:+d}')
    assert memory < 0.05
    assert files == 0


def test_twenty_epochs_of_features(runs, feature_world, record_property):
    config = runs.config('asl').train_dataloader.dataset
    dataset = DATASETS.build({**config, 'data_root': str(feature_world)})

    def epoch():
        for index in range(len(dataset)):
            dataset[index]

    memory, files = growth(epoch, 5, 20 * 30)
    record_property('measured', f'600 epochs of features: memory {memory:+.1%}, files {files:+d}')
    assert memory < 0.05
    assert files == 0


def test_twenty_epochs_of_training(runs, record_property):
    """Memory after each epoch against that after the third."""
    marks = []

    def note(runner):
        marks.append((resident(), open_files()))

    config = runs.config('asl', epochs=23)
    from mmengine.hooks import Hook

    watch = Hook()
    watch.after_train_epoch = note
    runs.run(config, 'run', watch=watch)
    memory = marks[-1][0] / marks[2][0] - 1
    files = marks[-1][1] - marks[2][1]
    record_property('measured', f'20 epochs of training: memory {memory:+.1%}, files {files:+d}')
    assert memory < 0.05
    assert files == 0
