"""Balance how fast the modalities of a fused model learn (OGM and OGM-GE).

Source: Peng et al. (2022), arXiv:2203.15332; MIMO's Table 1 has it for the verb and the noun
classifier. Formulas: ``egomm.functional.balance``.

Shapes: B = batch, D = fused channels, M = modalities, K = classes.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from mmengine import dist
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import nn
from torch.optim import Optimizer

from egomm.functional.balance import (
    modulate_gradient_,
    modulation_coefficients,
    unimodal_logits,
)
from egomm.registry import HOOKS
from egomm.structures import Stream


@HOOKS.register_module()
class ModalityBalanceHook(Hook):
    """Shrink the gradients of the encoder whose modality is ahead.

    A modality's score is the mean probability that the classifier, seeing this modality alone,
    gives to the true class. It is taken over the labelled samples that have the modality, of all
    micro-batches of an optimizer step and of all processes. (OGM takes the sum, which is the
    same when nothing is missing; a sum would call a modality weak for being rare.) A modality
    that no labelled sample has keeps its gradients.

    The gradients are changed in a pre-hook of the optimizer's step: whole (all micro-batches,
    averaged over the processes), unscaled by a GradScaler and clipped. The clip bounds first and
    the modulation then shrinks; the other way round the clip, which bounds the norm of all
    parameters together, would give back a part of what was taken. All parameters of a
    backbone are modulated, as OGM's authors advise (their code: those of 4-D convolutions).

    Adam and its kin divide a factor that stays the same out again: with them only the changes of
    a coefficient act. OGM was published with SGD.

    Logged as ``ogm/<modality>_score`` and ``ogm/<modality>_coefficient``.

    Args:
        task: The task whose head gives the scores. The head reads ``'fused'`` with one ``linear``.
        alpha: Strength; OGM's authors take 0.1 for VGGSound and 0.8 for CREMA-D.
        noise: Whether to add OGM-GE's noise to the gradients of every backbone, equal on all
            processes.
        begin_epoch: The first epoch with modulation.
        end_epoch: The first epoch without it again; None never ends it.

    Raises:
        ValueError: If ``alpha`` is not above 0 and finite, no epoch would be with modulation, or,
            when training starts, the model does not have the parts above.
    """

    def __init__(
        self,
        *,
        task: str,
        alpha: float,
        noise: bool = False,
        begin_epoch: int = 0,
        end_epoch: int | None = None,
    ) -> None:
        if not 0 < alpha < float('inf'):
            raise ValueError(
                f'ModalityBalanceHook wants finite alpha > 0; got {alpha!r}. Remove the hook to '
                'train without modulation.'
            )
        if end_epoch is not None and not max(begin_epoch, 0) < end_epoch:
            raise ValueError(
                'ModalityBalanceHook wants begin_epoch before end_epoch, the first epoch without '
                f'modulation; got {begin_epoch} and {end_epoch}. Let it end later, or remove the '
                'hook to train without modulation.'
            )
        self.task = task
        self.alpha = alpha
        self.noise = noise
        self.begin_epoch = begin_epoch
        self.end_epoch = end_epoch

    def before_train(self, runner: Runner) -> None:
        """Check the model and attach to its neck and to the optimizer."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        _check(model, self.task)
        self._head = model.heads[self.task].linear
        self._backbones = {name: model.backbones[name] for name in model.neck.contributors}
        seed = torch.tensor(runner.seed)
        dist.broadcast(seed)  # the processes' own seeds differ with --diff-rank-seed
        self._seed = int(seed)
        self._active = False
        self._reset()
        step = partial(self._before_step, runner)
        self._handles = [
            model.neck.register_forward_hook(self._after_neck),
            runner.optim_wrapper.optimizer.register_step_pre_hook(step),
        ]

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict) -> None:
        """Keep the labels for the forward pass that follows."""
        end = float('inf') if self.end_epoch is None else self.end_epoch
        self._active = self.begin_epoch <= runner.epoch < end
        self._labels = [sample.gt.get(self.task) for sample in data_batch['data_samples']]

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Start anew after a step, also after one that a GradScaler has skipped."""
        if runner.optim_wrapper.should_update():
            self._reset()

    def after_train(self, runner: Runner) -> None:
        """Detach from the model and the optimizer."""
        for handle in self._handles:
            handle.remove()

    def _reset(self) -> None:
        """Row 0: sums of probabilities by modality; row 1: how many samples they are of."""
        self._sums = self._head.weight.new_zeros(2, len(self._backbones), dtype=torch.float32)

    def _after_neck(self, neck: nn.Module, args: Sequence, outputs: dict[str, Stream]) -> None:
        """Add this micro-batch to the scores."""
        if not (neck.training and self._active):
            return
        contributions = outputs['contributions']
        x, present = contributions.x.detach().float(), contributions.mask
        # A label out of range is left to the head, whose error names it.
        labels = torch.tensor(
            [-1 if label is None else label for label in self._labels], device=x.device
        )
        labelled = (labels >= 0) & (labels < self._head.out_features)
        with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
            weight, bias = self._head.weight.float(), self._head.bias.float()
            probability = unimodal_logits(x, weight, bias).softmax(dim=-1)
            rows = torch.arange(len(labels), device=x.device)
            true = probability[rows, :, labels.where(labelled, 0)]  # (B, M)
            counted = present & labelled[:, None]
            self._sums += torch.stack([true.where(counted, 0).sum(dim=0), counted.sum(dim=0)])

    def _before_step(self, runner: Runner, optimizer: Optimizer, args: tuple, kwargs: dict) -> None:
        """Modulate the gradients that the optimizer is about to apply."""
        if not self._active:
            return
        dist.all_reduce(self._sums)
        totals, counts = self._sums.cpu()
        scores = totals / counts.clamp(min=1)
        coefficients = modulation_coefficients(scores, self.alpha, counts > 0).tolist()
        generator = self._generator(runner.iter) if self.noise else None
        for name, coefficient in zip(self._backbones, coefficients):
            for parameter in self._backbones[name].parameters():
                if parameter.grad is not None:
                    modulate_gradient_(parameter.grad, coefficient, generator)
            runner.message_hub.update_scalar(f'train/ogm/{name}_coefficient', coefficient)
        for name, score, count in zip(self._backbones, scores.tolist(), counts.tolist()):
            if count:
                runner.message_hub.update_scalar(f'train/ogm/{name}_score', score)

    def _generator(self, iteration: int) -> torch.Generator:
        """The noise of an iteration, equal on all processes and in a resumed run."""
        [seed] = np.random.SeedSequence((self._seed, iteration)).generate_state(1, np.uint64)
        return torch.Generator(self._sums.device).manual_seed(int(seed >> np.uint64(1)))


def _check(model: nn.Module, task: str) -> None:
    contributors = getattr(model.neck, 'contributors', None)
    if contributors is None:
        raise ValueError(
            "ModalityBalanceHook reads the neck output 'contributions', which "
            f'{type(model.neck).__name__} does not give. Use a linear fusion such as '
            'ConcatFusion or SumFusion, or remove the hook.'
        )
    if len(contributors) < 2:
        raise ValueError(
            'ModalityBalanceHook balances two or more modalities, but the neck joins '
            f'{list(contributors)}. Remove the hook.'
        )
    missing = [name for name in contributors if name not in model.backbones]
    if missing:
        raise ValueError(
            f'ModalityBalanceHook modulates the backbones of {list(contributors)}, but the model '
            f'has {sorted(model.backbones)}: {missing} missing. Correct `in_channels` of the neck.'
        )
    if getattr(model, 'mixing', None) is not None:
        raise ValueError(
            'ModalityBalanceHook scores each clip by its one label, but the model mixes clips. '
            'Remove `mixing` from the model, or the hook.'
        )
    if task not in model.heads:
        raise ValueError(
            f'ModalityBalanceHook has task={task!r}, but the model has heads for '
            f'{sorted(model.heads)}. Set `task` to one of these.'
        )
    head = model.heads[task]
    if head.source != 'fused' or not isinstance(getattr(head, 'linear', None), nn.Linear):
        raise ValueError(
            f"ModalityBalanceHook wants a head {task!r} that reads 'fused' with one `linear` "
            f'layer; got a {type(head).__name__} that reads {head.source!r}. Use a '
            "ClassificationHead with source='fused'."
        )
