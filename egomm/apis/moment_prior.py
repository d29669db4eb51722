"""Moments without video: which classes are common, and how long and where theirs are.

A floor for localizers, in three steps of knowledge: full-clip boxes and uniform windows with class
frequencies, and a prior that for every class takes the windows which most training clips would have
right. All clips of the same length get the same moments.

Shapes: K = windows of the grid, N = segments.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from egomm.functional.detection import TIOU
from egomm.functional.segments import segment_iou
from egomm.functional.window_grid import window_grid

PER_CLASS = 18  # 110 classes of these are below the 2,000 moments that a clip may have
SHRINK = 30.0  # clips' worth of the mean over classes that each class is mixed with
SUPPRESS = 0.5  # width of the decay around a window that was taken


class Guess(NamedTuple):
    """A moment that every clip gets: its window is in shares of the clip."""

    label: int
    score: float
    window: tuple[float, float]


def full_clips(records: Sequence[dict], num_classes: int) -> list[Guess]:
    """The whole clip once for every class, scored by the share of training clips that have it."""
    clips = _clips_with(records, num_classes) / len(records)
    return [Guess(label, share, (0.0, 1.0)) for label, share in enumerate(clips.tolist())]


def uniform_windows(records: Sequence[dict], num_classes: int, parts: int) -> list[Guess]:
    """The clip in equal parts, each for every class, scored by how often the class occurs."""
    labels = np.concatenate([record['gt']['moment']['labels'] for record in records])
    share = np.bincount(labels, minlength=num_classes) / len(records)
    return [
        Guess(label, score, (part / parts, (part + 1) / parts))
        for label, score in enumerate(share.tolist())
        for part in range(parts)
    ]


def class_windows(
    records: Sequence[dict], num_classes: int, per_class: int = PER_CLASS
) -> list[Guess]:
    """For every class the windows that most training clips would have right.

    A window is as right for a clip as the share of the official IoU thresholds that it passes with
    its best segment of the class. Classes share what they have in common: each is mixed with the
    mean over all as if that were 30 more clips. After a window is taken, those like it count less.
    """
    grid = window_grid(0.005, 1.0, num_lengths=16, steps=3, most=120)
    right = np.stack([_right(records, label, grid) for label in range(num_classes)])  # (C, K)
    clips = _clips_with(records, num_classes)[:, None]
    common = right.sum(axis=0) / clips.sum()
    scores = (right + SHRINK * common) / (clips + SHRINK) * clips / len(records)
    decay = np.exp(-(segment_iou(grid, grid).numpy() ** 2) / SUPPRESS)
    np.fill_diagonal(decay, 0)
    guesses = []
    for _ in range(per_class):
        best = scores.argmax(axis=1)
        for label, index in enumerate(best.tolist()):
            start, end = grid[index].tolist()
            guesses.append(Guess(label, float(scores[label, index]), (start, end)))
        scores = scores * decay[best]
    return guesses


def in_clip(
    guesses: Sequence[Guess], duration: float, names: Sequence[str]
) -> list[dict[str, Any]]:
    """Guesses as moments of a clip, best first, in the form of `egomm.functional.detection`."""
    rows = sorted(guesses, key=lambda guess: -guess.score)
    return [
        dict(
            label=names[guess.label],
            score=guess.score,
            segment=[end * duration for end in guess.window],
        )
        for guess in rows
    ]


def _right(records: Sequence[dict], label: int, grid: torch.Tensor) -> NDArray:
    """Sum over clips of how right every window is for a class ``(K,)``."""
    total = np.zeros(len(grid))
    for record in records:
        truth = record['gt']['moment']
        segments = truth['segments'][truth['labels'] == label] / record['duration']
        if len(segments):
            best = segment_iou(grid, torch.from_numpy(segments).float()).amax(dim=1).numpy()
            total += np.mean([best >= tiou for tiou in TIOU], axis=0)
    return total


def _clips_with(records: Sequence[dict], num_classes: int) -> NDArray[np.int64]:
    """How many clips have each class ``(C,)``.

    Raises:
        ValueError: If no clip has any.
    """
    present = [np.unique(record['gt']['moment']['labels']) for record in records]
    found = np.concatenate(present)
    if not len(found):
        raise ValueError(
            f'a prior wants clips with moments; none of {len(records)} has any. Give the '
            'annotations of a split with labels.'
        )
    return np.bincount(found, minlength=num_classes)
