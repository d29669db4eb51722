"""Right or wrong: accuracies of verb, noun and action from predicted samples.

A sample is a dict with ``gt`` and ``pred`` by task, as ``tools/test.py --dump`` writes it.
"""

from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from egomm.functional.scores import mean_over_classes, rank_actions
from egomm.submission.unpickle import load_pickle

TASKS = ('verb', 'noun')
Sample = dict[str, Any]


def read_dump(path: str | Path) -> list[Sample]:
    """What ``tools/test.py --dump`` wrote, with arrays in the place of tensors.

    Raises:
        ValueError: If there is no such file, it could run code, or it holds something else.
    """
    if not Path(path).is_file():
        raise ValueError(f'There is no dump {path}. Make it with tools/test.py --dump {path}.')
    samples = load_pickle(path)
    parts = ('gt', 'pred')
    if not isinstance(samples, list) or not all(
        isinstance(sample, dict) and all(isinstance(sample.get(part), dict) for part in parts)
        for sample in samples
    ):
        raise ValueError(
            f'{path} is no dump of tools/test.py: a list with a dict for each clip is expected, '
            'which has the dicts gt and pred. Make it with tools/test.py --dump, not --results.'
        )
    return samples


def check_heads(heads: Container[str]) -> None:
    """Refuse a model that does not answer both tasks.

    Raises:
        ValueError: If it has no head of that name.
    """
    missing = [task for task in TASKS if task not in heads]
    if missing:
        raise ValueError(
            f'Heads {list(TASKS)} are wanted, but the model has no {missing}. Give the config of '
            'a recognizer of both.'
        )


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
