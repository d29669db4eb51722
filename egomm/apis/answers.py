"""Right or wrong: accuracies of verb, noun and action from predicted samples.

A sample is a dict with ``gt`` and ``pred`` by task, as ``tools/test.py --dump`` writes it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from egomm.functional.scores import mean_over_classes, rank_actions

TASKS = ('verb', 'noun')
Sample = dict[str, Any]


def labelled(samples: Sequence[Sample]) -> list[Sample]:
    """Samples that have a label for every task."""
    return [sample for sample in samples if all(task in sample['gt'] for task in TASKS)]


def first_answers(samples: Sequence[Sample]) -> np.ndarray:
    """The best (verb, noun) of each sample, ``(N, 2)``."""
    verb, noun = (
        np.stack([np.asarray(sample['pred'][task]) for sample in samples]) for task in TASKS
    )
    return rank_actions(verb, noun, 1)[:, 0]


def true_classes(samples: Sequence[Sample]) -> np.ndarray:
    """The true (verb, noun) of each sample, ``(N, 2)``."""
    return np.array([[int(sample['gt'][task]) for task in TASKS] for sample in samples])


def accuracies(samples: Sequence[Sample]) -> dict[str, float]:
    """Top-1 of verb, noun and action in percent."""
    return {task: 100 * float(right.mean()) for task, right in _right(samples).items()}


def mean_class_accuracies(samples: Sequence[Sample]) -> dict[str, float]:
    """Mean over the classes (of action: the pairs) that occur, in percent."""
    truth = true_classes(samples)
    labels = dict(verb=truth[:, 0], noun=truth[:, 1], action=truth)
    return {
        task: 100 * mean_over_classes(right, labels[task])
        for task, right in _right(samples).items()
    }


def _right(samples: Sequence[Sample]) -> dict[str, np.ndarray]:
    """Whether the first answer is true, ``(N,)`` by task."""
    right = first_answers(samples) == true_classes(samples)
    return dict(verb=right[:, 0], noun=right[:, 1], action=right.all(axis=1))
