"""BeGaze's text in both layouts, against the reader that came with EGTEA Gaze+ and by hand."""

from pathlib import Path

import numpy as np
import pytest

from egomm.datasets.gaze import FIXATION, SACCADE, TRUNCATED, UNKNOWN, UNTRACKED, read_begaze

GOLDEN = Path(__file__).parents[1] / 'golden/mtl'


def header(place):
    lines = [f'## [Header {number}]' for number in range(34)]
    lines[place] = '## Number of Samples:\t3'
    return lines


def first(frame, x, y, event):
    return f'0\tSMP\t1\t{x}\t{y}\t{frame}\t{event}'


def second(code, x, y, event):
    return '\t'.join(['0', 'SMP', '1', '0', '0', str(x), str(y), *['0'] * 17, code, event])


def write(path, lines):
    path.write_text('\n'.join(lines) + '\n')
    return path


@pytest.mark.parametrize('layout', ['v1', 'v2'])
def test_points_are_those_of_the_original_reader_and_truncation_is_kept(layout):
    expected = np.load(GOLDEN / 'begaze_expected.npz')[layout]
    track = read_begaze(GOLDEN / f'begaze_{layout}.txt')
    np.testing.assert_allclose(track.points, expected[:, :2], atol=1e-6)
    truncated = np.flatnonzero(track.events == TRUNCATED)
    assert truncated.tolist() == [8, 22, 35]  # the only frames whose mean lies outside
    others = track.events != TRUNCATED
    assert (track.events[others] == expected[others, 2]).all()


def test_samples_of_a_frame_merge_and_the_last_one_weighs_half(tmp_path):
    samples = [
        first(1, 100, 200, 'Fixation'),
        first(1, 300, 400, 'Blink'),
        first(1, 400, 100, 'Saccade'),
        first(3, -20, 960, 'Fixation'),
        first(4, 640, 480, '-'),
        first(5, 640, 480, 'Fixation'),
    ]
    track = read_begaze(write(tmp_path / 'a.txt', header(9) + samples))
    events = [UNTRACKED, SACCADE, UNTRACKED, TRUNCATED, UNKNOWN, FIXATION]
    assert track.events.tolist() == events
    # ((100 + 300) / 2 + 400) / 2 = 300, ((200 + 400) / 2 + 100) / 2 = 200; then the last pixel.
    expected = [[0, 0], [300 / 1280, 200 / 960], [0, 0], [0, 959 / 960], [0.5, 0.5], [0.5, 0.5]]
    np.testing.assert_allclose(track.points, expected, atol=1e-7)


def test_time_codes_count_24_frames_a_second(tmp_path):
    samples = [second('00:00:00:00', 640, 480, 'Fixation'), second('00:01:02:03', 1, 2, 'Saccade')]
    track = read_begaze(write(tmp_path / 'a.txt', header(10) + samples))
    assert len(track.events) == 62 * 24 + 3 + 1
    assert np.flatnonzero(track.events).tolist() == [0, 62 * 24 + 3]


def test_a_clip_takes_its_frames_and_what_the_file_lacks_is_untracked(tmp_path):
    samples = [first(number, 128 * number, 96, 'Fixation') for number in range(5)]
    track = read_begaze(write(tmp_path / 'a.txt', header(9) + samples))
    clip = track.at(np.arange(3, 7))
    np.testing.assert_allclose(clip.points[:, 0], [0.3, 0.4, 0, 0], atol=1e-7)
    assert clip.events.tolist() == [FIXATION, FIXATION, UNTRACKED, UNTRACKED]
    assert track.at(np.array([-1, 0])).events.tolist() == [UNTRACKED, FIXATION]


@pytest.mark.parametrize(
    ('lines', 'words'),
    [
        (header(9)[:20], r"line 21: 34 header lines that begin with '##'"),
        ([*header(9)[:12], first(0, 1, 1, '-')], r'line 13: 34 header lines'),
        (header(8) + [first(0, 1, 1, '-')], r'line 10 \(7 columns\) or line 11.*lines \[9\]'),
        (header(9), 'no samples'),
        (header(9) + [second('00:00:00:00', 1, 1, '-')], r'line 35: a sample of 7.*26 columns'),
        (header(10) + [first(0, 1, 1, '-')], r'line 35: a sample of 26.*time code.*7 columns'),
        (header(9) + [first('x', 1, 1, '-')], r"line 35: .*frame number.*'x'"),
        (header(9) + [first(0, 'nan', 1, '-')], r'line 35: .*frame 0 at nan'),
        (header(9) + [first(-1, 1, 1, '-')], r'line 35: .*frame -1 at'),
        (header(9) + [first(10**12, 1, 1, '-')], r'line 35: .*frame 1000000000000 at'),
        (header(10) + [second('99:00:00:00', 1, 1, '-')], r'line 35: .*frame 8553600 at'),
        (header(10) + [second('00:00:00:24', 1, 1, '-')], r"line 35: .*code '00:00:00:24'"),
    ],
)
def test_broken_files_are_named_with_the_line(tmp_path, lines, words):
    with pytest.raises(ValueError, match=rf'broken\.txt.*{words}'):
        read_begaze(write(tmp_path / 'broken.txt', lines))


def test_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r'none\.txt: no such file of gaze.*gaze_data\.zip'):
        read_begaze(tmp_path / 'none.txt')
