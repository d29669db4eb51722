"""Points that follow the pixels of their frame through crop and flip.

Relative coordinates have (0, 0) at the outer corner of the first pixel of the original frame and
(1, 1) at that of the last: pixel p of n (its centre) lies at (p + 0.5) / n. Normalised ones do the
same over what is left of the frame, from -1 to 1: pixel p of n lies at (2p + 1) / n - 1, as do
the cells of a heat map (Nibali et al., 2018, arXiv:1801.07372).

Shapes: L = points of a frame.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def pixel_to_relative(pixels: ArrayLike, size: tuple[int, int]) -> Floats:
    """Relative coordinates of pixel centres.

    Args:
        pixels: ``(..., 2)`` x and y, counted from 0; they need not lie in the frame.
        size: Width and height of the frame in pixels.

    Raises:
        ValueError: If the last axis is not x and y.
    """
    points = _checked(pixels, 'pixel_to_relative')
    return (points + 0.5) / np.asarray(size, np.float64)


def follow_crop(
    points: ArrayLike, box: tuple[float, float, float, float], flipped: bool = False
) -> Floats:
    """Normalised coordinates within a crop, which is mirrored after cutting if ``flipped``.

    Args:
        points: ``(..., 2)`` x and y, relative to the original frame.
        box: Left, top, right, bottom of the crop, relative to the original frame.
        flipped: Whether the crop is mirrored left to right.

    Returns:
        ``(..., 2)``, within -1..1 for what the crop shows.

    Raises:
        ValueError: If the last axis is not x and y, or the box is empty.
    """
    relative = _checked(points, 'follow_crop')
    corner, size = np.array(box[:2]), np.array(box[2:]) - np.array(box[:2])
    if not (size > 0).all():
        raise ValueError(f'follow_crop wants a box with left < right and top < bottom; got {box}.')
    normalised = 2 * (relative - corner) / size - 1
    if flipped:
        normalised[..., 0] *= -1
    return normalised


def undo_crop(
    normalised: ArrayLike, box: tuple[float, float, float, float], flipped: bool = False
) -> Floats:
    """Where points of a crop lie in the original frame: the inverse of `follow_crop`.

    Args:
        normalised: ``(..., 2)`` x and y in the crop.
        box: Left, top, right, bottom of the crop, relative to the original frame.
        flipped: Whether the crop was mirrored.

    Returns:
        ``(..., 2)``, relative to the original frame.

    Raises:
        ValueError: If the last axis is not x and y.
    """
    points = _checked(normalised, 'undo_crop') * (-1 if flipped else 1, 1)
    corner, size = np.array(box[:2]), np.array(box[2:]) - np.array(box[:2])
    return np.asarray(corner + (points + 1) / 2 * size, np.float64)


def inside(normalised: ArrayLike) -> NDArray[np.bool_]:
    """Whether points ``(..., 2)`` in normalised coordinates lie in the image ``(...)``."""
    within = np.abs(_checked(normalised, 'inside')) <= 1
    return np.asarray(within.all(axis=-1))


def _checked(points: ArrayLike, name: str) -> Floats:
    values = np.asarray(points, np.float64)
    if values.ndim == 0 or values.shape[-1] != 2:
        raise ValueError(f'{name} wants points (..., 2) as x and y; got {values.shape}.')
    return values
