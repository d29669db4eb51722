"""Sizes, crops and flips: RGB and flow keep showing the same thing."""

import numpy as np
import pytest

from egomm.datasets.transforms import (
    CentreCrop,
    RandomCrop,
    RandomFlip,
    RandomResizedCrop,
    RandomScale,
    ResizeShort,
    ResizeSquare,
    ThreeCrops,
)


def places(array):
    """Relative (x, y) that each pixel of the first image tells, see `images`."""
    return (array[0, ..., :2].astype(float) - 20) / 200


def test_a_square_shows_the_whole_frame_squeezed(images):
    out = ResizeSquare(20)(images())
    assert out['rgb'].shape == (2, 20, 20, 3)
    assert 'crop_box' not in out  # relative coordinates stay what they are
    # Pixel 5 of 20 has its centre at 0.275 of either side.
    np.testing.assert_allclose(out['rgb'][0, 5, 5, :2], 0.275 * 200 + 20, atol=1)


def test_resize_short_keeps_the_aspect_ratio(images):
    out = ResizeShort(10)(images())
    assert out['rgb'].shape == (2, 10, 15, 3)
    assert out['flow'].shape == (2, 10, 15, 2)
    assert out['rgb'].dtype == np.uint8
    np.testing.assert_allclose(places(out['rgb']), places(out['flow']), atol=0.02)
    assert ResizeShort(80)(images())['rgb'].shape == (2, 80, 120, 3)


def test_shrinking_averages_the_pixels():
    board = np.indices((8, 8)).sum(0) % 2 * 200
    rgb = np.repeat(board[None, ..., None], 3, axis=-1).astype(np.uint8)
    assert (ResizeShort(4)({'rgb': rgb})['rgb'] == 100).all()


def test_random_crop_takes_the_same_box_of_both(images, results):
    boxes = set()
    for seed in range(30):
        start = results(rng=np.random.default_rng(seed), **images())
        out = RandomResizedCrop(20, scale=(0.3, 0.8))(start)
        assert out['rgb'].shape == (2, 20, 20, 3)
        assert out['flow'].shape == (2, 20, 20, 2)
        left, top, right, bottom = out['crop_box']
        boxes.add(out['crop_box'])
        assert 0 <= left < right <= 1
        assert 0 <= top < bottom <= 1
        assert 0.3 <= (right - left) * (bottom - top) <= 0.8
        ratio = (right - left) * 60 / ((bottom - top) * 40)
        assert 3 / 4 - 1e-9 <= ratio <= 4 / 3 + 1e-9 or right - left == 1 or bottom - top == 1
        centre = ((left + right) / 2, (top + bottom) / 2)
        for name in ('rgb', 'flow'):
            # A pixel of the flow is 1/30 wide.
            np.testing.assert_allclose(places(out[name]).mean((0, 1)), centre, atol=0.035)
    assert len(boxes) == 30


def test_box_that_does_not_fit_keeps_its_area(images, results):
    out = RandomResizedCrop(20, scale=(0.9, 0.9), ratio=(4, 4))(results(**images()))
    left, top, right, bottom = out['crop_box']
    assert right - left == 1
    assert bottom - top == pytest.approx(0.9)


def test_scale_by_hand(images, results, scripted):
    # Twice as wide and half as high, shorter side 9.5: 4 x 9.5 wide, and a pixel is added.
    out = RandomScale((9, 10), (1, 2))(results(rng=scripted(2, 0.9, 9.5), **images()))
    assert out['rgb'].shape == (2, 10, 39, 3)
    assert out['flow'].shape == (2, 10, 39, 2)
    assert 'crop_box' not in out
    out = RandomScale((9, 10), (1, 2))(results(rng=scripted(2, 0.1, 9.5), **images()))
    assert out['rgb'].shape == (2, 39, 10, 3)  # the other way round
    # Pixel 5 of 10 has its centre at 0.55 of the width, pixel 19 of 39 at half of the height.
    np.testing.assert_allclose(places(out['rgb'])[19, 5], [0.55, 0.5], atol=0.01)


def test_scales_keep_to_their_range(images, results):
    shapes = []
    for seed in range(200):
        start = results(rng=np.random.default_rng(seed), rgb=np.zeros((1, 8, 8, 3), np.uint8))
        shapes.append(RandomScale((20, 30))(start)['rgb'].shape[1:3])
    height, width = np.array(shapes).T
    short, ratio = np.minimum(height, width), width / height
    assert (short.min(), short.max()) == (21, 30)
    assert 0.59 < ratio.min() < 0.68
    assert 1.48 < ratio.max() < 1.7  # 1.25 squared, up to a pixel
    assert (ratio > 1).mean() == pytest.approx(0.5, abs=0.1)


def test_random_crop_takes_pixels_as_they_are(images, results):
    corners = set()
    for seed in range(60):
        start = results(rng=np.random.default_rng(seed), **images())
        out = RandomCrop(38)(start)
        left, top, right, bottom = np.array(out['crop_box']) * (60, 40, 60, 40)
        assert (right - left, bottom - top) == (pytest.approx(38), pytest.approx(38))
        x, y = round(left), round(top)
        corners.add((x, y))
        np.testing.assert_array_equal(out['rgb'], images()['rgb'][:, y : y + 38, x : x + 38])
        np.testing.assert_allclose(places(out['rgb']), places(out['flow']), atol=0.035)
    assert {y for _, y in corners} == {0, 1, 2}
    assert min(corners)[0] < 4
    assert max(corners)[0] > 18


def test_centre_crop_by_hand(images):
    out = CentreCrop(20)(images())
    assert out['crop_box'] == (20 / 60, 10 / 40, 40 / 60, 30 / 40)
    assert out['rgb'].shape == (2, 20, 20, 3)
    assert out['flow'].shape == (2, 20, 20, 2)  # 10 x 10 of its pixels, resized
    np.testing.assert_array_equal(out['rgb'], images()['rgb'][:, 10:30, 20:40])
    np.testing.assert_allclose(places(out['rgb']), places(out['flow']), atol=0.03)


def test_centre_crop_of_a_smaller_image_is_its_largest_square(images):
    out = CentreCrop(50)(images())
    assert out['rgb'].shape == (2, 50, 50, 3)
    assert out['crop_box'] == pytest.approx((10 / 60, 0, 50 / 60, 1))


def test_three_crops_of_a_wide_image_are_left_centre_and_right(images):
    out = ThreeCrops(30)(images())
    assert out['crops'] == 3
    assert out['rgb'].shape == (6, 30, 30, 3)  # two images, three crops of each
    for crop, left in enumerate((0, 15, 30)):
        expected = images()['rgb'][:, 5:35, left : left + 30]
        np.testing.assert_array_equal(out['rgb'][crop::3], expected)
        np.testing.assert_allclose(
            places(out['rgb'][crop::3]), places(out['flow'][crop::3]), atol=0.03
        )


def test_the_second_of_three_crops_is_the_centre_crop(images):
    centre, three = CentreCrop(28)(images()), ThreeCrops(28)(images())
    for name in ('rgb', 'flow'):
        np.testing.assert_array_equal(three[name][1::3], centre[name])
    assert 'crop_box' not in three


def test_three_crops_of_a_tall_image_are_top_centre_and_bottom(images):
    tall = {name: images()[name].transpose(0, 2, 1, 3) for name in ('rgb', 'flow')}
    out = ThreeCrops(30)({**tall, 'present': images()['present']})
    for crop, top in enumerate((0, 15, 30)):
        np.testing.assert_array_equal(out['rgb'][crop::3], tall['rgb'][:, top : top + 30, 5:35])


def test_flip_mirrors_and_negates_horizontal_motion_only(images, results):
    before = images()
    out = RandomFlip(1)(results(**images()))
    np.testing.assert_array_equal(out['rgb'], before['rgb'][:, :, ::-1])
    np.testing.assert_array_equal(out['flow'][..., 0], 255 - before['flow'][:, :, ::-1, 0])
    np.testing.assert_array_equal(out['flow'][..., 1], before['flow'][:, :, ::-1, 1])
    assert out['flipped'] is True


def test_flip_twice_is_identity(images, results):
    out = RandomFlip(1)(RandomFlip(1)(results(**images())))
    np.testing.assert_array_equal(out['rgb'], images()['rgb'])
    np.testing.assert_array_equal(out['flow'], images()['flow'])
    assert out['flipped'] is False


def test_flip_happens_as_often_as_asked(images, results):
    rng = np.random.default_rng(0)
    flips = sum('flipped' in RandomFlip(0.25)(results(rng=rng, **images(1))) for _ in range(400))
    assert 70 < flips < 130


def test_placeholders_follow_to_the_same_size(images, results):
    start = results(**images())
    start.update(flow=np.full((2, 16, 16, 2), 128, np.uint8), present={'rgb': True, 'flow': False})
    out = RandomFlip(1)(RandomResizedCrop(24)(ResizeShort(32)(start)))
    assert out['flow'].shape == (2, 24, 24, 2)
    assert (out['flow'] == 128).all()


def test_boxes_refer_to_present_images(images, results):
    start = results(**images())
    start.update(rgb=np.zeros((2, 16, 16, 3), np.uint8), present={'rgb': False, 'flow': True})
    assert CentreCrop(10)(start)['crop_box'] == (10 / 30, 5 / 20, 20 / 30, 15 / 20)


def test_crop_box_is_that_of_the_original_also_after_a_flip(images, results):
    out = CentreCrop(20)(
        RandomFlip(1)(RandomResizedCrop(40, scale=(0.4, 0.4))(results(**images())))
    )
    left, top, right, bottom = out['crop_box']
    seen = places(out['rgb'])
    assert seen[10, 10, 0] == pytest.approx((left + right) / 2, abs=0.03)
    assert seen[10, 10, 1] == pytest.approx((top + bottom) / 2, abs=0.03)
    assert seen[0, 0, 0] == pytest.approx(right, abs=0.03)  # mirrored: the left shows the right


@pytest.mark.parametrize(
    ('transform', 'words'),
    [
        (lambda: RandomFlip(2), 'prob <= 1; got 2'),
        (lambda: RandomResizedCrop(8, scale=(0.9, 0.1)), 'scale.*got'),
        (lambda: RandomResizedCrop(8, ratio=(0, 1)), 'ratio.*got'),
        (lambda: RandomScale((30, 20)), r'short.*got \(30, 20\)'),
        (lambda: RandomScale(stretch=(0, 1)), r'stretch.*got .* \(0, 1\)'),
        (lambda: CentreCrop(8)({'present': {}}), 'needs images.*`LoadRGB`'),
    ],
)
def test_mistakes_are_explained(transform, words):
    with pytest.raises(ValueError, match=words):
        transform()


@pytest.mark.parametrize(
    'kind', [ResizeShort, ResizeSquare, RandomCrop, RandomResizedCrop, CentreCrop, ThreeCrops]
)
def test_a_size_of_no_pixels_is_refused(kind):
    with pytest.raises(ValueError, match=f'{kind.__name__} wants a whole number .*; got 0'):
        kind(size=0)
