"""How near a localizer came to each true segment, by the length of the segment.

Shapes: N = true segments.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from egomm.functional.retrieval import Key

RIGHT, NEAR = 0.5, 0.1  # IoU from which a segment counts as found, and as hit at all
BUCKETS = ((0, 2), (2, 5), (5, 10), (10, 30), (30, 90), (90, np.inf))  # seconds
KINDS = ('right', 'ends wrong', 'elsewhere')


def nearest_moments(
    ground_truth: Mapping[str, Mapping], predictions: Mapping[str, Sequence[Mapping]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Length of every true moment, and the best IoU among the first moments of its class and clip.

    Of a class with n instances in a clip the first n predictions count, as in the recall at 1x.

    Args:
        ground_truth: As in `egomm.functional.detection`.
        predictions: As there, best first.

    Returns:
        Seconds ``(N,)`` and IoU ``(N,)``, 0 without a prediction.
    """
    lengths, best = [], []
    for clip, entry in ground_truth.items():
        truth: dict[str, list] = {}
        for row in entry['annotations']:
            truth.setdefault(row['label'], []).append((row['start_time'], row['end_time']))
        found: dict[str, list] = {label: [] for label in truth}
        for row in predictions.get(clip, ()):
            kept = found.get(row['label'])
            if kept is not None and len(kept) < len(truth[row['label']]):
                kept.append(row['segment'])
        for label, segments in truth.items():
            lengths += [end - start for start, end in segments]
            best += [_best_iou(segment, found[label]) for segment in segments]
    return np.array(lengths, dtype=np.float64), np.array(best, dtype=np.float64)


def nearest_answers(
    windows: Mapping[Key, Sequence[float]], answers: Mapping[Key, Sequence[Sequence[float]]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Length of every true window, and the IoU of the first answer to its query.

    Returns:
        Seconds ``(N,)`` and IoU ``(N,)``, 0 without an answer.
    """
    lengths = [end - start for start, end in windows.values()]
    best = [_best_iou(window, answers.get(key, ())[:1]) for key, window in windows.items()]
    return np.array(lengths, dtype=np.float64), np.array(best, dtype=np.float64)


def by_length(lengths: NDArray[Any], iou: NDArray[Any]) -> dict[str, dict[str, float]]:
    """Shares of true segments by how near the prediction came, for each bucket of lengths.

    Args:
        lengths: Seconds ``(N,)``.
        iou: Best IoU ``(N,)``.

    Returns:
        By bucket with its number of segments the shares that are ``right`` (IoU over 0.5), have
        their ``ends wrong`` (over 0.1) or lie ``elsewhere``. Buckets without segments are left out.
    """
    shares = {}
    for low, high in BUCKETS:
        inside = iou[(lengths >= low) & (lengths < high)]
        if len(inside):
            right, hit = (inside > RIGHT).mean(), (inside > NEAR).mean()
            name = f'{low}-{high} s' if np.isfinite(high) else f'over {low} s'
            values = map(float, (right, hit - right, 1 - hit))
            shares[f'{name}\n({len(inside)})'] = dict(zip(KINDS, values))
    return shares


def _best_iou(segment: Sequence[float], found: Sequence[Sequence[float]]) -> float:
    best = 0.0
    for start, end in found:
        overlap = min(end, segment[1]) - max(start, segment[0])
        if overlap > 0:
            best = max(best, overlap / (max(end, segment[1]) - min(start, segment[0])))
    return best
