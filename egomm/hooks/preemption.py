"""A run that is asked to end saves what it has and says so with its exit code."""

import atexit
import multiprocessing
import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from mmengine import dist
from mmengine.hooks import EMAHook, Hook
from mmengine.runner import Runner

from egomm.hooks.sealed_checkpoint import SEALED
from egomm.registry import HOOKS

SIGNALS = (signal.SIGTERM, signal.SIGUSR1)
EXIT_CODE = 143  # 128 + SIGTERM, whichever of the signals came
CHECKPOINT = 'preempted.pth'


class StopRequest:
    """Whether this process was asked to end: SIGTERM and SIGUSR1 only set a flag."""

    def __init__(self) -> None:
        self.name: str | None = None  # of the signal
        self._previous: dict[int, Any] = {}

    def __bool__(self) -> bool:
        return self.name is not None

    def __enter__(self) -> 'StopRequest':
        self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        self.forget()

    def listen(self) -> None:
        """Take the signals over; only the main thread of a process may."""
        self.name = None
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._note) for number in SIGNALS}

    def forget(self) -> None:
        """Give the signals back to who had them."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.name = signal.Signals(number).name


def end_children() -> None:
    """End the processes of loaders at once, those too that wait for a decoder.

    They hold back the signal with which Python would end them, and it would wait forever.
    """
    # The handler of torch takes their end for a failure; later loaders want it back.
    handler = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for child in multiprocessing.active_children():
        child.kill()
        child.join()
    signal.signal(signal.SIGCHLD, handler)


@HOOKS.register_module()
class PreemptionHook(Hook):
    """End the run after the step in which SIGTERM or SIGUSR1 came, with a checkpoint.

    All processes agree after every step, so that all leave at the same one, whichever got the
    signal. They wait for the checkpoint, because whoever started them ends the others when one
    leaves. The run ends with exit code 143 and goes on with ``--resume``.

    While gradients are accumulated, it waits for the optimizer's step.
    """

    priority = 'LOWEST'  # after all that changes the state of a step

    def __init__(self) -> None:
        self._stop = StopRequest()

    def before_run(self, runner: Runner) -> None:
        """Listen from now on."""
        self._stop.listen()
        atexit.unregister(end_children)
        atexit.register(end_children)  # before what multiprocessing does

    def before_train_epoch(self, runner: Runner) -> None:
        """Hold signals back while the loader starts its processes.

        They inherit that, so a signal to the whole job does not end them before their parent
        has made its last step. `end_children` ends them.
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)

    def before_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Let signals through again."""
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    before_val_epoch, before_val_iter = before_train_epoch, before_train_iter

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Leave if it is time, at an optimizer's step."""
        if runner.optim_wrapper.should_update() and self._agreed(runner):
            self._leave(runner, runner.epoch, runner.iter + 1)

    def after_train_epoch(self, runner: Runner) -> None:
        """Let signals through also where no batch was left of the epoch."""
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def after_val_iter(self, runner: Runner, batch_idx: int, *args: Any, **kwargs: Any) -> None:
        """Leave an evaluation on the way; the resumed run starts it again."""
        loader = runner.val_dataloader
        # Of the last round, some processes may have no batch to agree after.
        common = len(loader.dataset) // (runner.world_size * (loader.batch_size or 1))
        if batch_idx < common and self._agreed(runner):
            for hook in runner.hooks:
                if isinstance(hook, EMAHook):
                    hook.after_val_epoch(runner)  # puts the trained weights back into the model
            self._leave(runner, runner.epoch, runner.iter)

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Let signals through also where there was nothing to evaluate."""
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)

    def after_run(self, runner: Runner) -> None:
        """Stop listening."""
        self._stop.forget()

    def _agreed(self, runner: Runner) -> bool:
        if runner.world_size == 1:
            return bool(self._stop)
        asked = torch.tensor(int(bool(self._stop)))
        dist.all_reduce(asked, op='max')
        return bool(asked)

    def _leave(self, runner: Runner, epoch: int, iteration: int) -> None:
        runner.save_checkpoint(
            runner.work_dir,
            CHECKPOINT,
            meta=dict(epoch=epoch, iter=iteration),
            by_epoch=False,
            backend_args=SEALED,
        )
        dist.barrier()
        runner.logger.info(
            f'{self._stop.name or "Another process"} asked to end: the run is saved after '
            f'iteration {iteration} in {Path(runner.work_dir, CHECKPOINT)}. Go on with --resume.'
        )
        self._stop.forget()
        end_children()
        raise SystemExit(EXIT_CODE)
