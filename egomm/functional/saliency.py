"""Where in a clip a class is seen: class activation, and how much of it lies in boxes.

Source: Stergiou et al., "Saliency Tubes: Visual Explanations for Spatio-Temporal Convolutions"
(2019, arXiv:1902.01078). It explains a linear layer on the mean of a map, and nothing else. The
tube over the frames is in ``egomm.visualization.saliency``.

Shapes: C = channels, t, h, w = cells of the map, T, H, W = frames, height and width of the clip,
L = boxes of a frame.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def class_activation(features: ArrayLike, weights: ArrayLike) -> Floats:
    """What each cell adds to the logit of a class, but for the bias and the number of cells.

    Args:
        features: The map that is pooled, ``(C, t, h, w)``.
        weights: Row of the linear layer of the class ``(C,)``.

    Returns:
        ``(t, h, w)``.

    Raises:
        ValueError: If the map has other axes or another number of channels than the weights.
    """
    cells, row = np.asarray(features, np.float64), np.asarray(weights, np.float64)
    if cells.ndim != 4 or row.shape != cells.shape[:1]:
        raise ValueError(
            f'class_activation wants a map (C, t, h, w) and weights (C,); got {cells.shape} and '
            f'{row.shape}. Take the map that the linear layer pools.'
        )
    return np.asarray(np.tensordot(row, cells, 1), np.float64)


def boxes_around(points: ArrayLike, side: float) -> Floats:
    """Square boxes with their middle at points, where a track has no boxes of its own.

    Args:
        points: ``(..., 2)`` normalised x and y, -1 and 1 at the borders of the image.
        side: Of the box, as a share of that of the image.

    Returns:
        ``(..., 4)``: left, top, right and bottom, normalised.
    """
    middle = np.asarray(points, np.float64)
    return np.concatenate([middle - side, middle + side], axis=-1)


def mass_in_boxes(tube: ArrayLike, boxes: ArrayLike, visible: ArrayLike) -> tuple[float, float]:
    """How much of a saliency tube lies in boxes, over the frames that have one.

    Args:
        tube: ``(T, H, W)``, nowhere below 0.
        boxes: ``(T, L, 4)`` left, top, right and bottom, normalised: -1 and 1 are the borders of
            the image. Where boxes of a frame overlap they count once.
        visible: ``(T, L)``, whether a box is there.

    Returns:
        Two shares within 0..1: of the mass, and of the pixels, which is what a tube without any
        preference has. NaN if there is no box, and the first also if there is no mass.

    Raises:
        ValueError: If the shapes do not belong together, or the tube is below 0 somewhere.
    """
    mass, edges, there = np.asarray(tube, np.float64), np.asarray(boxes), np.asarray(visible, bool)
    if mass.ndim != 3 or edges.shape != (len(mass), *there.shape[1:], 4) or there.ndim != 2:
        raise ValueError(
            f'mass_in_boxes wants a tube (T, H, W), boxes (T, L, 4) and visible (T, L); got '
            f'{mass.shape}, {edges.shape} and {there.shape}. Give the boxes of every frame.'
        )
    if not (mass >= 0).all():
        raise ValueError(
            f'mass_in_boxes wants a tube that is nowhere below 0; got {mass.min()}. Take that of '
            'saliency_tube.'
        )
    _, height, width = mass.shape
    y, x = ((2 * np.arange(cells) + 1) / cells - 1 for cells in (height, width))
    left, top, right, bottom = np.moveaxis(edges, -1, 0)[..., None]  # (T, L, 1) each
    columns = (x >= left) & (x <= right) & there[..., None]
    rows = (y >= top) & (y <= bottom)
    inside = (rows[..., :, None] & columns[..., None, :]).any(axis=1)  # (T, H, W)
    frames = there.any(axis=1)
    if not frames.any():
        return float('nan'), float('nan')
    total = mass[frames].sum()
    share = mass[frames][inside[frames]].sum() / total if total > 0 else float('nan')
    return float(share), float(inside[frames].mean())
