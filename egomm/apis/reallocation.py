"""Choose re-allocation weights on saved validation results, without running the network again.

The paper (MIMO, Hou et al., 2023, section 2.3) does not say how its weights were chosen. Here
they minimise the mean negative log-likelihood of the true class, each task by itself, by
coordinate search; accuracy is only reported. Weights chosen and scored on the same clips flatter
themselves, so `cross_fit` chooses on one half of the participants and scores on the other.

Shapes: N = clips, H = heads, T = tasks, M = modalities, D = channels of an attention head.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from egomm.structures import Stream

FACTORS = (0.0, 0.25, 0.5, 0.8, 1.25, 2.0, 4.0)
LARGEST = 64.0  # of a weight, in units of the task tokens' weight; the smallest is its inverse
CHUNK = 2048  # clips at a time


@dataclass(frozen=True)
class SavedClips:
    """What a test run with ``model.record=('readout',)`` left of labelled clips.

    Args:
        readout: ``(N, H, T, M + 1, 1 + D)``, see `QueryFusion`.
        labels: By task ``(N,)``, -1 without a label.
        participants: One id a clip.
    """

    readout: Tensor
    labels: dict[str, Tensor]
    participants: list[str]

    def __len__(self) -> int:
        return len(self.participants)

    def rows(self, keep: Tensor) -> 'SavedClips':
        """The clips where ``keep`` ``(N,)`` is True."""
        return SavedClips(
            self.readout[keep],
            {task: labels[keep] for task, labels in self.labels.items()},
            [name for name, kept in zip(self.participants, keep.tolist()) if kept],
        )


def gather(samples: Sequence[dict[str, Any]], model: nn.Module) -> SavedClips:
    """Stack the samples of a dump.

    Args:
        samples: Dicts as ``tools/test.py --dump`` writes them.
        model: The `MultiIOModel` that they are from, with a `QueryFusion`.

    Raises:
        ValueError: If there are none, they lack what the closed form needs, it is not finite or
            of another model, or a task has no label at all or one that its head does not have.
    """
    if not samples or any('readout' not in sample['pred'] for sample in samples):
        raise ValueError(
            f"The dump holds {len(samples)} clips, some or all without 'readout'. Make it "
            'with tools/test.py CONFIG CHECKPOINT --dump FILE --cfg-options '
            'model.record="[\'readout\']".'
        )
    if any('participant_id' not in sample for sample in samples):
        raise ValueError(
            'The clips of the dump lack a participant_id, by which they are halved. Test on a data '
            'set that says who is seen.'
        )
    neck = model.neck
    labels = {
        task: torch.tensor([_label(sample['gt'].get(task)) for sample in samples])
        for task in neck.tasks
    }
    unlabelled = [task for task, values in labels.items() if (values < 0).all()]
    if unlabelled:
        raise ValueError(
            f'No clip of the dump has a label of {unlabelled}, so nothing can be chosen for it. '
            'Test on annotations with labels.'
        )
    for task, values in labels.items():
        classes = model.heads[task].num_classes
        if values.max() >= classes:
            raise ValueError(
                f'The dump has {task} {int(values.max())}, but the head of the model has '
                f'{classes} classes. Give the config that the dump was made with.'
            )
    rows = [torch.as_tensor(sample['pred']['readout']) for sample in samples]
    channels = neck.value.out_features // neck.num_heads
    wanted = (neck.num_heads, len(neck.tasks), len(neck.modalities) + 1, 1 + channels)
    strange = {tuple(row.shape) for row in rows} - {wanted}
    if strange:
        raise ValueError(
            f'The dump has a readout {min(strange)}, but the neck of the model gives {wanted} '
            '(heads, tasks, modalities + 1, 1 + channels of a head). Give the config and the '
            'checkpoint that the dump was made with.'
        )
    readout = torch.stack(rows).float()
    broken = ~readout.flatten(1).isfinite().all(dim=1)
    if broken.any():
        raise ValueError(
            f'The readout of {int(broken.sum())} clips is not finite, first of clip '
            f'{int(broken.nonzero()[0])}. Look for NaN in the features or weights of the model.'
        )
    clips = SavedClips(readout, labels, [str(sample['participant_id']) for sample in samples])
    _check_answers(samples, model, clips)
    return clips


def _check_answers(samples: Sequence[dict[str, Any]], model: nn.Module, clips: SavedClips) -> None:
    """Refuse a dump whose answers are not those of the closed form with equal weights."""
    found = logits(model, clips, torch.ones(len(model.neck.tasks), len(model.neck.modalities)))
    for task, values in found.items():
        saved = [torch.as_tensor(sample['pred'].get(task, torch.nan)) for sample in samples]
        same = all(one.shape == values.shape[1:] for one in saved)
        # Rounding differs between devices; another checkpoint or several views differ by far more.
        slack = 1e-2 * values.abs().max().clamp(min=1)
        if not same or not ((torch.stack(saved) - values).abs() <= slack).all():
            raise ValueError(
                f'The answers to {task} in the dump are not those of this model. Give the config '
                'and the checkpoint that the dump was made with, and test in a single view.'
            )


@torch.inference_mode()
def logits(model: nn.Module, clips: SavedClips, weights: Tensor) -> dict[str, Tensor]:
    """Logits of every clip by task under weights ``(T, M)``: what the network would answer."""
    parts: dict[str, list[Tensor]] = {task: [] for task in model.neck.tasks}
    for start in range(0, len(clips), CHUNK):
        place = slice(start, start + CHUNK)
        _, fused = model.neck.read(clips.readout[place], weights)
        for index, task in enumerate(model.neck.tasks):
            parts[task].append(model.heads[task](Stream(fused[:, index])))
    return {task: torch.cat(pieces) for task, pieces in parts.items()}


def search(
    model: nn.Module,
    clips: SavedClips,
    steps: int,
    progress: Callable[[int, Tensor], None] = lambda step, weights: None,
) -> Tensor:
    """Weights ``(T, M)`` that make the true classes likeliest, the task tokens weighing 1.

    Args:
        model: A `MultiIOModel` whose neck is a `QueryFusion` with one token a head.
        clips: Clips to choose on.
        steps: Each step tries new values for one modality, in turn. 0 changes nothing; it ends
            early when no modality gains any more.
        progress: Called after each step.
    """
    tasks, modalities = model.neck.tasks, model.neck.modalities
    weights = torch.ones(len(tasks), len(modalities))
    best = _losses(model, clips, weights)
    # Without task tokens as keys, weight 0 could leave a clip that lacks a modality with nothing.
    factors = FACTORS if model.neck.task_tokens_as_keys else FACTORS[1:]
    idle = 0
    for step in range(steps):
        column = step % len(modalities)
        changed = False
        for candidate in _candidates(weights, column, factors):
            found = _losses(model, clips, candidate)
            better = found < best - 1e-6
            weights = torch.where(better[:, None], candidate, weights)
            best = torch.where(better, found, best)
            changed = changed or bool(better.any())
        progress(step + 1, weights)
        idle = 0 if changed else idle + 1
        if idle == len(modalities):
            break
    return weights


@dataclass(frozen=True)
class CrossFit:
    """Top-1 in percent by task and ``'action'``: unweighted, in sample, and held out."""

    weights: Tensor
    plain: dict[str, float]
    in_sample: dict[str, float]
    held_out: dict[str, float]


def cross_fit(
    model: nn.Module,
    clips: SavedClips,
    steps: int,
    progress: Callable[[int, Tensor], None] = lambda step, weights: None,
) -> CrossFit:
    """Choose on one half of the participants and score on the other, both ways.

    The halves take turns in the order of the number of clips, so that they are of similar size.
    ``weights`` are those chosen on all clips, with which ``in_sample`` is scored.

    Args:
        model: Of the dump, in evaluation mode.
        clips: What `gather` gave.
        steps: Steps of the search for the weights.
        progress: Called after each step with its number and the weights ``(T, M)``.

    Raises:
        ValueError: If there is only one participant, or a half has no label of a task.
    """
    counts = {name: clips.participants.count(name) for name in set(clips.participants)}
    if len(counts) < 2:
        raise ValueError(
            f'cross_fit wants at least two participants; got {sorted(counts)}. Choose the weights '
            'on more people, or what they gain cannot be told from chance.'
        )
    order = sorted(counts, key=lambda name: (-counts[name], name))
    first = torch.tensor([name in set(order[::2]) for name in clips.participants])
    for half in (first, ~first):
        empty = [task for task, labels in clips.labels.items() if (labels[half] < 0).all()]
        if empty:
            raise ValueError(
                f'Half of the participants have no label of {empty}, so weights cannot be chosen '
                'on them. Use validation clips with labels of every task.'
            )
    one = torch.ones(len(model.neck.tasks), len(model.neck.modalities))
    weights = search(model, clips, steps, progress)
    held: dict[str, Tensor] = {}
    for chosen_on in (first, ~first):
        half = search(model, clips.rows(chosen_on), steps, progress)
        for task, values in logits(model, clips.rows(~chosen_on), half).items():
            held.setdefault(task, values.new_zeros(len(clips), values.shape[1]))
            held[task][~chosen_on] = values
    return CrossFit(
        weights,
        top1(logits(model, clips, one), clips.labels),
        top1(logits(model, clips, weights), clips.labels),
        top1(held, clips.labels),
    )


def top1(scores: dict[str, Tensor], labels: dict[str, Tensor]) -> dict[str, float]:
    """Percent of right answers by task; as ``'action'``, if that is no task, of all tasks.

    Args:
        scores: Logits ``(N, K)`` by task.
        labels: Classes ``(N,)`` by task.
    """
    right = {task: values.argmax(dim=1) == labels[task] for task, values in scores.items()}
    known = {task: labels[task] >= 0 for task in scores}
    share = {task: 100 * right[task][known[task]].float().mean().item() for task in scores}
    complete = torch.stack(list(known.values())).all(dim=0)
    joint = torch.stack(list(right.values())).all(dim=0)[complete]
    share.setdefault('action', 100 * joint.float().mean().item())
    return share


def _losses(model: nn.Module, clips: SavedClips, weights: Tensor) -> Tensor:
    """Mean negative log-likelihood of each task ``(T,)``."""
    scores = logits(model, clips, weights)
    return torch.stack(
        [F.cross_entropy(scores[task], clips.labels[task], ignore_index=-1) for task in scores]
    )


def _candidates(weights: Tensor, column: int, factors: Sequence[float]) -> list[Tensor]:
    """Tables with another value in one column; none leaves a task without modalities."""
    tables = []
    for factor in factors:
        table = weights.clone()
        revived = torch.where(weights[:, column] == 0, 1.0, weights[:, column])
        table[:, column] = (revived * factor).clamp(max=LARGEST)
        table[table[:, column] < 1 / LARGEST, column] = 0
        empty = ~table.any(dim=1)
        table[empty] = weights[empty]
        tables.append(table)
    return tables


def _label(value: Any) -> int:
    if value is None:
        return -1
    try:
        label = int(value)
    except (TypeError, ValueError):  # NaN is a ValueError
        label = -1
    if label < 0:
        raise ValueError(
            f'The dump has the label {value!r}; the number of a class is wanted. Leave a task '
            'without label out of gt.'
        )
    return label
