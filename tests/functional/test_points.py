"""Points through crops and flips, against the original code and by hand."""

from pathlib import Path

import numpy as np
import pytest

from egomm.functional.points import follow_crop, inside, pixel_to_relative, undo_crop

GOLDEN = Path(__file__).parents[1] / 'golden/mtl/coord_transform.npz'


def test_centre_of_a_pixel_stays_one_through_a_crop():
    # Pixel 3 of 8 is the second of the crop that begins with pixel 2 and has 4.
    point = pixel_to_relative([3, 0], (8, 2))
    np.testing.assert_allclose(point, [3.5 / 8, 0.25])
    crop = (2 / 8, 0, 6 / 8, 1)
    np.testing.assert_allclose(follow_crop(point, crop), [(2 * 1 + 1) / 4 - 1, -0.5])
    # Mirrored it is the third of four.
    np.testing.assert_allclose(follow_crop(point, crop, True), [(2 * 2 + 1) / 4 - 1, -0.5])


def test_resized_crops_are_those_of_the_original():
    golden = np.load(GOLDEN)
    for points, size, (top, left), flip, expected in zip(
        golden['points'],
        golden['new_wh'],
        golden['crop_tl_yx'],
        golden['flip'],
        golden['normalised'],
        strict=True,
    ):
        # The original scales pixel numbers, not pixel centres, when it resizes.
        relative = pixel_to_relative(points * size / golden['orig_wh'], tuple(size))
        corner = np.array([left, top])
        box = (*(corner / size), *((corner + golden['crop']) / size))
        ours = follow_crop(relative, box, bool(flip))
        # It mirrors pixel p of n to n - p; the one it mirrors to is n - 1 - p.
        ours[..., 0] += 2 / golden['crop'][0] * flip
        np.testing.assert_allclose(ours, expected, atol=1e-12)
    assert golden['flip'].any()
    assert not golden['flip'].all()


@pytest.mark.parametrize('flipped', [False, True])
def test_a_point_comes_back_from_its_crop(flipped):
    points, box = np.array([[0.1, 0.9], [0.5, 0.25]]), (0.2, 0.1, 0.7, 0.8)
    np.testing.assert_allclose(undo_crop(follow_crop(points, box, flipped), box, flipped), points)
    np.testing.assert_allclose(undo_crop([1, -1], box, flipped), [0.2 if flipped else 0.7, 0.1])


def test_inside_includes_the_border():
    assert inside([[1, -1], [0, 1.01], [-1.01, 0]]).tolist() == [True, False, False]


def test_wrong_points_and_boxes_are_explained():
    with pytest.raises(ValueError, match=r'follow_crop wants points \(\.\.\., 2\).*got \(3,\)'):
        follow_crop([1, 2, 3], (0, 0, 1, 1))
    with pytest.raises(ValueError, match=r'undo_crop wants points \(\.\.\., 2\).*got \(3,\)'):
        undo_crop([1, 2, 3], (0, 0, 1, 1))
    with pytest.raises(ValueError, match=r'left < right.*got \(0\.5, 0, 0\.5, 1\)'):
        follow_crop([0, 0], (0.5, 0, 0.5, 1))
