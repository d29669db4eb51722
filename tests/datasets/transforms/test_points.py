"""Targets that follow the pixels."""

from pathlib import Path

import numpy as np
import pytest

from egomm.datasets.transforms import (
    CentreCrop,
    PointTargets,
    RandomCrop,
    RandomFlip,
    RandomResizedCrop,
    RandomScale,
)
from egomm.functional.points import pixel_to_relative

GOLDEN = Path(__file__).parents[2] / 'golden/mtl/coord_transform.npz'


def dotted(x, y, width=120, height=80):
    """An image with a bright spot around a place in pixels (centres of pixels count from 0)."""
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    spot = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 3.0**2))
    return np.repeat(np.rint(spot).astype(np.uint8)[None, ..., None], 3, axis=-1)


def spot_of(image):
    """Normalised place of the spot."""
    weight = image[0, ..., 0].astype(float)
    size = np.array(weight.shape[::-1])
    grids = np.meshgrid(*[(2 * np.arange(n) + 1) / n - 1 for n in size])
    return np.array([(grid * weight).sum() / weight.sum() for grid in grids])


@pytest.mark.parametrize('seed', range(12))
@pytest.mark.parametrize(
    'steps',
    [
        [RandomResizedCrop(64, scale=(0.7, 1.0))],
        [RandomScale((68, 76), stretch=(0.9, 1.1)), RandomCrop(66)],
    ],
    ids=['resized crop', 'scale and crop'],
)
def test_target_lies_where_the_pixels_went(results, steps, seed):
    x, y = 55.0, 43.0
    out = results(rgb=dotted(x, y), rng=np.random.default_rng(seed), present={'rgb': True})
    point = [(x + 0.5) / 120, (y + 0.5) / 80, 1]
    out['points'] = {'gaze': np.array([[point]], np.float32)}
    # A flip before and after: each crop is noted within what is shown then.
    for step in (
        RandomFlip(0.5),
        *steps,
        RandomFlip(0.5),
        CentreCrop(56),
        PointTargets(),
    ):
        out = step(out)
    target = out['gt']['gaze'][0, 0]
    assert np.abs(target[:2]).max() < 0.6  # the whole spot is in the image
    np.testing.assert_allclose(target[:2], spot_of(out['rgb']), atol=2 / 56)
    assert target[2] == 1


def test_targets_are_those_of_the_original_but_for_the_centres_of_pixels(results, scripted):
    golden = np.load(GOLDEN)
    for points, (width, height), (top, left), flip, expected in zip(
        *(golden[name] for name in ('points', 'new_wh', 'crop_tl_yx', 'flip', 'normalised')),
        strict=True,
    ):
        wide = np.sqrt((width - 0.5) / (height - 0.5))
        draws = scripted(wide, 0.9, min(width, height) - 0.5, left, top, 1 - flip)
        size = golden['orig_wh']
        start = results(rgb=np.zeros((8, size[1], size[0], 3), np.uint8), rng=draws)
        visible = np.ones((8, 1))
        start['points'] = {'gaze': np.hstack([pixel_to_relative(points, size), visible])[:, None]}
        start['present'] = {'rgb': True}
        for step in (RandomScale(), RandomCrop(224), RandomFlip(0.5), PointTargets()):
            start = step(start)
        assert start['rgb'].shape == (8, 224, 224, 3)
        # Ours scales from centre to centre, (p + 0.5) s - 0.5, where the original has p s, and
        # mirrors pixel p to 223 - p, where it has 224 - p.
        shift = (np.array([width, height]) / size - 1) / 2
        if flip:
            shift[0] = -1 - shift[0]
        ours = start['gt']['gaze'][:, 0, :2] - shift * 2 / 224
        np.testing.assert_allclose(ours, expected, atol=1e-6)


def hands():
    return np.array([[[0.1, 0.5, 1], [0.75, 0.25, 1]]] * 4, np.float32)


def test_flip_mirrors_and_swaps_only_what_is_asked(results):
    plain, swapped = (
        PointTargets(swap=swap)(results(points={'hands': hands()}, flipped=True))['gt']['hands']
        for swap in ((), ('hands',))
    )
    np.testing.assert_allclose(plain[0], [[0.8, 0, 1], [-0.5, -0.5, 1]], atol=1e-6)
    np.testing.assert_array_equal(swapped, plain[:, ::-1])
    unflipped = PointTargets(swap=('hands',))(results(points={'hands': hands()}))['gt']['hands']
    np.testing.assert_allclose(unflipped[0, 0], [-0.8, 0, 1], atol=1e-6)


def test_point_outside_the_crop_is_invisible_but_keeps_its_place(results):
    out = PointTargets()(results(points={'hands': hands()}, crop_box=(0.5, 0, 1, 1)))
    np.testing.assert_allclose(out['gt']['hands'][0], [[-2.6, 0, 0], [0, -0.5, 1]], atol=1e-6)
    points = hands()
    points[..., 2] = 0
    assert not PointTargets()(results(points={'hands': points}))['gt']['hands'][..., 2].any()


def test_a_target_for_every_second_frame(results):
    points = hands()
    points[:, 0, 0] = [0, 0.25, 0.5, 0.75]
    targets = PointTargets(every=2)(results(points={'hands': points}))['gt']['hands']
    assert targets.shape == (2, 2, 3)
    assert targets.dtype == np.float32
    np.testing.assert_allclose(targets[:, 0, 0], [-1, 0])


def test_no_points_and_padding_give_no_targets(results):
    assert set(PointTargets()(results())['gt']) == {'verb', 'noun'}
    padded = results(points={'hands': hands()}, gt={}, padding=True)
    assert PointTargets()(padded)['gt'] == {}


def test_wrong_arguments_and_swaps_are_explained(results):
    with pytest.raises(ValueError, match='every >= 1 .* got 0'):
        PointTargets(every=0)
    with pytest.raises(ValueError, match="a list of tasks as `swap`.*got 1 and 'hands'"):
        PointTargets(swap='hands')
    with pytest.raises(ValueError, match=r"'gaze' has 1 points a frame. Take 'gaze' out"):
        PointTargets(swap=['gaze'])(results(points={'gaze': hands()[:, :1]}, flipped=True))


def test_several_crops_are_refused(results):
    with pytest.raises(ValueError, match='one crop of a frame; got 3 from ThreeCrops'):
        PointTargets()(results(points={'gaze': hands()}, crops=3))
