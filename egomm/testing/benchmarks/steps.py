"""Training steps of whole networks, with parts exchanged for what the peer does.

A part is exchanged by its class, so both sides have the same parameters and do the same step: the
optimiser runs at learning rate 0, at which it does all its work and every step sees the same
weights. Dropout and drop path are off, so that results can be equal.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

import egomm.registry  # noqa: F401 - registers what the configs name
from egomm.registry import MODELS
from egomm.structures import EgoSample, Stream
from egomm.testing.benchmarks.contest import Work

CONFIGS = Path(__file__).resolve().parents[3] / 'configs'
_GRADIENTS = 6  # parameters whose gradients are compared, of the first and of the last ones


class Step:
    """A model of a config, its optimiser and one batch.

    Args:
        config: Path under ``configs/``.
        options: Overrides, as for `Config.merge_from_dict`.
        inputs: Streams of the batch.
        samples: Their labels.
        device: Of everything.
        clip: Largest norm of the gradient; None does not clip.
    """

    def __init__(
        self,
        config: str,
        options: Mapping[str, Any],
        inputs: Mapping[str, Stream],
        samples: Sequence[EgoSample],
        device: str,
        clip: float | None = None,
    ) -> None:
        self.config = Config.fromfile(CONFIGS / config)
        self.config.merge_from_dict(dict(options))
        self.inputs, self.samples = inputs, samples
        self.device, self.clip = device, clip

    @cached_property
    def model(self) -> nn.Module:
        """Built when it is first needed, so that one side's process has nothing else."""
        torch.manual_seed(0)
        model = MODELS.build(self.config.model)
        level = logging.root.manager.disable
        logging.disable(logging.INFO)  # a line for every parameter
        model.init_weights()
        logging.disable(level)
        for part in model.modules():
            if isinstance(part, nn.Dropout):
                part.p = 0.0
        model = model.to(self.device).train()
        self._buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
        return model

    @cached_property
    def optimizers(self) -> dict[bool, torch.optim.Optimizer]:
        """AdamW, by whether it is fused; both have the same moments, so as to need them once."""
        parameters = list(self.model.parameters())
        found = {fused: torch.optim.AdamW(parameters, lr=0.0, fused=fused) for fused in (0, 1)}
        found[True].state = found[False].state
        return found

    def work(
        self,
        precision: str = 'fp32',
        exchange: Mapping[type, type] | None = None,
        twice: Sequence[str] = (),
    ) -> Work:
        """One step; gives the loss and some gradients.

        Args:
            precision: ``'fp32'`` or ``'bf16'`` (autocast).
            exchange: Classes of modules, and what to take in their place; the peer's side, whose
                optimiser is PyTorch's default. None is egomm's, which is fused.
            twice: Names of modules that are computed again in the backward pass, as MMEngine's
                ``activation_checkpointing`` does it.
        """
        return lambda: self._step(precision, exchange or {}, twice, fused=exchange is None)

    def _step(
        self, precision: str, exchange: Mapping[type, type], twice: Sequence[str], fused: bool
    ) -> list[Tensor]:
        context = nullcontext()
        if precision == 'bf16':
            context = torch.autocast(self.device, torch.bfloat16)
        with exchanged(self.model, exchange), checkpointed(self.model, twice):
            with context:
                losses = self.model(dict(self.inputs), list(self.samples), mode='loss')
                loss, _ = self.model.parse_losses(losses)
            loss.backward()
        if self.clip is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        shown = [*gradients[:_GRADIENTS], *gradients[-_GRADIENTS:]]
        result = [loss.detach().float(), *(gradient.clone() for gradient in shown)]
        self.optimizers[fused].step()
        self.optimizers[fused].zero_grad(set_to_none=True)
        with torch.no_grad():  # running statistics, and the normaliser of a loss
            for buffer, value in self._buffers:
                buffer.copy_(value)
        return result


@contextmanager
def exchanged(model: nn.Module, exchange: Mapping[type, type]) -> Iterator[None]:
    """The model with other classes for some of its modules, which must take the same parameters."""
    found = [(part, type(part)) for part in model.modules() if type(part) in exchange]
    for part, kind in found:
        part.__class__ = exchange[kind]
    try:
        yield
    finally:
        for part, kind in found:
            part.__class__ = kind


@contextmanager
def checkpointed(model: nn.Module, names: Sequence[str]) -> Iterator[None]:
    """The model with modules that are computed again in the backward pass."""
    modules = [model.get_submodule(name) for name in names]
    for module in modules:
        module.forward = partial(checkpoint, module.forward, use_reentrant=False)
    try:
        yield
    finally:
        for module in modules:
            del module.forward


def step_difference(theirs: Sequence[Tensor], ours: Sequence[Tensor]) -> float:
    """Of the loss relative to the loss, or of the gradients relative to their norm: the larger."""
    loss = float((theirs[0] - ours[0]).abs() / theirs[0].abs())
    pairs = list(zip(theirs[1:], ours[1:]))
    apart = sum(float((a.double() - b.double()).square().sum()) for a, b in pairs)
    norm = sum(float(a.double().square().sum()) for a, _ in pairs)
    return max(loss, (apart / norm) ** 0.5)
