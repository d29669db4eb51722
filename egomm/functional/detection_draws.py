"""How sure a difference of two mean average precisions is, by drawing whole videos anew.

Average precision is no mean over clips, so each draw computes it again; what a prediction claims
within its clip stays the same, and a clip that is drawn twice counts twice.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from egomm.functional.comparison import CONFIDENCE, Difference
from egomm.functional.detection import TIOU, Claims, Predictions, claims


def paired_average_precision(
    ground_truth: Mapping[str, Mapping],
    a: Predictions,
    b: Predictions,
    groups: Mapping[str, Any],
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, float, Difference]:
    """Average mAP of two models, and their difference with a percentile interval over groups.

    Whole groups are drawn with replacement, the same for both models. A draw averages over the
    classes that it has instances of, as an evaluation of these clips would.

    Args:
        ground_truth: See `mean_average_precision`.
        a: Predictions of the first model.
        b: Those of the second.
        groups: By clip of the ground truth the video, or what else belongs together.
        resamples: Number of draws.
        seed: Of the draws.

    Returns:
        Both numbers, and B - A; fractions.

    Raises:
        ValueError: As `mean_average_precision`.
    """
    found = [claims(ground_truth, predictions, TIOU) for predictions in (a, b)]
    names, group = np.unique([groups[clip] for clip in found[0].clips], return_inverse=True)
    drawn = np.random.default_rng(seed).multinomial(
        len(names), np.full(len(names), 1 / len(names)), size=resamples
    )
    weights = np.concatenate([np.ones((1, len(group)), dtype=np.int64), drawn[:, group]])
    means = [np.array(weighted_means(own, weights)) for own in found]
    change = means[1] - means[0]
    ends = [50 - CONFIDENCE / 2, 50 + CONFIDENCE / 2]
    low, high = np.percentile(change[1:], ends)
    whole = Difference(float(change[0]), float(low), float(high), len(names))
    return float(means[0][0]), float(means[1][0]), whole


def weighted_means(found: Claims, weights: NDArray[np.int64]) -> list[float]:
    """Average mAP for each row of weights ``(R, C)``: how often each clip is there.

    Classes without an instance are left out; predictions in clips that the ground truth does not
    have count once.
    """
    parts = [slice(low, high) for low, high in zip(found.borders[:-1], found.borders[1:])]
    right = [[np.flatnonzero(hit[part]) for hit in found.hits] for part in parts]
    means = []
    for row in weights:
        of_clip = np.append(row, 1)
        totals = found.instances @ row
        areas = [
            _areas(of_clip[found.clip[part]], hits, total)
            for part, hits, total in zip(parts, right, totals)
            if total
        ]
        means.append(float(np.mean(areas)))
    return means


def _areas(
    weights: NDArray[np.int64], right: Sequence[NDArray[np.int64]], total: int
) -> list[float]:
    """Areas under the monotone envelope of precision over recall, which only hits can raise.

    Args:
        weights: Of the predictions of a class, best first ``(N,)``.
        right: Places of those that are right, by threshold.
        total: Instances to find.
    """
    seen = np.cumsum(weights)
    areas = []
    for places in right:
        own, before = weights[places], seen[places]
        precision = np.divide(np.cumsum(own), before, out=np.zeros(len(own)), where=before > 0)
        areas.append(float(own @ np.maximum.accumulate(precision[::-1])[::-1]) / total)
    return areas
