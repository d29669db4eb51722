"""The training loop of a run that may be ended at any step and goes on as if nothing had been.

Nothing about a step follows from the steps before it but the state that a checkpoint holds: the
sampler gives the clips as a function of (seed, epoch, position), and the random numbers of a step
come from (seed, rank, iteration).
"""

import logging
import random
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import torch
from mmengine import dist
from mmengine.model import is_model_wrapper
from mmengine.runner import EpochBasedTrainLoop, Runner

from egomm.functional.finite import NonFiniteError, non_finite
from egomm.registry import LOOPS

# In the message hub, which every checkpoint holds.
_BATCHES_DONE, _EPOCH_LENGTH, _EVALUATED = 'batches_of_epoch', 'epoch_length', 'evaluated_epoch'
_SKIPPED, _STEP_CLIPS = 'skipped_steps', 'clips_of_a_batch'
_SHOWN = 4  # parameters in an error


@LOOPS.register_module()
class ResumableTrainLoop(EpochBasedTrainLoop):
    """Train by epochs; a resumed run goes on at the very batch, whatever the number of workers.

    A run that ended after an epoch but before its evaluation makes up for the evaluation first.

    A step of the optimizer that is accumulated over several batches ends with the epoch at the
    latest, with the mean over the batches it has. So every epoch can be gone on from.

    The clips of a step are the same for any number of processes with the same number of clips a
    batch, all processes together, and so a run may go on with another number of processes.

    A step whose loss or gradient is NaN or infinite changes no weight: it ends the run, or is left
    out. Either way the clips of the step are named.

    Args:
        runner: The runner.
        dataloader: The loader or its config, with an `EpochSampler` or what derives from it.
        skip_steps: How many such steps the run may leave out before it ends.
        **schedule: ``max_epochs``, ``val_begin``, ``val_interval`` and ``dynamic_intervals`` of
            MMEngine's loop.

    Raises:
        ValueError: If the sampler cannot start within an epoch, or, when a run goes on within an
            epoch, a batch has another number of clips than before, all processes together, or the
            epoch another number of batches.
        NonFiniteError: If more steps are not finite than may be left out.
    """

    def __init__(
        self, runner: Runner, dataloader: Any, skip_steps: int = 0, **schedule: Any
    ) -> None:
        super().__init__(runner, dataloader, **schedule)
        self.skip_steps = skip_steps
        self._clips: list[str] = []  # of the optimizer's step
        runner.logger.addFilter(_is_no_false_alarm)
        sampler = self.dataloader.sampler
        if not hasattr(sampler, 'start'):
            raise ValueError(
                f'ResumableTrainLoop wants a sampler that can start within an epoch; got a '
                f"{type(sampler).__name__}. Set train_dataloader.sampler=dict(type='EpochSampler', "
                'shuffle=True).'
            )

    def run(self) -> torch.nn.Module:
        """Train from where the checkpoint was taken to the last epoch."""
        self.runner.call_hook('before_train')
        self.runner.optim_wrapper.optimizer.register_step_pre_hook(self._check_gradients)
        done = self._batches_done() if self._iter else 0
        if not self._iter:
            self.runner.message_hub.update_info(_EVALUATED, 0)
            self.runner.message_hub.update_info(_SKIPPED, 0)
        elif not done:
            self._evaluate()
        while self._epoch < self._max_epochs and not self.stop_training:
            self.run_epoch(done)
            done = 0
            self._decide_current_val_interval()
            self._evaluate()
        self.runner.call_hook('after_train')
        return self.runner.model

    def run_epoch(self, done: int = 0) -> None:
        """Run an epoch.

        Args:
            done: Batches of it that were trained on before.

        Raises:
            RuntimeError: If a process of the loader died or does not answer; it tells the clips.
        """
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        hub = self.runner.message_hub
        hub.update_info(_EPOCH_LENGTH, len(self.dataloader))
        hub.update_info(_STEP_CLIPS, self._clips_of_a_batch())
        self._count_batches(done)
        self.dataloader.sampler.set_epoch(self._epoch, start=done * self.dataloader.batch_size)
        batch_idx = done - 1
        try:
            for batch_idx, data_batch in enumerate(self._batches(done), start=done):
                hub.update_info(_BATCHES_DONE, batch_idx + 1)
                self.run_iter(batch_idx, data_batch)
        except RuntimeError as error:  # a signal tells of the end of a process, also in a step
            if str(error).startswith('DataLoader'):
                raise self._lost(error, batch_idx + 1) from error
            raise
        hub.update_info(_BATCHES_DONE, 0)
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1

    def _batches(self, done: int) -> Iterator[Any]:
        """What the loader gives, without the clips at which one of its decoders is stuck."""
        loader = self.dataloader
        while True:
            try:
                for batch in loader:
                    done += 1
                    yield batch
                return
            except RuntimeError as error:
                leave_out = getattr(loader.dataset, 'leave_out_stuck', None)
                if not str(error).startswith('DataLoader') or leave_out is None or not leave_out():
                    raise
            loader._iterator = None  # of a loader whose processes outlive an epoch: start them anew
            loader.sampler.set_epoch(self._epoch, start=done * loader.batch_size)

    def _lost(self, error: RuntimeError, done: int) -> RuntimeError:
        """What to say of a loader that failed, by the clips of the batch that was wanted."""
        sampler, size = self.dataloader.sampler, self.dataloader.batch_size
        sampler.set_epoch(self._epoch, start=done * size)
        positions = [where.index for where in islice(sampler, size)]
        return RuntimeError(
            f'{str(error).strip()} Batch {done + 1} of epoch {self._epoch + 1} was wanted: the '
            f'clips at {positions} of the data set. A process that is killed is often out of '
            'memory; one that does not answer has met a dead disk or a file that its decoder '
            'cannot end.'
        )

    def run_iter(self, idx: int, data_batch: Any) -> None:
        """Train on one batch, with random numbers of its own."""
        key = (self.runner.seed, self.runner.rank, self._iter)
        seed, short = (int(word) for word in np.random.SeedSequence(key).generate_state(2))
        torch.manual_seed(seed << 31 ^ short)
        np.random.seed(seed)
        random.seed(seed)
        self._clips += _names(data_batch)
        buffers = self._buffers() if self.skip_steps else []
        try:
            super().run_iter(idx, data_batch)
        except NonFiniteError as error:
            self._leave_out(error, idx, data_batch, buffers)
        if self.runner.optim_wrapper.should_update():
            self._clips = []

    def _check_gradients(self, optimizer: torch.optim.Optimizer, args: tuple, kwargs: dict) -> None:
        """Refuse to apply a gradient that is not finite; the processes have all the same."""
        model = self._model()
        broken = non_finite(
            (name, parameter.grad)
            for name, parameter in model.named_parameters()
            if parameter.grad is not None
        )
        if broken:
            shown = ', '.join(broken[:_SHOWN]) + (', ...' if len(broken) > _SHOWN else '')
            raise NonFiniteError(
                f'the gradient of {len(broken)} parameters is not finite: {shown}. Nothing was '
                'updated by this step. Lower the learning rate, or look at the loss that these '
                'parameters serve.'
            )

    def _leave_out(self, error: NonFiniteError, idx: int, data_batch: Any, buffers: list) -> None:
        """Undo a step, or end the run."""
        clips = [self._clips]
        if self.runner.world_size > 1:
            clips = dist.all_gather_object(self._clips)
        text = f'{error} Clips of the step: {", ".join(name for part in clips for name in part)}.'
        hub = self.runner.message_hub
        skipped = hub.runtime_info.get(_SKIPPED, 0) + 1
        if skipped > self.skip_steps:
            raise NonFiniteError(
                f'{text} {skipped} such steps; train_cfg.skip_steps={self.skip_steps} allows '
                f'{self.skip_steps}.'
            ) from error
        hub.update_info(_SKIPPED, skipped)
        self.runner.logger.log(
            logging.WARNING,
            f'Step left out, {skipped} of at most {self.skip_steps}, with what was accumulated '
            f'for it: {text}',
        )
        wrapper = self.runner.optim_wrapper
        wrapper.zero_grad()
        # Statistics of batch norm and the like have seen the numbers already.
        for buffer, value in zip(self._model().buffers(), buffers):
            buffer.copy_(value)
        # The wrapper counts batches, also this one.
        self._count_batches(idx + 1)
        self.runner.call_hook('after_train_iter', batch_idx=idx, data_batch=data_batch, outputs={})
        self._iter += 1

    def _model(self) -> torch.nn.Module:
        model = self.runner.model
        return model.module if is_model_wrapper(model) else model

    def _buffers(self) -> list[torch.Tensor]:
        return [buffer.clone() for buffer in self._model().buffers()]

    def _batches_done(self) -> int:
        """How many batches of the epoch the resumed checkpoint has seen.

        One that another loop has written does not say: its epoch starts anew.
        """
        info = self.runner.message_hub.runtime_info
        done, length, clips = (info.get(key) for key in (_BATCHES_DONE, _EPOCH_LENGTH, _STEP_CLIPS))
        now = self._clips_of_a_batch()
        if done and (length != len(self.dataloader) or clips not in (None, now)):
            raise ValueError(
                f'The run is to go on after batch {done} of {length} with {clips} clips each, but '
                f'now an epoch has {len(self.dataloader)} batches of {now} clips (those of a '
                'process times the processes). Set the batch size, the number of processes and '
                'the data so that both are as before, or resume from the end of an epoch.'
            )
        return done or 0

    def _count_batches(self, done: int) -> None:
        """Let a step of several batches end with the epoch: MMEngine counts those of the run."""
        wrapper = self.runner.optim_wrapper
        if hasattr(wrapper, '_accumulative_counts'):  # not an OptimWrapperDict
            wrapper._inner_count, wrapper._max_counts = done, len(self.dataloader)
            wrapper._remainder_counts = len(self.dataloader) % wrapper._accumulative_counts

    def _clips_of_a_batch(self) -> int:
        """Of all processes together."""
        return self.dataloader.batch_size * self.runner.world_size

    def _evaluate(self) -> None:
        """Run the evaluation that is due after the epochs so far, unless it has been run."""
        hub = self.runner.message_hub
        due = self._epoch >= self.val_begin and (
            self._epoch % self.val_interval == 0 or self._epoch == self._max_epochs
        )
        if (
            self.runner.val_loop is not None
            and due
            and hub.runtime_info.get(_EVALUATED, 0) < self._epoch
        ):
            self.runner.val_loop.run()
            hub.update_info(_EVALUATED, self._epoch)


def _is_no_false_alarm(record: logging.LogRecord) -> bool:
    """Whether MMEngine says something else than that the batches of the run make no whole steps."""
    return not str(record.msg).startswith('Resumed iteration number is not divisible')


def _names(data_batch: Any) -> list[str]:
    """What an error calls the clips of a batch."""
    samples = data_batch.get('data_samples', ()) if isinstance(data_batch, dict) else ()
    names = []
    for sample in samples:
        meta = sample.metainfo
        known = [
            str(meta[key])
            for key in ('narration_id', 'clip_id', 'annotation_id', 'query_index')
            if key in meta
        ]
        names.append('/'.join(known) or str(meta))
    return names
