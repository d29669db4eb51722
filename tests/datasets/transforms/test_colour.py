"""Colours: the same shift for all frames, and against colorsys."""

import colorsys

import numpy as np
import pytest

from egomm.datasets.transforms import RandomHLS


@pytest.fixture
def changed(scripted):
    """The colours after these shifts."""

    def change(rgb, *shifts, present=True):
        start = {'rgb': rgb, 'present': {'rgb': present}, 'rng': scripted(*shifts)}
        return RandomHLS()(start)['rgb']

    return change


def test_shifts_are_those_of_hue_lightness_and_saturation(changed):
    rng = np.random.default_rng(0)
    rgb = rng.integers(40, 200, (2, 3, 4, 3), dtype=np.uint8)
    out = changed(rgb, 10.4, -20, 15)  # 10 steps of two degrees
    for before, after in zip(rgb.reshape(-1, 3), out.reshape(-1, 3)):
        hue, lightness, saturation = colorsys.rgb_to_hls(*(before / 255))
        expected = colorsys.hls_to_rgb(
            min(hue + 10 / 180, 1), max(lightness - 20 / 255, 0), min(saturation + 15 / 255, 1)
        )
        np.testing.assert_allclose(after, np.array(expected) * 255, atol=5)


def test_grey_gets_lighter_and_stops_at_white(changed):
    grey = np.full((1, 1, 2, 3), 100, np.uint8)
    grey[..., 1, :] = 240
    out = changed(grey, 0, 30, 0)
    assert out[0, 0].tolist() == [[130] * 3, [255] * 3]


def test_all_frames_change_alike_and_clips_differ(results):
    frame = np.random.default_rng(1).integers(0, 255, (5, 6, 3), dtype=np.uint8)
    clip = np.stack([frame] * 3)[:, :, ::-1]  # as `RandomFlip` leaves it
    outs = []
    for seed in range(5):
        start = results(rgb=clip, present={'rgb': True}, rng=np.random.default_rng(seed))
        out = RandomHLS()(start)['rgb']
        assert out.shape == clip.shape
        assert out.dtype == np.uint8
        np.testing.assert_array_equal(out[0], out[2])
        outs.append(out.tobytes())
    assert len(set(outs)) == 5


def test_no_shift_and_no_images_stay_as_they_are(changed):
    rgb = np.random.default_rng(2).integers(0, 255, (1, 5, 6, 3), dtype=np.uint8)
    assert changed(rgb, 0.2, -0.3, 0.4) is rgb
    assert changed(rgb, 9, 9, 9, present=False) is rgb


def test_a_negative_shift_is_refused():
    with pytest.raises(ValueError, match=r'at least 0; got \(15, -1, 25\)'):
        RandomHLS(lightness=-1)
