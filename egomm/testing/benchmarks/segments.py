"""Suppression of moments and their evaluation, against the definitions written down row by row."""

import importlib.util
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from egomm.functional.detection import TIOU, mean_average_precision
from egomm.functional.nms import multiclass_soft_nms
from egomm.testing.benchmarks.contest import Contest, Growth, Settings, Side, Work

CANDIDATES, CLASSES, KEPT = 30_000, 110, 200
SIGMA, MIN_SCORE = 0.99, 1e-4
CLIPS, PREDICTIONS = 521, 2000


def soft_nms_case(settings: Settings) -> Contest:
    """Candidates of one clip in many classes, of which the best of all are kept."""
    sides = [
        Side('egomm', lambda: _selection(multiclass_soft_nms, CANDIDATES), tolerance=1e-4),
    ]
    compiled = importlib.util.find_spec('nms_1d_cpu') is not None
    if compiled:
        peer = Side("ActionFormer's compiled extension", lambda: _selection(_compiled, CANDIDATES))
        naive = Side('class by class', lambda: _selection(by_class, CANDIDATES), tolerance=1e-4)
        sides[0] = sides[0]._replace(speed=1.0)
        sides.append(naive)
    else:
        peer = Side('class by class', lambda: _selection(by_class, CANDIDATES))
    return Contest(
        work=f'soft-NMS, {CANDIDATES:,} candidates in {CLASSES} classes, {KEPT} kept',
        peer=peer,
        sides=sides,
        difference=_selection_difference,
        growth=[
            Growth(
                'candidates',
                (CANDIDATES // 4, CANDIDATES, 4 * CANDIDATES),
                lambda size: _selection(multiclass_soft_nms, size),
            )
        ],
        notes=[]
        if compiled
        else [
            "ActionFormer's extension (nms_1d_cpu) is not installed: it is measured as well where "
            'it can be imported, and then the target is to be no slower'
        ],
    )


def moment_scores(settings: Settings) -> Contest:
    """Average precision at five thresholds; the evaluator row by row gets a part of the clips."""
    clips, each = (20, 500) if settings.quick else (60, 1000)
    sizes = (17, 33, 65) if settings.quick else (65, 130, 260, CLIPS)

    def ours(clips: int, each: int) -> Work:
        truth, predictions = moments(clips, each)
        return lambda: [mean_average_precision(truth, predictions)['mAP']]

    def theirs() -> Work:
        truth, predictions = moments(clips, each)
        return lambda: [row_by_row(truth, predictions)]

    return Contest(
        work=f'MQ evaluation, {clips} clips x {each:,} predictions',
        peer=Side('row by row', theirs),
        sides=[Side('egomm', lambda: ours(clips, each))],
        difference=lambda theirs, own: float(np.abs(theirs[0] - own[0]).max()),
        growth=[
            Growth(
                f'clips of {PREDICTIONS:,} predictions', sizes, lambda size: ours(size, PREDICTIONS)
            )
        ],
        notes=[
            f'the peer sees {clips * each:,} rows, the official validation {CLIPS * PREDICTIONS:,}'
            ' (the last size under "growth", without --quick)',
            'the official evaluator, which looks up a table of pandas for every row, is slower than'
            ' this peer: docs/benchmarks.md',
        ],
    )


def _selection(select: object, count: int) -> Work:
    generator = torch.Generator().manual_seed(0)
    start = torch.rand(count, generator=generator) * 470
    segments = torch.stack([start, start + 1 + torch.rand(count, generator=generator) * 30], dim=1)
    scores = torch.rand(count, generator=generator) ** 4
    labels = torch.randint(CLASSES, (count,), generator=generator)
    return lambda: select(segments, scores, labels, SIGMA, MIN_SCORE, KEPT)


def _selection_difference(theirs: Sequence[Tensor], own: Sequence[Tensor]) -> float:
    """Of the scores, which are sorted; infinite where another segment was selected."""
    if not torch.allclose(theirs[0], own[0], atol=1e-4):
        return float('inf')
    return float((theirs[1] - own[1]).abs().max())


def by_class(
    segments: Tensor, scores: Tensor, labels: Tensor, sigma: float, min_score: float, max_num: int
) -> tuple[Tensor, Tensor]:
    """Every class to the end, each selection compared with all that are left; then the best."""
    found = []
    for label in labels.unique():
        part, score = segments[labels == label], scores[labels == label].clone()
        keep = score >= min_score
        part, score = part[keep], score[keep]
        taken = 0
        while len(part) and taken < max_num:
            best = int(score.argmax())
            chosen, value = part[best], score[best]
            found.append((float(value), chosen))
            taken += 1
            left = torch.arange(len(part)) != best
            part, score = part[left], score[left]
            overlap = (part[:, 1].minimum(chosen[1]) - part[:, 0].maximum(chosen[0])).clamp(min=0)
            union = part[:, 1] - part[:, 0] + (chosen[1] - chosen[0]) - overlap
            score = score * torch.exp(-((overlap / union) ** 2) / sigma)
            part, score = part[score >= min_score], score[score >= min_score]
    found.sort(key=lambda row: -row[0])
    kept = found[:max_num]
    return torch.stack([row[1] for row in kept]), torch.tensor([row[0] for row in kept])


def _compiled(
    segments: Tensor, scores: Tensor, labels: Tensor, sigma: float, min_score: float, max_num: int
) -> tuple[Tensor, Tensor]:
    """As ActionFormer calls its extension: class by class, then the best of all."""
    import nms_1d_cpu

    parts = []
    for label in labels.unique():
        part = segments[labels == label].contiguous()
        rows = part.new_empty((len(part), 3))
        count = len(
            nms_1d_cpu.softnms(
                part,
                scores[labels == label].contiguous(),
                rows,
                iou_threshold=0.1,
                sigma=sigma,
                min_score=min_score,
                method=2,
            )
        )
        parts.append(rows[: min(count, max_num)])
    rows = torch.cat(parts)
    order = rows[:, 2].sort(descending=True).indices[:max_num]
    return rows[order, :2], rows[order, 2]


def moments(clips: int, each: int) -> tuple[dict, dict]:
    """Ground truth as dense as that of MQ, and predictions around and beside it."""
    rng = np.random.default_rng(0)
    truth, predictions = {}, {}
    for clip in range(clips):
        starts = rng.uniform(0, 450, 8)
        labels = rng.integers(0, CLASSES, 8)
        ends = starts + rng.gamma(2.0, 8.0, 8)
        truth[f'clip{clip}'] = {
            'annotations': [
                {'label': f'{label}', 'start_time': float(start), 'end_time': float(end)}
                for label, start, end in zip(labels, starts, ends)
            ]
        }
        chosen = rng.integers(0, 8, each)
        near = rng.random(each) < 0.5
        label = np.where(near, labels[chosen], rng.integers(0, CLASSES, each))
        start = np.where(near, starts[chosen] + rng.normal(0, 4, each), rng.uniform(0, 450, each))
        length = np.where(near, (ends - starts)[chosen], rng.gamma(2.0, 8.0, each))
        score = rng.random(each)
        predictions[f'clip{clip}'] = [
            {'label': f'{a}', 'segment': [float(b), float(b + c)], 'score': float(d)}
            for a, b, c, d in zip(label, start, length, score)
        ]
    return truth, predictions


def row_by_row(truth: Mapping, predictions: Mapping) -> np.ndarray:
    """Mean average precision as the official evaluator goes about it: prediction after prediction.

    Returns:
        ``(len(TIOU),)``.
    """
    classes = sorted({row['label'] for clip in truth.values() for row in clip['annotations']})
    result = np.zeros((len(classes), len(TIOU)))
    for number, label in enumerate(classes):
        rows = [
            (row['score'], place, clip, row['segment'])
            for clip, listed in predictions.items()
            for place, row in enumerate(listed)
            if row['label'] == label
        ]
        rows.sort(key=lambda row: row[0], reverse=True)
        instances = {
            clip: [row for row in entry['annotations'] if row['label'] == label]
            for clip, entry in truth.items()
        }
        total = sum(map(len, instances.values()))
        claimed: list[set] = [set() for _ in TIOU]
        hits = np.zeros((len(TIOU), len(rows)))
        for position, (_, _, clip, (start, end)) in enumerate(rows):
            there = instances.get(clip, [])
            overlaps = np.zeros(len(there))
            for place, row in enumerate(there):
                inside = max(0.0, min(end, row['end_time']) - max(start, row['start_time']))
                union = (end - start) + (row['end_time'] - row['start_time']) - inside
                overlaps[place] = inside / union
            for level, threshold in enumerate(TIOU):
                for place in overlaps.argsort()[::-1]:
                    if overlaps[place] < threshold:
                        break
                    if (clip, place) not in claimed[level]:
                        claimed[level].add((clip, place))
                        hits[level, position] = 1
                        break
        for level in range(len(TIOU)):
            found = np.cumsum(hits[level])
            precision = np.concatenate([[0], found / np.arange(1, len(rows) + 1), [0]])
            recall = np.concatenate([[0], found / total, [1]])
            for place in range(len(precision) - 2, -1, -1):
                precision[place] = max(precision[place], precision[place + 1])
            steps = np.flatnonzero(recall[1:] != recall[:-1]) + 1
            result[number, level] = np.sum((recall[steps] - recall[steps - 1]) * precision[steps])
    return result.mean(axis=0)
