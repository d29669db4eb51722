"""Scores of natural language queries: is one of the first answers right?

Source: the official Ego4D NLQ evaluation (github.com/EGO4D/episodic-memory, NLQ).

``ground_truth``: an official file, ``videos`` > ``clips`` (``clip_uid``) > ``annotations``
(``annotation_uid``) > ``language_queries`` (``query``, ``clip_start_sec``, ``clip_end_sec``).
``submission``: in the form of the challenge, ``results`` of ``clip_uid``, ``annotation_uid``,
``query_idx`` and ``predicted_times``, best first. Times in seconds of the clip.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

MEAN_R1 = (0.3, 0.5)  # thresholds of the number that the challenge ranks by

THRESHOLDS = (0.3, 0.5)
TOP_K = (1, 5)

Key = tuple[str, str, int]


def query_report(
    windows: Mapping[Key, Sequence[float] | None], answers: Mapping[Key, Sequence[Sequence[float]]]
) -> dict[str, float]:
    """The numbers of the Natural Language Queries challenge, as fractions.

    Args:
        windows: True [start, end] by query (clip, annotation, index there), as the file has it;
            None where it has none.
        answers: Windows by query, best first. Queries without any count as wrong.

    Returns:
        ``recall_<k>_at_<IoU>``, ``mean_recall_1`` and ``missing``, see `recall_at_k`.

    Raises:
        ValueError: As in `recall_at_k`.
    """
    # Every query becomes an annotation of its own, so that its index is 0 there.
    names = {key: f'{key[1]}_{key[2]}' for key in {**windows, **answers}}
    clips = []
    for key, window in windows.items():
        start, end = window or (None, None)
        query = dict(query=names[key], clip_start_sec=start, clip_end_sec=end)
        annotation = dict(annotation_uid=names[key], language_queries=[query])
        clips.append(dict(clip_uid=key[0], annotations=[annotation]))
    records = [
        dict(clip_uid=key[0], annotation_uid=names[key], query_idx=0, predicted_times=times)
        for key, times in answers.items()
    ]
    scores = recall_at_k({'videos': [{'clips': clips}]}, {'results': records}, THRESHOLDS, TOP_K)
    return {
        **{
            f'recall_{k}_at_{threshold}': float(value)
            for threshold, row in zip(THRESHOLDS, scores['recall'])
            for k, value in zip(TOP_K, row)
        },
        'mean_recall_1': scores['mean_r1'],
        'missing': scores['missing'],
    }


def recall_at_k(
    ground_truth: Mapping,
    submission: Mapping,
    thresholds: Sequence[float],
    topk: Sequence[int],
    official: bool = False,
) -> dict:
    """Share of the queries that one of the first ``k`` answers gets right: IoU > threshold.

    The union is the shortest window that holds both. Queries without text keep their number but
    are not asked for; answers to them do not count.

    Args:
        ground_truth: See the head of this file.
        submission: See there. The order of ``results`` is of no importance.
        thresholds: IoU that an answer has to exceed.
        topk: How many of the answers count.
        official: Average over the records of the submission, as the official script does: queries
            without a record cost nothing, records that occur twice count twice.

    Returns:
        ``recall``: fractions ``(len(thresholds), len(topk))``; ``mean_r1``: mean of the recall at 1
        at IoU 0.3 and 0.5, whatever ``thresholds`` holds; ``missing``: how many queries have no
        answer. They count as wrong.

    Raises:
        ValueError: If there is no query, a query has no window, a number is not finite, a ``k`` is
            below 1, or a record belongs to no query or (unless ``official``) to one that has a
            record already.
    """
    if min(topk) < 1:
        raise ValueError(f'recall_at_k wants every k >= 1; got {list(topk)}.')
    windows, asked = _read_queries(ground_truth)
    answers = _read_answers(submission, windows)
    missing = len(asked - {key for key, times in answers if len(times)})
    if official:
        rows, total = answers, len(answers)
    else:
        repeated = [key for key, count in Counter(key for key, _ in answers).items() if count > 1]
        if repeated:
            raise ValueError(
                f'recall_at_k wants one record per query; {len(repeated)} queries have several, '
                f'for example {repeated[0]}. Merge them into one list of windows, best first.'
            )
        rows, total = [row for row in answers if row[0] in asked], len(asked)
    best = _best_iou(rows, windows, max(topk))
    grid = np.array(
        [[_share(best, threshold, k, total) for k in topk] for threshold in thresholds]
    ).reshape(len(thresholds), len(topk))
    mean_r1 = float(np.mean([_share(best, threshold, 1, total) for threshold in MEAN_R1]))
    return {'recall': grid, 'mean_r1': mean_r1, 'missing': missing}


def _share(best: NDArray, threshold: float, k: int, total: int) -> float:
    return np.count_nonzero(best[:, k - 1] > threshold) / total if total else 0.0


def _best_iou(
    rows: Sequence[tuple[Key, NDArray]], windows: Mapping[Key, NDArray], depth: int
) -> NDArray[np.float64]:
    """Highest IoU of the first 1, 2, ... answers, ``(records, depth)``."""
    times = np.full((len(rows), depth, 2), np.nan)
    for row, (_, answers) in zip(times, rows):
        row[: len(answers)] = answers[:depth]
    truth = np.array([windows[key] for key, _ in rows]).reshape(len(rows), 1, 2)
    overlap = np.minimum(times[..., 1], truth[..., 1]) - np.maximum(times[..., 0], truth[..., 0])
    hull = np.maximum(times[..., 1], truth[..., 1]) - np.minimum(times[..., 0], truth[..., 0])
    iou = np.zeros_like(overlap)
    np.divide(overlap, hull, out=iou, where=(overlap > 0) & (hull > 0))  # False for NaN
    return np.maximum.accumulate(iou, axis=1)


def _read_queries(ground_truth: Mapping) -> tuple[dict[Key, NDArray], set[Key]]:
    """Window of every query, and the queries that have a text."""
    windows: dict[Key, NDArray] = {}
    asked: set[Key] = set()
    for video in ground_truth['videos']:
        for clip in video['clips']:
            for annotation in clip['annotations']:
                for index, query in enumerate(annotation['language_queries']):
                    key = (clip['clip_uid'], annotation['annotation_uid'], index)
                    ends = [query.get(f'clip_{end}_sec') for end in ('start', 'end')]
                    windows[key] = _finite(ends, f'the window of query {key}')
                    if query.get('query'):
                        asked.add(key)
    if not asked:
        raise ValueError(
            'recall_at_k wants ground truth with queries; got '
            f'{len(ground_truth["videos"])} videos without any. Check the annotation file.'
        )
    return windows, asked


def _read_answers(submission: Mapping, windows: Mapping[Key, Any]) -> list[tuple[Key, NDArray]]:
    answers = []
    for record in submission['results']:
        key = (record['clip_uid'], record['annotation_uid'], record['query_idx'])
        if key not in windows:
            raise ValueError(
                f'The submission answers query {key}, which the ground truth does not have. '
                'Number the queries of an annotation from 0 in the official file, without leaving '
                'out those that have no text.'
            )
        times = _finite(record['predicted_times'], f'the answers to query {key}').reshape(-1, 2)
        answers.append((key, times))
    return answers


def _finite(times: Any, name: str) -> NDArray[np.float64]:
    values = np.array(times, dtype=np.float64)  # None becomes NaN
    if not np.isfinite(values).all():
        raise ValueError(
            f'recall_at_k wants finite seconds; {name} is {times}. Score a split with labels, and '
            'look for NaN in the predictions.'
        )
    return values
