"""Temperatures by task, fitted on participants that training never saw.

What is told of them is measured on other participants than they were fitted on: the halves of the
participants take turns. Kept is the temperature fitted on all of them.
"""

from collections.abc import Sequence, Set
from typing import Any, NamedTuple

import torch
from torch import Tensor

from egomm.apis.answers import Sample
from egomm.functional.calibration import (
    expected_calibration_error,
    fit_temperature,
    negative_log_likelihood,
)


class Calibration(NamedTuple):
    """What a temperature does for one task.

    Attributes:
        temperature: Fitted on all clips.
        clips: How many.
        error: Expected calibration error before and after, 0..1.
        likelihood_loss: Negative log-likelihood before and after, in nats.
    """

    temperature: float
    clips: int
    error: tuple[float, float]
    likelihood_loss: tuple[float, float]


def calibrate(samples: Sequence[Sample], trained_on: Set[str]) -> dict[str, Calibration]:
    """Fit a temperature for each task whose prediction is a vector of logits.

    Args:
        samples: Dicts as ``tools/test.py --dump`` writes them.
        trained_on: Participants of the training part; their clips are left out.

    Raises:
        ValueError: If fewer than two other participants are left, or none of their clips has a
            label.
    """
    held = [sample for sample in samples if sample['participant_id'] not in trained_on]
    people = sorted({sample['participant_id'] for sample in held})
    if len(people) < 2:
        raise ValueError(
            f'Temperatures are fitted on at least two participants that training never saw; of '
            f'{len(samples)} clips, {len(held)} are of such ({people}). Dump the predictions of '
            'a split with other people.'
        )
    found = {}
    for task in _tasks(held):
        labelled = [sample for sample in held if task in sample['gt']]
        halves = [
            [sample for sample in labelled if (sample['participant_id'] in people[::2]) == first]
            for first in (True, False)
        ]
        if all(halves):
            found[task] = _calibration(task, halves)
    if not found:
        raise ValueError(
            f'No task has labels of both halves of the participants {people}. Dump the '
            'predictions of a split with labels.'
        )
    return found


def _tasks(samples: Sequence[Sample]) -> list[str]:
    """Tasks whose prediction is one value a class, and whose label is one class."""
    tasks = dict.fromkeys(task for sample in samples for task in sample['gt'])
    return [
        task
        for task in tasks
        if all(
            torch.as_tensor(sample['gt'][task]).dim() == 0
            for sample in samples
            if task in sample['gt']
        )
        and all(
            isinstance(sample['pred'].get(task), Tensor) and sample['pred'][task].dim() == 1
            for sample in samples
        )
    ]


def _calibration(task: str, halves: Sequence[Sequence[Sample]]) -> Calibration:
    pairs = [_stacked(task, half) for half in halves]
    logits, labels = (torch.cat(column) for column in zip(*pairs))
    tempered = torch.cat(
        [
            mine / fit_temperature(*other)
            for (mine, _), other in zip(pairs, reversed(pairs), strict=True)
        ]
    )
    return Calibration(
        fit_temperature(logits, labels),
        len(labels),
        tuple(expected_calibration_error(x, labels) for x in (logits, tempered)),
        tuple(negative_log_likelihood(x, labels) for x in (logits, tempered)),
    )


def _stacked(task: str, samples: Sequence[Sample]) -> tuple[Tensor, Tensor]:
    logits = torch.stack([sample['pred'][task].double() for sample in samples])
    labels: list[Any] = [int(sample['gt'][task]) for sample in samples]
    return logits, torch.tensor(labels)
