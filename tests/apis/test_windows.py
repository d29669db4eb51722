"""Features of untrimmed video: each frame once, each window right, nothing lost by a kill."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from egomm.apis.clip_models import Clip, load_clip_model
from egomm.apis.windows import extract_windows, windows_of
from egomm.datasets.feature_clips import FeatureSource
from egomm.datasets.streams import SoundStream, VideoFrames


@pytest.fixture(scope='module')
def video(make_video, tmp_path_factory):
    """4 s: 120 frames."""
    return make_video(tmp_path_factory.mktemp('windows') / 'kitchen.mp4')


@pytest.mark.parametrize(
    'total, starts, padding',
    [(32, [0], 0), (33, [0, 16], 15), (48, [0, 16], 0), (64, [0, 16, 32], 0), (5, [0], 27)],
)
def test_windows_cover_the_video_and_the_last_frame_completes_them(total, starts, padding):
    windows = list(windows_of(range(total), 32, 16))
    assert [window[0] for window in windows] == starts
    assert all(len(window) == 32 for window in windows)
    expected = [*range(starts[-1], total), *[total - 1] * padding]
    assert windows[-1] == expected


def test_windows_side_by_side_share_nothing():
    assert list(windows_of(range(5), 2, 2)) == [[0, 1], [2, 3], [4, 4]]


def test_each_window_is_what_the_recognizer_makes_of_it(recognizer, video, tmp_path):
    told = []
    assert extract_windows(*recognizer, [video], tmp_path / 'out', say=told.append) == []
    assert told == ['kitchen: 7 windows of 4.0 s, without flow']
    features = np.load(tmp_path / 'out/kitchen.npy')
    assert (features.shape, features.dtype) == ((7, 192), np.float32)
    model = load_clip_model(*recognizer)
    images = np.stack(list(VideoFrames(str(video), 30.0)))
    for position in range(6):
        start = position * 16
        clip = Clip(images[start : start + 32], 30.0, SoundStream(str(video)), start / 30)
        expected = model.encode([model.pack(clip)])[0]
        np.testing.assert_allclose(features[position], expected, rtol=1e-4, atol=1e-5)


def test_the_manifest_is_read_by_the_feature_store_and_counts_every_frame_once(
    recognizer, video, tmp_path
):
    extract_windows(*recognizer, [video], tmp_path, fps=15.0, window=8, stride=4, dtype='float16')
    manifest = json.loads((tmp_path / 'manifest.json').read_text())
    entry = manifest['videos']['kitchen']
    assert entry['decoded_frames'] == 120
    assert entry['duration'] == pytest.approx(4.0)
    assert entry['present'] == dict(rgb=14, flow=0, audio=14)
    assert manifest['checkpoint']['file'] == 'weights.pth'
    assert manifest['licence'] == 'none: generated data'
    source = FeatureSource(str(tmp_path))
    record = dict(clip_id='c', video_id='kitchen', video_start_seconds=1.0, duration=2.0)
    features, grid = source.clip(record, None)
    assert features.dtype == np.float16
    assert (grid.fps, grid.stride, grid.window) == (15.0, 4, 8)


def test_a_killed_run_goes_on_and_the_files_are_equal_to_the_byte(recognizer, video, tmp_path):
    program = (
        'import sys, time\n'
        'from egomm.apis import windows\n'
        'real = windows.WindowWriter.append\n'
        'def slow(*arguments):\n'
        '    real(*arguments); print("written", flush=True); time.sleep(20)\n'
        'windows.WindowWriter.append = slow\n'
        'windows.extract_windows(*sys.argv[1:3], [sys.argv[3]], sys.argv[4], batch_size=2)\n'
    )
    out = tmp_path / 'killed'
    process = subprocess.Popen(
        [sys.executable, '-c', program, *recognizer, video, out],
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ, OMP_NUM_THREADS='1'),
    )
    try:
        assert process.stdout.readline() == 'written\n'
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
    told = []
    extract_windows(*recognizer, [video], out, batch_size=2, say=told.append)
    assert told[0] == 'kitchen: goes on after 2 windows'
    extract_windows(*recognizer, [video], tmp_path / 'whole', batch_size=2)
    for name in ('kitchen.npy', 'manifest.json'):
        assert (out / name).read_bytes() == (tmp_path / 'whole' / name).read_bytes()
    again = []
    extract_windows(*recognizer, [video], out, batch_size=2, say=again.append)
    assert again == ['kitchen: there already']


def test_shards_write_what_one_process_writes(recognizer, make_video, tmp_path):
    videos = [
        make_video(tmp_path / f'{name}.mp4', seconds=seconds, tone=None)
        for name, seconds in (('a', 0.5), ('b', 1.2), ('ç d', 0.04))
    ]
    extract_windows(*recognizer, videos, tmp_path / 'one')
    for rank in (1, 0):
        extract_windows(*recognizer, videos, tmp_path / 'two', shard=(rank, 2))
    files = sorted(path.name for path in (tmp_path / 'one').iterdir())
    assert [name for name in files if name.endswith('.npy')] == ['a.npy', 'b.npy', 'ç d.npy']
    for name in files:
        assert (tmp_path / 'two' / name).read_bytes() == (tmp_path / 'one' / name).read_bytes()


def test_what_cannot_be_read_is_left_out_and_said(recognizer, make_video, tmp_path):
    good = make_video(tmp_path / 'good.mp4', seconds=0.2)
    empty = tmp_path / 'empty.mp4'
    empty.touch()
    told = []
    videos = [empty, tmp_path / 'gone.mp4', good]
    failed = extract_windows(*recognizer, videos, tmp_path / 'out', say=told.append)
    assert [line.partition(': ')[0] for line in failed] == [str(empty), str(tmp_path / 'gone.mp4')]
    assert not list((tmp_path / 'out').glob('*.part'))
    assert told[1].endswith('gone.mp4: there is no such file. Correct the path.')
    assert told[2] == 'good: 1 windows of 0.2 s, without flow, audio'  # too little of it


def test_a_damaged_stretch_is_said_and_noted(recognizer, video, tmp_path):
    data = bytearray(video.read_bytes())
    middle = data.index(b'mdat') + (len(data) - data.index(b'mdat')) // 4
    data[middle : middle + 800] = bytes(800)
    damaged = tmp_path / 'damaged.mp4'
    damaged.write_bytes(data)
    told = []
    assert not extract_windows(*recognizer, [damaged], tmp_path / 'out', say=told.append)
    assert told[1].startswith('damaged: 1 damaged stretches, such as ')
    manifest = json.loads((tmp_path / 'out/manifest.json').read_text())
    ((start, stop),) = manifest['videos']['damaged']['bad']
    assert 0 <= start < stop <= 4


def test_mmaction2_features_over_windows(mmaction_recognizer, make_video, tmp_path):
    video = make_video(tmp_path / 'a.mp4', seconds=1.0)
    extract_windows(*mmaction_recognizer, [video], tmp_path / 'out', window=16, stride=8)
    assert np.load(tmp_path / 'out/a.npy').shape == (3, 80)
    with pytest.raises(ValueError, match='looks at 16 frames .* a window has 8 and would be loop'):
        extract_windows(*mmaction_recognizer, [video], tmp_path / 'out', window=8, stride=8)


def test_settings_that_make_no_windows_are_refused(recognizer, video, tmp_path):
    with pytest.raises(ValueError, match='want 1 <= stride <= window and fps above 0.* stride=40'):
        extract_windows(*recognizer, [video], tmp_path, stride=40)
    with pytest.raises(ValueError, match='batch_size counts windows, from 1 up; got 0'):
        extract_windows(*recognizer, [video], tmp_path, batch_size=0)


def test_two_videos_of_one_name_are_refused(recognizer, tmp_path):
    with pytest.raises(ValueError, match=r'a/v\.mp4 and b/v\.avi would both write v\.npy'):
        extract_windows(*recognizer, ['a/v.mp4', 'b/v.avi'], tmp_path)


@pytest.mark.long
def test_memory_is_that_of_a_window_not_of_the_video(recognizer, make_video, tmp_path):
    """Resident memory after 20 s of video and after 60 s differ by less than one window."""
    peaks = []
    for seconds in (20, 60):
        video = make_video(tmp_path / f'{seconds}.mp4', seconds=seconds, size=(240, 320))
        program = (
            'import resource, sys\n'
            'from egomm.apis.windows import extract_windows\n'
            'extract_windows(*sys.argv[1:3], [sys.argv[3]], sys.argv[4])\n'
            'print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)\n'
        )
        begun = time.monotonic()
        output = subprocess.run(
            [sys.executable, '-c', program, *recognizer, video, tmp_path / f'out{seconds}'],
            **dict(check=True, capture_output=True, text=True, timeout=300),
        ).stdout
        assert time.monotonic() - begun < 300
        peaks.append(int(output.split()[-1]))
    assert abs(peaks[1] - peaks[0]) < 32 * 240 * 320 * 3 / 2**20 + 10
