"""Two models on the same clips: differences with intervals, and what kind of mistakes changed.

Shapes: N = clips, instances or queries, in the same order for both models; G = groups.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

RIGHT, NEAR = 0.5, 0.1  # IoU from which a moment counts as found, and as hit at all
CONFIDENCE = 95
ERRORS = ('right', 'verb only', 'noun only', 'both')
# Of a wrong moment, after DETAD (Alwassel et al., 2018, arXiv:1807.10706).
MOMENT_KINDS = (
    'right',
    'double',
    'wrong label',
    'ends wrong',
    'wrong label and ends',
    'background',
)


class Difference(NamedTuple):
    """Mean of B - A over all rows, its interval when groups are drawn anew, number of groups."""

    mean: float
    low: float
    high: float
    groups: int


def paired_bootstrap(
    a: ArrayLike, b: ArrayLike, groups: Sequence[Any], resamples: int = 2000, seed: int = 0
) -> Difference:
    """Difference of two means over the same rows, with a percentile interval over groups.

    Rows of a group (a video, a participant) are alike, so whole groups are drawn, with
    replacement; each draw is the mean over the rows it holds. Both models get the same draws. A
    single group is drawn every time, so its interval has no width and says nothing.

    Args:
        a: Values of the first model ``(N,)``.
        b: Those of the second, row by row of the same clips.
        groups: Name of the group of every row ``(N,)``.
        resamples: Number of draws.
        seed: Of the draws.

    Raises:
        ValueError: If the lengths differ or there is no row.
    """
    change = np.asarray(b, dtype=np.float64) - np.asarray(a, dtype=np.float64)
    low, high = group_interval(change, groups, resamples, seed)
    return Difference(float(change.mean()), low, high, len(set(groups)))


def group_interval(
    values: ArrayLike, groups: Sequence[Any], resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """95 % percentile interval of a mean over rows, when whole groups are drawn with replacement.

    Args:
        values: Of the rows ``(N,)``; the interval is in their unit.
        groups: Name of the group of every row ``(N,)``.
        resamples: Number of draws.
        seed: Of the draws.

    Raises:
        ValueError: If the lengths differ or there is no row.
    """
    values = np.asarray(values, dtype=np.float64)
    if len(values) != len(groups) or not len(values):
        raise ValueError(
            f'An interval over groups wants rows, and a group for every row; got {len(values)} '
            f'rows and {len(groups)} groups. Of two models, give both on the same clips.'
        )
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    sums, counts = np.bincount(group, values), np.bincount(group)
    draws = np.random.default_rng(seed).multinomial(
        len(counts), np.full(len(counts), 1 / len(counts)), size=resamples
    )
    ends = [50 - CONFIDENCE / 2, 50 + CONFIDENCE / 2]
    low, high = np.percentile(draws @ sums / (draws @ counts), ends)
    return float(low), float(high)


def error_table(
    a: Mapping[str, ArrayLike], b: Mapping[str, ArrayLike]
) -> tuple[NDArray[np.int64], list[str]]:
    """How many clips went from which kind of mistake to which.

    Args:
        a: Whether ``verb`` and ``noun`` are right ``(N,)``, of the first model.
        b: The same of the second.

    Returns:
        Counts ``(4, 4)``, rows for the first model and columns for the second, and the kinds:
        right, the verb alone wrong, the noun alone wrong, both wrong.
    """
    table = np.zeros((4, 4), dtype=np.int64)
    np.add.at(table, (_error_kind(a), _error_kind(b)), 1)
    return table, list(ERRORS)


def class_changes(
    labels: ArrayLike, a: ArrayLike, b: ArrayLike, least: int = 1
) -> list[tuple[int, int, float, float]]:
    """Share of right answers of every class with both models, the largest change first.

    Args:
        labels: True class of every row ``(N,)``.
        a: Whether the first model is right ``(N,)``.
        b: Whether the second is.
        least: Rows that a class must have.

    Returns:
        Class, number of its rows, and the shares of the two models; the second's gain falls.
    """
    labels, a, b = (np.asarray(values) for values in (labels, a, b))
    rows = []
    for label in np.unique(labels):
        mine = labels == label
        if mine.sum() >= least:
            shares = float(a[mine].mean()), float(b[mine].mean())
            rows.append((int(label), int(mine.sum()), *shares))
    return sorted(rows, key=lambda row: row[2] - row[3])


def moment_kinds(
    ground_truth: Mapping[str, Mapping], predictions: Mapping[str, Sequence[Mapping]]
) -> dict[str, int]:
    """What the first moments of every clip are: right, or which kind of false positive.

    Of a clip with n instances its n best moments count, over all classes. ``double`` finds again
    what another has found; ``wrong label`` lies on an instance of another class; ``ends wrong``
    touches one of its class (IoU of 0.1 to 0.5), ``wrong label and ends`` one of another;
    ``background`` touches none.

    Args:
        ground_truth: As in `egomm.functional.detection`.
        predictions: As there, best first.
    """
    counts = dict.fromkeys(MOMENT_KINDS, 0)
    for clip, entry in ground_truth.items():
        truth = entry['annotations']
        claimed: set[int] = set()
        for row in predictions.get(clip, ())[: len(truth)]:
            overlaps = [
                _iou(row['segment'], (true['start_time'], true['end_time'])) for true in truth
            ]
            own = [i for i, true in enumerate(truth) if true['label'] == row['label']]
            counts[_moment_kind(overlaps, own, claimed)] += 1
    return counts


def _moment_kind(overlaps: Sequence[float], own: Sequence[int], claimed: set[int]) -> str:
    free = [i for i in own if overlaps[i] >= RIGHT and i not in claimed]
    if free:
        claimed.add(max(free, key=lambda i: overlaps[i]))
        return 'right'
    best_own = max((overlaps[i] for i in own), default=0.0)
    best = max(overlaps, default=0.0)
    if best_own >= RIGHT:
        return 'double'
    if best >= RIGHT:
        return 'wrong label'
    if best_own >= NEAR:
        return 'ends wrong'
    return 'wrong label and ends' if best >= NEAR else 'background'


def _error_kind(right: Mapping[str, ArrayLike]) -> NDArray[np.int64]:
    verb, noun = (~np.asarray(right[task], dtype=bool) for task in ('verb', 'noun'))
    return verb.astype(np.int64) + 2 * noun


def _iou(one: Sequence[float], other: Sequence[float]) -> float:
    overlap = min(one[1], other[1]) - max(one[0], other[0])
    whole = max(one[1], other[1]) - min(one[0], other[0])
    return overlap / whole if overlap > 0 else 0.0
