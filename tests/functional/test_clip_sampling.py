"""Samplers against the original code's frames, and by hand at the edges."""

import json
from pathlib import Path

import numpy as np
import pytest

from egomm.functional.clip_sampling import (
    every_frame_blocks,
    middle_window_offsets,
    random_window_offsets,
    repeated_frame_offsets,
    sequential_windows,
)

GOLDEN = json.loads(
    (Path(__file__).parents[1] / 'golden/mtl/samplers.json').read_text(encoding='utf-8')
)


@pytest.mark.parametrize('case', GOLDEN['middle'])
def test_middle_is_that_of_the_original(case):
    offsets = middle_window_offsets(case['range_max'], case['num'], case['window'])
    assert (case['start_frame'] + offsets).tolist() == case['idx']


@pytest.mark.parametrize('case', GOLDEN['random'])
def test_random_windows_are_those_of_the_original_for_the_same_draws(case):
    rng = np.random.RandomState(case['seed'])
    for draw in case['draws']:
        interval = rng.choice([case['interval']])
        offsets = random_window_offsets(
            case['range_max'], case['num'], interval, tuple(case['speed']), rng
        )
        assert (case['start_frame'] + offsets).tolist() == draw


@pytest.mark.parametrize('case', GOLDEN['sequential'])
def test_sequential_windows_are_those_of_the_original(case):
    windows = sequential_windows(case['range_max'], case['num'], case['interval'])
    if len(windows):
        offsets = windows[0]
    else:
        offsets = repeated_frame_offsets(case['range_max'], case['num'], np.random.RandomState(0))
    assert (case['start_frame'] + offsets).tolist() == case['idx']


@pytest.mark.parametrize('case', GOLDEN['doublefull'])
def test_every_frame_is_doubled_as_in_the_original(case):
    offsets, counted = every_frame_blocks(case['range_max'], 16)
    assert offsets[np.repeat(counted, 2, axis=1)].tolist() == case['idx']


def test_sequential_windows_follow_one_another():
    assert sequential_windows(11, 3, 2).tolist() == [[0, 2, 4], [5, 7, 9]]
    assert sequential_windows(4, 3, 2).shape == (0, 3)


def test_random_windows_stay_inside_and_use_the_whole_range_of_speeds():
    rng = np.random.default_rng(0)
    strides = []
    for _ in range(300):
        offsets = random_window_offsets(60, 16, 2, (0.5, 1.5), rng)
        assert 0 <= offsets[0]
        assert offsets[-1] <= 59
        strides.append((offsets[-1] - offsets[0]) / 15)
    assert 0.95 < min(strides) < 1.1
    assert 2.8 < max(strides) <= 3.05  # 3 fits: 45 of 59 frames


def test_window_of_one_frame_is_any_frame():
    rng = np.random.default_rng(0)
    drawn = {int(random_window_offsets(4, 1, 2, (1, 1), rng)[0]) for _ in range(50)}
    assert drawn == {0, 1, 2, 3}


@pytest.mark.parametrize('num_frames', [1, 3, 7, 8, 9, 16, 21])
def test_blocks_answer_once_for_every_frame_in_order(num_frames):
    offsets, counted = every_frame_blocks(num_frames, 16)
    assert offsets.shape[1] == 16
    assert (offsets[:, ::2] == offsets[:, 1::2]).all()
    assert offsets[:, ::2][counted].tolist() == list(range(num_frames))
    assert (np.diff(offsets, axis=1) >= 0).all()


def test_left_over_frames_are_run_as_the_last_full_window():
    offsets, counted = every_frame_blocks(10, 8)
    assert offsets[:, ::2].tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [6, 7, 8, 9]]
    assert counted.tolist() == [[True] * 4, [True] * 4, [False, False, True, True]]


def test_a_frame_stands_as_often_as_the_network_shortens_time():
    offsets, counted = every_frame_blocks(3, 8, every=4)
    assert offsets.tolist() == [[0, 0, 0, 0, 1, 1, 1, 1], [1, 1, 1, 1, 2, 2, 2, 2]]
    assert counted.tolist() == [[True, True], [False, True]]
    offsets, counted = every_frame_blocks(1, 2, every=1)  # the first frame fills up
    assert (offsets.tolist(), counted.tolist()) == ([[0, 0]], [[False, True]])


def test_wrong_numbers_are_explained():
    rng = np.random.default_rng(0)
    for call in (
        lambda: middle_window_offsets(0, 16, 32),
        lambda: sequential_windows(5, 0, 2),
        lambda: random_window_offsets(5, 16, 0, (1, 1), rng),
        lambda: every_frame_blocks(0, 16),
    ):
        with pytest.raises(ValueError, match='Sampling wants at least one frame.*got'):
            call()
    with pytest.raises(ValueError, match=r'0 < smallest <= largest; got \(2, 1\)'):
        random_window_offsets(5, 16, 2, (2, 1), rng)
    with pytest.raises(ValueError, match='a multiple of 2 frames a window.*got 7'):
        every_frame_blocks(5, 7)
