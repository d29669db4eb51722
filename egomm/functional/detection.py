"""Scores of moment detection: mean average precision and recall at k times the instances.

Source: the official Ego4D Moment Queries evaluation (github.com/EGO4D/episodic-memory, MQ),
computed with sorted arrays: the same numbers, to the last bit of float64.

``ground_truth``: by clip id a dict whose ``annotations`` hold ``label``, ``start_time`` and
``end_time``. ``predictions``: by clip id a list of ``label``, ``score`` and ``segment``
(start, end), or the same as `Found`. Times in seconds.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

SAME_SECONDS = 1e-3  # repeated ground truth differs by at most this much
TIOU = (0.1, 0.2, 0.3, 0.4, 0.5)
RECALL_TIOU = (0.3, 0.5, 0.7)
RECALL_K = (1, 5)


class Found(NamedTuple):
    """What was found in one clip: segments ``(K, 2)``, scores ``(K,)`` and ``K`` labels."""

    segments: NDArray[np.float64]
    scores: NDArray[np.float64]
    labels: Sequence[Any]


Predictions = Mapping[str, Found | Sequence[Mapping]]


def moment_report(
    ground_truth: Mapping[str, Mapping], predictions: Predictions
) -> dict[str, float]:
    """The numbers of the Moment Queries challenge, as fractions.

    ``average_mAP`` and ``mAP_at_<IoU>`` of the official evaluation; ``recall_<k>x_at_<IoU>``, of
    which the challenge reports ``recall_1x_at_0.5``; and ``asl_average_mAP``, for which repeated
    ground truth counts once. For the arguments see the head of this file.

    Raises:
        ValueError: As in `mean_average_precision`.
    """
    predictions = {clip: read_found(found) for clip, found in predictions.items()}
    official = mean_average_precision(ground_truth, predictions, TIOU)
    recall = recall_at_kx(ground_truth, predictions, RECALL_TIOU, RECALL_K)
    asl = mean_average_precision(ground_truth, predictions, TIOU, deduplicate=True)
    return {
        'average_mAP': official['average'],
        **{f'mAP_at_{tiou}': float(value) for tiou, value in zip(TIOU, official['mAP'])},
        **{
            f'recall_{k}x_at_{tiou}': float(value)
            for tiou, row in zip(RECALL_TIOU, recall)
            for k, value in zip(RECALL_K, row)
        },
        'asl_average_mAP': asl['average'],
    }


def detection_report(
    ground_truth: Mapping[str, Sequence[Mapping]], predictions: Mapping[str, Found], task: str
) -> dict[str, float]:
    """``<task>_average_mAP`` and ``<task>_mAP_at_<IoU>`` as C2 of EPIC-KITCHENS-100 has them.

    Args:
        ground_truth: By video a list of ``start_time``, ``end_time`` and what ``task`` names; for
            ``'action'`` of ``verb`` and ``noun``, whose pair is the label.
        predictions: By video; labels of actions are pairs (verb, noun).
        task: ``'verb'``, ``'noun'``, ``'action'`` or another one.

    Raises:
        ValueError: As in `mean_average_precision`.
    """
    truth = {
        video: {
            'annotations': [
                {**row, 'label': (row['verb'], row['noun']) if task == 'action' else row[task]}
                for row in rows
            ]
        }
        for video, rows in ground_truth.items()
    }
    made = mean_average_precision(truth, predictions, TIOU)
    return {
        f'{task}_average_mAP': made['average'],
        **{f'{task}_mAP_at_{tiou}': float(value) for tiou, value in zip(TIOU, made['mAP'])},
    }


def action_report(
    ground_truth: Mapping[str, Sequence[Mapping]], predictions: Mapping[str, Found]
) -> dict[str, float]:
    """The numbers of C2: verbs, nouns and actions, all from one list of actions.

    For the arguments see `detection_report`.
    """
    parts = {
        task: {
            video: found._replace(labels=[pair[place] for pair in found.labels])
            for video, found in predictions.items()
        }
        for place, task in enumerate(('verb', 'noun'))
    }
    return {
        **detection_report(ground_truth, parts['verb'], 'verb'),
        **detection_report(ground_truth, parts['noun'], 'noun'),
        **detection_report(ground_truth, predictions, 'action'),
    }


def mean_average_precision(
    ground_truth: Mapping[str, Mapping],
    predictions: Predictions,
    tiou: Sequence[float] = TIOU,
    deduplicate: bool = False,
) -> dict:
    """Average precision of every class, and its means.

    In the order of its score, of equal scores the later listed first, a prediction claims the
    instance of its class and clip that it overlaps most among those not yet claimed with
    IoU >= ``tiou``; without one it is a false positive, also in a clip that the ground truth does
    not have. Classes that the ground truth does not have are ignored.

    Args:
        ground_truth: See the head of this file; of a clip only ``annotations`` is read.
        predictions: See there. Clips without predictions may be absent.
        tiou: Thresholds; every one has claims of its own.
        deduplicate: Count ground truth of the same label and clip once if both ends differ by at
            most 1 ms, as the ASL and ActionFormer code does. The official evaluation counts all.

    Returns:
        ``per_class``: by label the areas ``(len(tiou),)`` under the monotone envelope of precision
        over recall, 0 without predictions; ``mAP``: their mean over classes ``(len(tiou),)``;
        ``average``: the mean of ``mAP``. Fractions.

    Raises:
        ValueError: If there is no ground truth, or a score or a time is not a finite number.
    """
    found = claims(ground_truth, predictions, tiou, deduplicate)
    totals = found.instances.sum(axis=1)
    per_class = {
        label: np.array([average_precision(hit[low:high], int(total)) for hit in found.hits])
        for label, low, high, total in zip(
            found.labels, found.borders[:-1], found.borders[1:], totals
        )
    }
    mean = np.mean(list(per_class.values()), axis=0)
    return {'per_class': per_class, 'mAP': mean, 'average': float(mean.mean())}


class Claims(NamedTuple):
    """Which prediction is right, class after class, in each best first.

    L classes, C clips, N predictions of known classes, I thresholds.

    Attributes:
        labels: Of the classes, sorted.
        clips: Ids.
        borders: Where each class begins and the last one ends ``(L + 1,)``.
        clip: Clip of each prediction ``(N,)``, ``C`` for one that the ground truth does not have.
        hits: Whether it claims an instance ``(I, N)``.
        instances: To be found, ``(L, C)``.
    """

    labels: Sequence[Any]
    clips: Sequence[str]
    borders: NDArray[np.int64]
    clip: NDArray[np.int64]
    hits: NDArray[np.bool_]
    instances: NDArray[np.int64]


def claims(
    ground_truth: Mapping[str, Mapping],
    predictions: Predictions,
    tiou: Sequence[float] = TIOU,
    deduplicate: bool = False,
) -> Claims:
    """What `mean_average_precision`, which has the same arguments and errors, is computed from."""
    truth = _read_truth(ground_truth, deduplicate)
    labels = {label: index for index, label in enumerate(sorted({key[1] for key in truth}))}
    clips = {clip: index for index, clip in enumerate(dict.fromkeys(key[0] for key in truth))}
    groups = {(labels[label], clips[clip]): segments for (clip, label), segments in truth.items()}
    row_label, row_clip, scores, segments = _read_predictions(predictions, labels, clips)

    # Stable and then reversed: of equal scores the later listed comes first.
    order = np.argsort(scores, kind='stable')[::-1]
    order = order[np.argsort(row_label[order], kind='stable')]
    row_label, row_clip, segments = row_label[order], row_clip[order], segments[order]
    # Rows of one class and clip side by side, still by descending score.
    by_group = np.lexsort((row_clip, row_label))
    keys = row_label[by_group] * (len(clips) + 1) + row_clip[by_group]
    hits = np.zeros((len(tiou), len(row_label)), dtype=bool)
    instances = np.zeros((len(labels), len(clips)), dtype=np.int64)
    for (label, clip), own in groups.items():
        instances[label, clip] = len(own)
        low, high = np.searchsorted(keys, [key := label * (len(clips) + 1) + clip, key + 1])
        rows = by_group[low:high]
        iou = _iou(segments[rows], own)
        for hit, threshold in zip(hits, tiou):
            hit[rows] = _claims(iou, threshold)
    borders = np.searchsorted(row_label, np.arange(len(labels) + 1))
    return Claims(list(labels), list(clips), borders, row_clip, hits, instances)


def average_precision(hits: NDArray[np.bool_], total: int) -> float:
    """Area under the monotone envelope of precision over recall.

    Args:
        hits: Whether each prediction is right, best first ``(N,)``.
        total: Number of instances to find.

    Returns:
        A fraction, 0 without predictions.
    """
    found = np.cumsum(hits, dtype=np.float64)
    precision = np.concatenate([[0], found / np.arange(1, len(hits) + 1), [0]])
    recall = np.concatenate([[0], found / total, [1]])
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.flatnonzero(recall[1:] != recall[:-1]) + 1
    return float(np.sum((recall[steps] - recall[steps - 1]) * precision[steps]))


def recall_at_kx(
    ground_truth: Mapping[str, Mapping],
    predictions: Predictions,
    tiou: Sequence[float],
    k: Sequence[int],
) -> NDArray[np.float64]:
    """Share of the instances that the first predictions of their class and clip find.

    Of a class with n instances in a clip the first ``k * n`` predictions count, in the ORDER GIVEN
    (not by score). An instance is found if one of them has IoU > ``tiou``; one prediction may
    find several. Repeated ground truth counts every time.

    Args:
        ground_truth: See the head of this file; of a clip only ``annotations`` is read.
        predictions: See there. A clip without predictions has all its instances missed.
        tiou: Thresholds.
        k: Predictions per instance.

    Returns:
        Fractions ``(len(tiou), len(k))``.

    Raises:
        ValueError: If there is no ground truth, a ``k`` is below 1, or a time is not a finite
            number.
    """
    if min(k) < 1:
        raise ValueError(f'recall_at_kx wants every k >= 1; got {list(k)}.')
    truth = _read_truth(ground_truth, deduplicate=False)
    limits: dict[str, dict[str, int]] = {}
    for (clip, label), instances in truth.items():
        limits.setdefault(clip, {})[label] = max(k) * len(instances)
    recalled = np.zeros((len(tiou), len(k)))
    for clip, limit in limits.items():
        found = read_found(predictions.get(clip, ()))
        firsts: dict[str, list[int]] = {label: [] for label in limit}
        for row, label in enumerate(found.labels):
            kept = firsts.get(label)
            if kept is not None and len(kept) < limit[label]:
                kept.append(row)
        for label, kept in firsts.items():
            if not kept:
                continue
            instances = truth[clip, label]
            segments = found.segments[kept]
            _check_finite(segments, 'times of predictions')
            # Best IoU of each instance after 1, 2, ... predictions.
            best = np.maximum.accumulate(_hull_iou(segments, instances), axis=0)
            last = np.minimum(np.multiply(k, len(instances)), len(kept)) - 1
            recalled += (best[last] > np.reshape(tiou, (-1, 1, 1))).sum(axis=2)
    return recalled / sum(map(len, truth.values()))


def _claims(iou: NDArray, threshold: float) -> NDArray[np.bool_]:
    """Which predictions ``(N,)`` claim an instance, given IoU ``(N, M)``, best prediction first."""
    hits = np.zeros(len(iou), dtype=bool)
    free = iou >= threshold  # whether the row may still claim the column
    start = 0
    while True:
        able = free[start:].any(axis=1)
        if not able.any():
            return hits
        row = start + int(able.argmax())
        overlap = np.where(free[row], iou[row], -1)
        column = len(overlap) - 1 - int(overlap[::-1].argmax())  # of equal ones the later listed
        hits[row] = True
        free[:, column] = False
        start = row + 1


def _iou(segments: NDArray, instances: NDArray) -> NDArray:
    """``(N, M)``; 0/0 is 0."""
    overlap = _overlap(segments, instances)
    lengths = (segments[:, 1] - segments[:, 0])[:, None] + (instances[:, 1] - instances[:, 0])
    return _ratio(overlap, lengths - overlap)


def _hull_iou(segments: NDArray, instances: NDArray) -> NDArray:
    """``(N, M)`` over the shortest segment that holds both, as the official recall has it."""
    ends = np.maximum(segments[:, None, 1], instances[:, 1])
    starts = np.minimum(segments[:, None, 0], instances[:, 0])
    return _ratio(_overlap(segments, instances), ends - starts)


def _overlap(segments: NDArray, instances: NDArray) -> NDArray:
    ends = np.minimum(segments[:, None, 1], instances[:, 1])
    return (ends - np.maximum(segments[:, None, 0], instances[:, 0])).clip(0)


def _ratio(part: NDArray, whole: NDArray) -> NDArray:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _read_truth(
    ground_truth: Mapping[str, Mapping], deduplicate: bool
) -> dict[tuple[str, str], NDArray]:
    """Segments ``(M, 2)`` by clip and label."""
    found: dict[tuple[str, str], list] = {}
    for clip, entry in ground_truth.items():
        for row in entry['annotations'] or ():
            segment = (row['start_time'], row['end_time'])
            kept = found.setdefault((clip, row['label']), [])
            if not (deduplicate and any(_same(segment, other) for other in kept)):
                kept.append(segment)
    if not found:
        raise ValueError(
            'Moment scores want ground truth with annotations; got '
            f'{len(ground_truth)} clips without any. Check the split and its annotation file.'
        )
    truth = {key: np.array(rows, dtype=np.float64) for key, rows in found.items()}
    for segments in truth.values():
        _check_finite(segments, 'times of ground truth')
    return truth


def _read_predictions(
    predictions: Predictions, labels: Mapping[Any, int], clips: Mapping[str, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray, NDArray]:
    """Label, clip (the number of clips if unknown), score and segment of each known class's row."""
    parts = [read_found(found) for found in predictions.values()]
    every = chain.from_iterable(part.labels for part in parts)
    row_label = np.array([labels.get(label, -1) for label in every], dtype=np.int64)
    clip_ids = [clips.get(clip, len(clips)) for clip in predictions]
    row_clip = np.repeat(np.array(clip_ids, dtype=np.int64), [len(part.labels) for part in parts])
    scores = np.concatenate([np.zeros(0), *(part.scores for part in parts)])
    segments = np.concatenate([np.zeros((0, 2)), *(part.segments for part in parts)])
    known = row_label >= 0
    row_label, row_clip, scores, segments = (
        values[known] for values in (row_label, row_clip, scores, segments)
    )
    _check_finite(scores, 'scores of predictions')
    _check_finite(segments, 'times of predictions')
    return row_label, row_clip, scores, segments


def read_found(found: Found | Sequence[Mapping]) -> Found:
    """Rows of ``label``, ``score`` and ``segment`` as `Found`, which stays as it is."""
    if isinstance(found, Found):
        return found
    segments = [row['segment'] for row in found]
    return Found(
        np.array(segments, dtype=np.float64).reshape(len(found), 2),
        np.array([row['score'] for row in found], dtype=np.float64),
        [row['label'] for row in found],
    )


def _same(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return abs(a[0] - b[0]) <= SAME_SECONDS and abs(a[1] - b[1]) <= SAME_SECONDS


def _check_finite(values: NDArray, name: str) -> None:
    if not np.isfinite(values).all():
        raise ValueError(
            f'Moment scores want finite {name}; {np.count_nonzero(~np.isfinite(values))} of '
            f'{values.size} are NaN or infinite. Look for a diverged model or a broken file.'
        )
