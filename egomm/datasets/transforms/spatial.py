"""Sizes, crops and flips, done to the RGB and the flow of a clip together.

Boxes are in relative coordinates, so the two keep showing the same thing where their resolutions
differ. ``crop_box`` in the results is (left, top, right, bottom) of what is left of the original
frame, and ``flipped`` says whether that is mirrored: points follow by cropping, then flipping.

Flow is not rescaled with the image: networks are trained on the motion of the original frames.

Shapes: N = instants, H, W = height and width, C = 3 for RGB, 2 for flow.
"""

import math

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from egomm.registry import TRANSFORMS

Box = tuple[float, float, float, float]
_MODALITIES = ('rgb', 'flow')
_WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


@TRANSFORMS.register_module()
class ResizeShort(BaseTransform):
    """Resize so that the shorter side has ``size`` pixels; the aspect ratio stays.

    Args:
        size: Pixels.
    """

    def __init__(self, size: int) -> None:
        self.size = _checked_size(type(self).__name__, size)

    def transform(self, results: dict) -> dict:
        """Resize ``rgb`` and ``flow``."""
        for modality in _loaded(results):
            height, width = results[modality].shape[1:3]
            scale = self.size / min(height, width)
            results[modality] = resize(
                results[modality], (round(height * scale), round(width * scale))
            )
        return results


@TRANSFORMS.register_module()
class ResizeSquare(BaseTransform):
    """Resize to a square; the aspect ratio goes.

    Args:
        size: Side in pixels.
    """

    def __init__(self, size: int) -> None:
        self.size = _checked_size(type(self).__name__, size)

    def transform(self, results: dict) -> dict:
        """Resize ``rgb`` and ``flow``."""
        for modality in _loaded(results):
            results[modality] = resize(results[modality], (self.size, self.size))
        return results


@TRANSFORMS.register_module()
class RandomScale(BaseTransform):
    """Resize to a random size and aspect ratio, from the frame squeezed to a square.

    Put `RandomCrop` behind it. Together they are the augmentation of MFNet (Chen et al., 2018) as
    Kapidis et al. (2019) use it: the image that the network gets is a part of the squeezed frame,
    of which one pixel comes to stand for more or less of the width than of the height.

    Args:
        short: Smallest and largest length of the shorter side in pixels; one pixel is added, so
            that a crop of the smallest length always fits.
        stretch: The square is made wider by a number between these two and lower by the same, or,
            half of the time, the other way round.

    Raises:
        ValueError: If a range is empty or reaches below 1 pixel, or a stretch is not above
            0.
    """

    def __init__(
        self, short: tuple[float, float] = (224, 288), stretch: tuple[float, float] = (0.8, 1.25)
    ) -> None:
        if not (1 <= short[0] <= short[1] and 0 < stretch[0] <= stretch[1]):
            raise ValueError(
                'RandomScale wants 1 <= short[0] <= short[1] and 0 < stretch[0] <= stretch[1]; got '
                f'{short!r} and {stretch!r}.'
            )
        self.short = short
        self.stretch = stretch

    def transform(self, results: dict) -> dict:
        """Resize ``rgb`` and ``flow``."""
        rng = results['rng']
        stretch = rng.uniform(*self.stretch)
        if rng.random() < 0.5:
            stretch = 1 / stretch
        factor = rng.uniform(*self.short) / min(stretch, 1 / stretch)
        width, height = int(factor * stretch + 1), int(factor / stretch + 1)
        for modality in _loaded(results):
            results[modality] = resize(results[modality], (height, width))
        return results


@TRANSFORMS.register_module()
class RandomCrop(BaseTransform):
    """Cut out a square at a random place.

    Args:
        size: Side in pixels. A smaller image gives its largest squares, which are then resized.
    """

    def __init__(self, size: int) -> None:
        self.size = _checked_size(type(self).__name__, size)

    def transform(self, results: dict) -> dict:
        """Crop ``rgb`` and ``flow`` to the same box."""
        height, width = _reference(results).shape[1:3]
        side = min(self.size, height, width)
        x, y = (int(results['rng'].integers(0, room - side + 1)) for room in (width, height))
        return _crop(results, _box(x, y, side, height, width), self.size)


@TRANSFORMS.register_module()
class RandomResizedCrop(BaseTransform):
    """Cut out a random box and resize it to a square.

    Args:
        size: Side of the square in pixels.
        scale: Smallest and largest share of the area.
        ratio: Smallest and largest width / height of the box, in pixels.

    Raises:
        ValueError: If a range is empty, ``scale`` is not within 0..1, or ``ratio`` is not
            above 0.
    """

    def __init__(
        self,
        size: int,
        scale: tuple[float, float] = (0.5, 1.0),
        ratio: tuple[float, float] = (3 / 4, 4 / 3),
    ) -> None:
        if not (0 < scale[0] <= scale[1] <= 1 and 0 < ratio[0] <= ratio[1]):
            raise ValueError(
                'RandomResizedCrop wants 0 < scale[0] <= scale[1] <= 1 and '
                f'0 < ratio[0] <= ratio[1]; got {scale!r} and {ratio!r}.'
            )
        self.size = _checked_size(type(self).__name__, size)
        self.scale = scale
        self.ratio = ratio

    def transform(self, results: dict) -> dict:
        """Crop ``rgb`` and ``flow`` to the same box."""
        height, width = _reference(results).shape[1:3]
        area, position = results['rng'].uniform(*self.scale), results['rng'].random(2)
        aspect = math.exp(results['rng'].uniform(*np.log(self.ratio))) * height / width
        # Where the box would not fit, its aspect ratio gives way and its area stays.
        box_width = min(max(math.sqrt(area * aspect), area), 1.0)
        box_height = area / box_width
        left, top = position * (1 - box_width, 1 - box_height)
        box = (float(left), float(top), float(left + box_width), float(top + box_height))
        return _crop(results, box, self.size)


@TRANSFORMS.register_module()
class CentreCrop(BaseTransform):
    """Cut a square out of the middle.

    Args:
        size: Side in pixels. A smaller image gives its largest square, which is then resized.
    """

    def __init__(self, size: int) -> None:
        self.size = _checked_size(type(self).__name__, size)

    def transform(self, results: dict) -> dict:
        """Crop ``rgb`` and ``flow`` to the same box."""
        height, width = _reference(results).shape[1:3]
        side = min(self.size, height, width)
        box = _box((width - side) // 2, (height - side) // 2, side, height, width)
        return _crop(results, box, self.size)


@TRANSFORMS.register_module()
class ThreeCrops(BaseTransform):
    """Cut three squares, at the start, the middle and the end of the longer side, for testing.

    They are left, centre and right of a wide image, top, centre and bottom of a tall one, and lie
    in the middle of the shorter side; the second one is that of `CentreCrop`. ``rgb`` and ``flow``
    get three images for each, one after another, and ``crops`` tells it; `PackSample` deals them
    out. There is no one ``crop_box`` then.

    Args:
        size: Side in pixels. A smaller image gives its largest squares, which are then resized.
    """

    def __init__(self, size: int) -> None:
        self.size = _checked_size(type(self).__name__, size)

    def transform(self, results: dict) -> dict:
        """Crop ``rgb`` and ``flow`` to the same three boxes."""
        height, width = _reference(results).shape[1:3]
        side = min(self.size, height, width)
        boxes = []
        for third in range(3):
            x = (width - side) * (third if width >= height else 1) // 2
            y = (height - side) * (third if width < height else 1) // 2
            boxes.append(_box(x, y, side, height, width))
        for modality in _loaded(results):
            crops = [_cut(results[modality], box, self.size) for box in boxes]
            results[modality] = np.stack(crops, axis=1).reshape(-1, *crops[0].shape[1:])
        results['crops'] = results.get('crops', 1) * len(boxes)
        results.pop('crop_box', None)
        return results


@TRANSFORMS.register_module()
class RandomFlip(BaseTransform):
    """Mirror left and right; horizontal motion changes its sign, vertical motion does not.

    Args:
        prob: How often.

    Raises:
        ValueError: If ``prob`` is not within 0..1.
    """

    def __init__(self, prob: float = 0.5) -> None:
        if not 0 <= prob <= 1:
            raise ValueError(f'RandomFlip wants 0 <= prob <= 1; got {prob!r}.')
        self.prob = prob

    def transform(self, results: dict) -> dict:
        """Flip ``rgb`` and ``flow``, or neither."""
        if results['rng'].random() >= self.prob:
            return results
        for modality in _loaded(results):
            results[modality] = results[modality][:, :, ::-1]
        if 'flow' in results and results['present']['flow']:
            flow = results['flow'].copy()
            flow[..., 0] = 255 - flow[..., 0]
            results['flow'] = flow
        results['flipped'] = not results.get('flipped', False)
        return results


def resize(images: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resize ``(N, H, W, C)`` images to ``size`` (height, width), averaging where they shrink."""
    height, width = size
    if images.shape[1:3] == (height, width):
        return images
    shrinks = height <= images.shape[1] and width <= images.shape[2]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    resized = np.empty((len(images), height, width, images.shape[3]), images.dtype)
    for source, target in zip(images, resized, strict=True):
        cv2.resize(np.ascontiguousarray(source), (width, height), dst=target, interpolation=method)
    return resized


def _checked_size(owner: str, size: int) -> int:
    """The size, if it is one."""
    if not isinstance(size, int) or size < 1:
        raise ValueError(f'{owner} wants a whole number of pixels as `size`; got {size!r}.')
    return size


def _loaded(results: dict) -> list[str]:
    return [modality for modality in _MODALITIES if modality in results]


def _reference(results: dict) -> np.ndarray:
    """Images whose pixels decide about a box: RGB where the clip has it, else flow."""
    loaded = _loaded(results)
    if not loaded:
        raise ValueError(
            'A crop needs images, and there are none. Put `LoadRGB` or `LoadFlow` '
            'before it in the pipeline, or take it out.'
        )
    real = [modality for modality in loaded if results['present'][modality]]
    return results[(real or loaded)[0]]


def _crop(results: dict, box: Box, size: int) -> dict:
    """Cut the box out of every modality, resize it to a square, and note it."""
    for modality in _loaded(results):
        results[modality] = _cut(results[modality], box, size)
    results['crop_box'] = _inside(
        results.get('crop_box', _WHOLE), box, results.get('flipped', False)
    )
    return results


def _cut(images: np.ndarray, box: Box, size: int) -> np.ndarray:
    height, width = images.shape[1:3]
    left, right = _pixels(box[0], box[2], width)
    top, bottom = _pixels(box[1], box[3], height)
    return resize(images[:, top:bottom, left:right], (size, size))


def _box(x: int, y: int, side: int, height: int, width: int) -> Box:
    """A square given in pixels, in relative coordinates."""
    left, top = x / width, y / height
    return left, top, left + side / width, top + side / height


def _pixels(low: float, high: float, size: int) -> tuple[int, int]:
    first = min(round(low * size), size - 1)
    return first, max(round(high * size), first + 1)


def _inside(outer: Box, box: Box, flipped: bool) -> Box:
    """A box given within ``outer`` (which is shown mirrored if ``flipped``), in the original."""
    left, top, right, bottom = box
    if flipped:
        left, right = 1 - right, 1 - left
    width, height = outer[2] - outer[0], outer[3] - outer[1]
    return (
        outer[0] + left * width,
        outer[1] + top * height,
        outer[0] + right * width,
        outer[1] + bottom * height,
    )
