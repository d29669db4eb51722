"""Features of videos on disk: continued, never mixed, and read by the feature store."""

import json
import resource

import numpy as np
import pytest

from egomm.datasets.feature_clips import FeatureSource
from egomm.datasets.feature_store import FeatureStore
from egomm.datasets.window_writer import WindowWriter

ABOUT = dict(
    **dict(dim=3, fps=30.0, stride=16, window=32, per='video', dtype='float32'),
    modalities=['rgb', 'audio'],
)


@pytest.fixture
def video(tmp_path):
    path = tmp_path / 'a.mp4'
    path.write_bytes(b'twelve bytes')
    return path


def rows(first, count):
    return np.arange(3 * first, 3 * (first + count), dtype=np.float32).reshape(-1, 3)


def write(folder, video, counts, first=0, finish=False):
    """Rows of one video; what the writer says of it when it is finished."""
    writer = WindowWriter(folder, ABOUT)
    with writer.writing('a', video, 4) as done:
        assert done == first
        for count in counts:
            writer.append(rows(first, count), np.array([[True, first == 0]] * count))
            first += count
        return writer.finish('a', video, dict(duration=5.3)) if finish else None


def test_what_is_written_is_read_by_itself(video, tmp_path):
    writer = WindowWriter(tmp_path / 'out', ABOUT)
    assert not writer.finished('a', video)
    entry = write(tmp_path / 'out', video, [4, 4, 1], finish=True)
    assert entry['present'] == dict(rgb=9, audio=4)
    assert (entry['positions'], entry['bytes'], entry['duration']) == (9, 12, 5.3)
    assert writer.finished('a', video)
    record = dict(clip_id='c', video_id='a', video_start_seconds=0.0, duration=5.3)
    features, grid = FeatureSource(str(tmp_path / 'out')).clip(record, None)
    np.testing.assert_array_equal(features, rows(0, 9))
    assert grid == (30.0, 16, 32, 0.0)


def test_a_flipped_bit_is_found_when_it_is_read(video, tmp_path):
    folder = tmp_path / 'out'
    write(folder, video, [4, 4], finish=True)
    file = folder / 'a.npy'
    content = bytearray(file.read_bytes())
    assert FeatureStore(folder, 3).read('a').shape == (8, 3)
    content[-1] ^= 1  # still a number
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r'a.*differs from its line in SHA256SUMS'):
        FeatureStore(folder, 3).read('a')


def test_a_folder_that_was_begun_without_sums_gets_none(video, tmp_path):
    """Its other files would be refused for want of a line."""
    folder = tmp_path / 'out'
    write(folder, video, [4], finish=True)
    (folder / 'SHA256SUMS').unlink()
    writer = WindowWriter(folder, ABOUT)
    with writer.writing('b', video, 4):
        writer.append(rows(0, 4), np.ones((4, 2), bool))
        writer.finish('b', video, {})
    assert not (folder / 'SHA256SUMS').exists()
    for name in 'ab':
        assert FeatureStore(folder, 3).read(name).shape == (4, 3)


def test_half_a_batch_is_cut_off_and_the_file_is_the_same(video, tmp_path):
    write(tmp_path / 'whole', video, [4, 4, 1], finish=True)
    write(tmp_path / 'broken', video, [4, 2])
    (file,) = (tmp_path / 'broken').glob('*.part')
    with open(file, 'ab') as handle:
        handle.write(b'torn')
    write(tmp_path / 'broken', video, [4, 1], first=4, finish=True)
    files = sorted(path.name for path in (tmp_path / 'whole').iterdir())
    assert sorted(path.name for path in (tmp_path / 'broken').iterdir()) == files
    same = [(tmp_path / 'broken' / name).read_bytes() for name in ('a.npy', 'manifest.json')]
    assert same[0] == (tmp_path / 'whole/a.npy').read_bytes()


def test_rows_of_another_file_of_that_name_are_not_continued(video, tmp_path):
    write(tmp_path / 'out', video, [4])
    video.write_bytes(b'a longer file')
    with WindowWriter(tmp_path / 'out', ABOUT).writing('a', video, 4) as done:
        assert done == 0


def test_a_video_that_another_process_writes_is_refused(video, tmp_path):
    first, second = WindowWriter(tmp_path / 'out', ABOUT), WindowWriter(tmp_path / 'out', ABOUT)
    with (
        first.writing('a', video, 4),
        pytest.raises(ValueError, match='another process is writing a. Wait for it, or end it'),
        second.writing('a', video, 4),
    ):
        pass


def test_what_a_kill_left_of_a_finished_video_goes(video, tmp_path):
    write(tmp_path / 'out', video, [4], finish=True)
    left = tmp_path / 'out/a.12.part'
    left.touch()
    assert WindowWriter(tmp_path / 'out', ABOUT).finished('a', video)
    assert not left.exists()


def test_finished_features_of_another_file_are_refused(video, tmp_path):
    write(tmp_path / 'out', video, [4], finish=True)
    video.write_bytes(b'more than twelve bytes')
    with pytest.raises(ValueError, match=r'a video of 12 bytes, but .*a\.mp4 has 22\. Remove a\.'):
        WindowWriter(tmp_path / 'out', ABOUT).finished('a', video)


def test_another_extraction_is_refused_with_both_values(video, tmp_path):
    WindowWriter(tmp_path / 'out', ABOUT)
    with pytest.raises(ValueError, match=r'another extraction: stride is 16 there, 8 here\. Give'):
        WindowWriter(tmp_path / 'out', {**ABOUT, 'stride': 8})


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(ValueError, match=r'features cannot be written there \(Not a dir.* --out'):
        WindowWriter(tmp_path / 'file' / 'out', ABOUT)


def test_a_full_disk_is_said_and_keeps_what_is_there(video, tmp_path):
    writer = WindowWriter(tmp_path / 'out', ABOUT)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with writer.writing('a', video, 1):
        writer.append(rows(0, 4), np.ones((4, 2), bool))
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (60, limits[1]))  # four rows have 56 bytes
            with pytest.raises(ValueError, match='No space left on device while writing features'):
                writer.append(rows(4, 4), np.ones((4, 2), bool))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    with writer.writing('a', video, 1) as done:
        assert done == 4


def test_values_that_do_not_fit_are_refused(video, tmp_path):
    writer = WindowWriter(tmp_path / 'out', {**ABOUT, 'dtype': 'float16'})
    with (
        writer.writing('a', video, 4),
        pytest.raises(ValueError, match='out: features are not finite in float16. Use --dtype'),
    ):
        writer.append(np.full((1, 3), 1e6), np.ones((1, 2), bool))


def test_two_writers_of_one_folder_keep_each_others_entries(video, tmp_path):
    first, second = WindowWriter(tmp_path / 'out', ABOUT), WindowWriter(tmp_path / 'out', ABOUT)
    for writer, name in ((first, 'b'), (second, 'a')):
        with writer.writing(name, video, 4):
            writer.append(rows(0, 1), np.ones((1, 2), bool))
            writer.finish(name, video, {})
    manifest = json.loads((tmp_path / 'out/manifest.json').read_text())
    assert list(manifest['videos']) == ['a', 'b']
