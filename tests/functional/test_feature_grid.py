from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from egomm.functional.feature_grid import TimeGrid, resize_features, sinusoid_code

GOLDEN = Path(__file__).parents[1] / 'golden' / 'asl'
CLOSE = dict(atol=1e-5, rtol=0)


def load(name):
    with np.load(GOLDEN / f'{name}.npz') as file:
        return {key: torch.as_tensor(file[key]) for key in file.files}


@pytest.mark.parametrize('clip', [0, 1, 2])
def test_resized_sources_and_their_segments_are_those_of_the_reference(clip):
    data = load('dataset_resize')
    length = int(data['max_seq_len'])
    sources = [data[f'c{clip}_in_f0'], data[f'c{clip}_in_f1']]
    resized = torch.cat([resize_features(source, length) for source in sources], dim=1)
    torch.testing.assert_close(resized, data[f'c{clip}_feats_out'].T, **CLOSE)

    grid = TimeGrid(
        float(data['fps']), float(data['feat_stride_cfg']), float(data['num_frames_cfg'])
    )
    grid = grid.resized(len(sources[-1]), length)
    assert grid.stride == float(data[f'c{clip}_feat_stride'])
    assert grid.window == float(data[f'c{clip}_num_frames'])
    # The reference drops segments outside and cuts the others at the ends of the clip.
    inside = (data[f'c{clip}_seg_sec'] < data[f'c{clip}_dur']).all(dim=1)
    positions = grid.positions(data[f'c{clip}_seg_sec']).float().clamp(0, length)
    assert inside.any()
    torch.testing.assert_close(positions[inside], data[f'c{clip}_segments_grid'][inside], **CLOSE)


def test_positions_by_hand():
    grid = TimeGrid(fps=30, stride=16, window=32)
    assert grid.positions(16 / 30) == 0  # the middle of frames 0..31
    assert grid.positions(40 / 30) == 1.5
    assert grid.seconds(0) == 16 / 30
    # 3 positions look at 64 frames: two of 32.
    assert grid.resized(3, 2) == TimeGrid(30, 32, 32)


rates = st.floats(0.5, 60)


@given(rates, st.floats(0.5, 64), st.floats(0, 64), st.floats(-10, 5000))
@settings(max_examples=100, deadline=None)
def test_seconds_and_back_are_the_same(fps, stride, window, seconds):
    grid = TimeGrid(fps, stride, window)
    assert grid.seconds(grid.positions(seconds)) == pytest.approx(seconds, abs=1e-9)


def test_arrays_and_tensors_are_converted_alike():
    grid, times = TimeGrid(30, 16, 32), [[0.5, 4], [7, 9]]
    expected = [[grid.positions(value) for value in row] for row in times]
    array, tensor = np.array(times), torch.tensor(times, dtype=torch.float64)
    assert grid.positions(array).tolist() == expected
    assert grid.positions(tensor).tolist() == expected
    assert grid.seconds(tensor).dtype == torch.float64


@given(st.integers(1, 40), st.integers(1, 40))
@settings(max_examples=50, deadline=None)
def test_a_resized_sequence_tells_the_same_time(length, new_length):
    grid = TimeGrid(30, 16, 16)
    features = torch.arange(length, dtype=torch.float64)[:, None]
    resized = resize_features(features, new_length).squeeze(1)
    times = grid.seconds(resized)
    expected = grid.resized(length, new_length).seconds(
        torch.arange(new_length, dtype=torch.float64)
    )
    # Within half a window of the ends there is nothing to interpolate with.
    expected = expected.clamp(grid.seconds(0), grid.seconds(length - 1))
    torch.testing.assert_close(times, expected)


def test_a_grid_may_begin_elsewhere_and_a_crop_keeps_the_times():
    grid = TimeGrid(fps=30, stride=15, window=30, start=-0.25)
    assert grid.seconds(0) == 0.25
    assert grid.positions(0.25) == 0
    for whole in (grid, grid.resized(8, 20)):
        assert whole.cropped(3).seconds(2) == pytest.approx(whole.seconds(5))


def test_the_same_length_changes_nothing():
    features = torch.randn(7, 3)
    assert torch.equal(resize_features(features, 7), features)


def test_codes_are_those_of_the_reference():
    data = load('sinusoid_pe')
    length, channels = int(data['n_position']), int(data['dim'])
    code = sinusoid_code(length, channels)
    torch.testing.assert_close(code, data['pe_unscaled'][0].T, **CLOSE)
    torch.testing.assert_close(code / channels**0.5, data['pe_used'][0].T, **CLOSE)


@pytest.mark.parametrize(
    'call, words',
    [
        (lambda: resize_features(torch.zeros(1, 4, 3), 2), r'features \(T, C\); got \(1, 4, 3\)'),
        (lambda: resize_features(torch.zeros(0, 3), 2), 'got 0 to be resized to 2'),
        (lambda: resize_features(torch.zeros(4, 3), 0), 'got 4 to be resized to 0'),
        (lambda: TimeGrid(30, 16, 32).resized(3, 0), 'got 3 to be resized to 0'),
        (lambda: sinusoid_code(4, 5), 'even number of channels.*got 5'),
    ],
)
def test_what_has_no_meaning_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
