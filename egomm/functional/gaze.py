"""Scores of predicted gaze: angular error, AUC-Judd, adaptive F1.

Angles are those of Huang et al. (2018, hyf015/egocentric-gaze-prediction), which all published
numbers on EGTEA Gaze+ use: a pinhole camera of 60 degrees over an image that was squeezed to a
square, so the degrees are nominal. AUC-Judd follows Judd et al. (2009) without jitter; what
several papers call AUC is another number, the rank of the true pixel under a blob at the
predicted one.

Shapes: N = frames, K = fixations.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def angular_error(
    pred_px: ArrayLike, true_px: ArrayLike, size: float, fov_degrees: float = 60
) -> Floats:
    """Angle between the rays through two points of a square image.

    Args:
        pred_px: Predicted points ``(N, 2)``, x and y in pixels.
        true_px: True points ``(N, 2)``.
        size: Side of the image in pixels; the optical axis goes through ``size / 2``.
        fov_degrees: Field of view over one side.

    Returns:
        Degrees ``(N,)``.

    Raises:
        ValueError: If the points are not two lists ``(N, 2)`` of the same length, or not finite;
            if the size is not positive or the field of view not within 0..180.
    """
    predicted = np.asarray(pred_px, np.float64)
    true = np.asarray(true_px, np.float64)
    if predicted.ndim != 2 or predicted.shape[1] != 2 or predicted.shape != true.shape:
        raise ValueError(
            f'angular_error wants two lists of points (N, 2); got {predicted.shape} and '
            f'{true.shape}. Give one predicted and one true point a frame, and leave frames '
            'without gaze out.'
        )
    if not (np.isfinite(predicted).all() and np.isfinite(true).all()):
        raise ValueError(
            'angular_error wants finite points; got NaN or infinity. Leave frames without gaze out.'
        )
    if not size > 0 or not 0 < fov_degrees < 180:
        raise ValueError(
            f'angular_error wants size > 0 pixels and 0 < fov_degrees < 180; got {size} and '
            f'{fov_degrees}.'
        )
    distance = size / 2 / math.tan(math.radians(fov_degrees) / 2)
    one, other = (_rays(points - size / 2, distance) for points in (predicted, true))
    # The arc tangent stays exact for small angles, where the arc cosine does not.
    sine = np.linalg.norm(np.cross(one, other), axis=1)
    return np.degrees(np.arctan2(sine, (one * other).sum(axis=1)))


def auc_judd(heatmap: ArrayLike, fixations: ArrayLike) -> float:
    """Area under the ROC curve of a heat map, whose thresholds are its values at the fixations.

    Args:
        heatmap: ``(H, W)``; only the order of its values counts.
        fixations: ``(K, 2)`` whole numbers, row and column; a pixel named twice counts once.

    Returns:
        A number within 0..1; 0.5 if the map is flat.

    Raises:
        ValueError: If the map is not ``(H, W)`` and finite, there is no fixation, a fixation is no
            pixel of it, or every pixel is one.
    """
    values = np.asarray(heatmap, np.float64)
    places = np.asarray(fixations)
    if values.ndim != 2 or not np.isfinite(values).all():
        raise ValueError(
            f'auc_judd wants a finite heat map (H, W); got {values.shape}'
            f'{"" if np.isfinite(values).all() else " with NaN or infinity"}. Pass one map a call.'
        )
    if (
        places.ndim != 2
        or places.shape[1:] != (2,)
        or not len(places)
        or not np.issubdtype(places.dtype, np.integer)
        or (places < 0).any()
        or (places >= values.shape).any()
        or len(places) >= values.size
    ):
        raise ValueError(
            f'auc_judd wants fixations (K, 2), whole numbers of row and column within '
            f'{values.shape}, fewer than pixels; got {places.dtype} {places.shape}. Leave frames '
            'without gaze out, and round points to pixels.'
        )
    places = np.unique(places, axis=0)
    fixated = np.sort(values[places[:, 0], places[:, 1]])
    thresholds = np.unique(fixated)[::-1]
    hits = len(places) - np.searchsorted(fixated, thresholds)
    # Counted a threshold at a time: there are few, and sorting all pixels takes far longer.
    alarms = np.array([(values >= threshold).sum() for threshold in thresholds]) - hits
    true_rate = np.concatenate([[0], hits / len(places), [1]])
    false_rate = np.concatenate([[0], alarms / (values.size - len(places)), [1]])
    # The trapezoids; NumPy's own function for it has two names over the supported versions.
    return float((np.diff(false_rate) * (true_rate[1:] + true_rate[:-1]) / 2).sum())


def auc_point(pred_px: ArrayLike, true_px: ArrayLike, size: int, sigma: float = 14) -> Floats:
    """The "AUC" of Huang et al. (2018) and Kapidis et al. (2019), for comparison with them only.

    A Gaussian blob at the predicted pixel is the map: the share of pixels that have no more of it
    than the true pixel. The blob is cut off at four sigma and reflected at the border, so a true
    point outside it gets the more, the less of the blob fits into the image: predicting a corner
    pays.

    Args:
        pred_px: Predicted points ``(N, 2)``, x and y in pixels of a square image.
        true_px: True points ``(N, 2)``; both are cut down to whole pixels.
        size: Side of the image in pixels.
        sigma: Of the blob in pixels: 14 at a side of 224, 3.2 at one of 64 (GLC).

    Returns:
        ``(N,)``, within 0..1.

    Raises:
        ValueError: If the points are not two lists ``(N, 2)`` of the same length in the image.
    """
    predicted, true = np.asarray(pred_px, np.float64), np.asarray(true_px, np.float64)
    fits = predicted.ndim == 2 and predicted.shape[1:] == (2,) and predicted.shape == true.shape
    if not fits or not all(((p >= 0) & (p < size)).all() for p in (predicted, true)):
        raise ValueError(
            f'auc_point wants two lists of points (N, 2) within 0..{size}; got '
            f'{predicted.shape} and {true.shape}. Leave frames without gaze out, and points '
            'outside the image.'
        )
    areas = []
    for (x, y), (column, row) in zip(predicted.astype(int), true.astype(int), strict=True):
        blob = np.outer(_bell(y, size, sigma), _bell(x, size, sigma))
        areas.append(1 - (blob > blob[row, column]).sum() / blob.size)
    return np.array(areas)


def adaptive_f1(
    predicted: ArrayLike, true: ArrayLike, thresholds: ArrayLike | None = None
) -> dict[str, float]:
    """The F1 score of GLC (Lai et al., 2022): how well predicted maps cover the true ones.

    A pixel is positive where the true map is above 0.001, and taken for positive where the
    predicted one is above a threshold. Recall and precision are averaged over the frames, F1 is
    that of the averages, and the threshold with the highest F1 counts.

    Args:
        predicted: Maps of fixated frames ``(N, H, W)`` that each sum to 1.
        true: Their labels ``(N, H, W)``, which sum to 1 as well.
        thresholds: To choose from; by default 11 from 0 to 0.02.

    Returns:
        ``f1``, ``recall``, ``precision`` within 0..1, and ``threshold``.

    Raises:
        ValueError: If the maps are not of one shape ``(N, H, W)``, N > 0, and finite.
    """
    maps, labels = np.asarray(predicted, np.float64), np.asarray(true, np.float64)
    finite = np.isfinite(maps).all() and np.isfinite(labels).all()
    if maps.ndim != 3 or maps.shape != labels.shape or not len(maps) or not finite:
        raise ValueError(
            f'adaptive_f1 wants finite maps (N, H, W), predicted and true alike; got {maps.shape} '
            f'and {labels.shape}{"" if finite else " with NaN or infinity"}. Leave frames without '
            'fixation out.'
        )
    positive = labels > 0.001
    best = dict(f1=-1.0, recall=0.0, precision=0.0, threshold=0.0)
    for threshold in np.linspace(0, 0.02, 11) if thresholds is None else np.asarray(thresholds):
        taken = maps > threshold
        hits = (taken & positive).sum(axis=(1, 2))
        recall = float((hits / np.maximum(positive.sum(axis=(1, 2)), 1)).mean())
        precision = float((hits / np.maximum(taken.sum(axis=(1, 2)), 1)).mean())
        f1 = 2 * recall * precision / (recall + precision) if hits.any() else 0.0
        if f1 > best['f1']:
            best = dict(f1=f1, recall=recall, precision=precision, threshold=float(threshold))
    return best


def _bell(place: int, size: int, sigma: float) -> Floats:
    """A Gaussian around one of ``size`` pixels, cut at 4 sigma; what leaves comes back in."""
    radius = int(4 * sigma + 0.5)
    offsets = np.arange(-radius, radius + 1)
    # The public code compares floats, so that rounding decides between pixels that are equally
    # far away; this is how SciPy, which it uses, rounds.
    weights = np.exp(-0.5 / (sigma * sigma) * offsets**2)
    weights /= weights.sum()
    folded = (place + offsets) % (2 * size)
    pixels = np.minimum(folded, 2 * size - 1 - folded)
    return np.asarray(np.bincount(pixels, weights, minlength=size), np.float64)


def _rays(offsets: Floats, distance: float) -> Floats:
    """``(N, 2)`` offsets from the centre of the image -> ``(N, 3)`` directions."""
    return np.concatenate([offsets, np.full((len(offsets), 1), distance)], axis=1)
