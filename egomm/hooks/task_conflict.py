"""Whether two tasks pull the shared network in different directions, measured while it trains.

The paper of MIMO argues with this conflict (Figure 1, top) but gives no numbers of it.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import compress, islice

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor, nn

from egomm.functional.conflict import gradient_cosine, pair_distance
from egomm.registry import HOOKS
from egomm.structures import Stream

Gradients = list[Tensor | None]


@HOOKS.register_module()
class TaskConflictHook(Hook):
    """After an epoch, log what two tasks' losses want of the same parameters and features.

    Beside the curves it writes, by place:

    * ``conflict/<a>-<b>/<place>``: cosine of the gradients of the two heads' mean losses, below 0
      where they disagree. Places are the parameters of each encoder (``encoder_rgb``), its output
      (``feature_rgb``, the clips' gradients side by side), the parameters of the neck that both
      tasks use (``neck``), and the neck's output where both heads read the same (``fused``).
    * ``distance/<a>-<b>/<source>_same_<task>``: in the feature that a head reads, how far clips are
      apart that share this task's label and differ in the other's, as a share of the mean
      distance of any two clips (`pair_distance`). Only for tasks whose labels are classes.

    It measures in evaluation mode on training clips that are drawn once, and leaves weights,
    gradients, optimiser, generators and statistics of batch norm as they are. Each process
    computes the same from the same clips and rank 0 logs it, as heads count over all processes.
    Reentrant activation checkpointing (``with_cp=True``) cannot be combined with it.

    Args:
        tasks: Names of two heads.
        interval: Epochs from one measurement to the next.
        clips: How many training clips, kept in memory after they were loaded.
        batch_size: Clips at a time.
        seed: Draws the clips.

    Raises:
        ValueError: If there are not two tasks, or a number is below 1. Before training: if a task
            has no head.
    """

    def __init__(
        self,
        tasks: tuple[str, str] = ('verb', 'noun'),
        interval: int = 1,
        clips: int = 64,
        batch_size: int = 8,
        seed: int = 0,
    ) -> None:
        if len(set(tasks)) != 2 or len(tasks) != 2 or min(interval, clips, batch_size) < 1:
            raise ValueError(
                'TaskConflictHook wants the names of two tasks, and interval, clips and batch_size '
                f'from 1 up; got {tuple(tasks)}, {interval}, {clips} and {batch_size}.'
            )
        self.tasks = tuple(tasks)
        self.interval = interval
        self.clips = clips
        self.batch_size = batch_size
        self.seed = seed
        self._batches: list[dict] = []

    def before_train(self, runner: Runner) -> None:
        """Find out now, not after the first epoch, that a head is missing."""
        heads = _unwrapped(runner.model).heads
        missing = [task for task in self.tasks if task not in heads]
        if missing:
            raise ValueError(
                f'TaskConflictHook(tasks={self.tasks}): the model has no head {missing}, only '
                f'{list(heads)}. Name two of these.'
            )

    def after_train_epoch(self, runner: Runner) -> None:
        """Measure and log."""
        if not self.every_n_epochs(runner, self.interval):
            return
        model = _unwrapped(runner.model)
        with undisturbed(model):
            if not self._batches:
                self._batches = list(self._load(runner))
            measured = measure_conflict(model, self._batches, self.tasks)
        epoch = runner.epoch + 1
        text = '  '.join(f'{name}: {value:.4f}' for name, value in measured.items())
        runner.logger.info(f'Epoch(train) [{epoch}] task conflict  {text}')
        runner.visualizer.add_scalars(measured, step=epoch)
        runner.message_hub.update_scalars(measured)

    def _load(self, runner: Runner) -> Iterator[dict]:
        loader = runner.train_dataloader
        order = iter(
            np.random.default_rng(self.seed).permutation(len(loader.dataset))[: self.clips]
        )
        while places := list(islice(order, self.batch_size)):
            yield loader.collate_fn([loader.dataset[int(place)] for place in places])


@dataclass(frozen=True)
class _OfBatch:
    """What two tasks want of one batch; each a dict by task, or by name of a feature."""

    on_parameters: dict[str, Gradients]
    on_features: dict[str, dict[str, Tensor | None]]
    labels: dict[str, list]
    read: dict[str, Tensor]


def measure_conflict(
    model: nn.Module, batches: Iterable[dict], tasks: Sequence[str]
) -> dict[str, float]:
    """The numbers of `TaskConflictHook` by name; those that are not defined are left out."""
    places = {f'encoder_{name}': net for name, net in model.backbones.items()}
    places['neck'] = model.neck
    parameters = {
        place: [value for value in net.parameters() if value.requires_grad]
        for place, net in places.items()
    }
    flat = [value for values in parameters.values() for value in values]
    totals: dict[str, Gradients] = {task: [None] * len(flat) for task in tasks}
    parts = []
    for batch in batches:
        part = _measure_batch(model, batch, tasks, flat)
        for task in tasks:
            totals[task] = [_added(*pair) for pair in zip(totals[task], part.on_parameters[task])]
            part.on_parameters[task].clear()  # as large as the model
        parts.append(part)

    cosines = {}
    for place, values in parameters.items():
        both = [totals[task][: len(values)] for task in tasks]
        totals = {task: gradients[len(values) :] for task, gradients in totals.items()}
        if place == 'neck':
            shared = [not any(g is None for g in pair) for pair in zip(*both)]
            both = [list(compress(gradients, shared)) for gradients in both]
        cosines[place] = gradient_cosine(*both)
    for name in parts[0].on_features[tasks[0]]:
        both = [[part.on_features[task][name] for part in parts] for task in tasks]
        cosines[name] = gradient_cosine(*both)
    labels = {task: [label for part in parts for label in part.labels[task]] for task in tasks}
    distances = {
        f'{source}_same_{task}': distance
        for source in parts[0].read
        for task, distance in _distances(
            torch.cat([part.read[source] for part in parts]), labels
        ).items()
    }
    pair = '-'.join(tasks)
    return {
        f'{kind}/{pair}/{name}': float(value)
        for kind, values in (('conflict', cosines), ('distance', distances))
        for name, value in values.items()
        if value.isfinite()
    }


def _measure_batch(
    model: nn.Module, batch: dict, tasks: Sequence[str], parameters: list[Tensor]
) -> _OfBatch:
    data = model.data_preprocessor(batch, True)
    streams = {name: _with_gradient(x) for name, x in model.encode(data['inputs']).items()}
    outputs = model.join(streams)
    sources = list(dict.fromkeys(model.heads[task].source for task in tasks))
    features = {f'feature_{name}': stream.x for name, stream in streams.items()}
    if len(sources) == 1:
        features[sources[0]] = outputs[sources[0]].x
    labels = {task: [sample.gt.get(task) for sample in data['data_samples']] for task in tasks}
    on_parameters, on_features = {}, {}
    for task in tasks:
        losses = model.heads[task].loss(outputs[model.heads[task].source], labels[task])
        # A head's loss is a mean; times its clips, batches add up to the mean of all.
        count = sum(label is not None for label in labels[task])
        loss = count * sum(value for name, value in losses.items() if 'loss' in name)
        gradients = torch.autograd.grad(
            loss, [*parameters, *features.values()], retain_graph=True, allow_unused=True
        )
        on_parameters[task] = list(gradients[: len(parameters)])
        on_features[task] = dict(zip(features, gradients[len(parameters) :]))
    read = {source: outputs[source].x.detach() for source in sources}
    read = {name: x.flatten(2).mean(2) if x.dim() > 2 else x for name, x in read.items()}
    return _OfBatch(on_parameters, on_features, labels, read)


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[None]:
    """Evaluation mode inside; afterwards every module's mode and all generators are as before."""
    modes = [(module, module.training) for module in model.modules()]
    python, numpy = random.getstate(), np.random.get_state()
    devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    try:
        # One by one: a network may do more in its own `train()` than to set the flags.
        for module, _ in modes:
            module.training = False
        with torch.random.fork_rng(devices):
            yield
    finally:
        for module, training in modes:
            module.training = training
        random.setstate(python)
        np.random.set_state(numpy)


def _unwrapped(model: nn.Module) -> nn.Module:
    """The model itself: its gradients shall not wake the reducer of a distributed wrapper."""
    return model.module if is_model_wrapper(model) else model


def _with_gradient(stream: Stream) -> Stream:
    """The output of an encoder; that of a frozen one starts a graph of its own."""
    return stream if stream.x.requires_grad else Stream(stream.x.requires_grad_(), stream.mask)


def _added(total: Tensor | None, gradient: Tensor | None) -> Tensor | None:
    if total is None or gradient is None:
        return gradient if total is None else total
    return total + gradient


def _distances(features: Tensor, labels: dict[str, list]) -> dict[str, Tensor]:
    """By task, `pair_distance` of the clips that share its label; of those that have both."""
    rows = [row for row, pair in enumerate(zip(*labels.values())) if None not in pair]
    known = {task: [values[row] for row in rows] for task, values in labels.items()}
    if not rows or not all(isinstance(v, int) for values in known.values() for v in values):
        return {}
    first, second = (torch.tensor(values, device=features.device) for values in known.values())
    features = features[rows]
    return dict(
        zip(known, (pair_distance(features, first, second), pair_distance(features, second, first)))
    )
