"""A hook that takes its time and writes down what a process does, for those that kill it."""

import os
import time
from pathlib import Path

from mmengine.hooks import Hook

from egomm.registry import HOOKS


@HOOKS.register_module()
class SlowSteps(Hook):
    """A line for each start, step and batch of an evaluation: attempt, rank, process, what, where.

    Args:
        folder: Takes a file by rank.
        seconds: How long each of them lasts.
    """

    def __init__(self, folder: str, seconds: float) -> None:
        self.folder, self.seconds = Path(folder), seconds

    def before_run(self, runner):
        self._note(runner, 'start', 0)

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self._note(runner, 'step', runner.iter + 1)

    def before_val_iter(self, runner, batch_idx, data_batch=None):
        self._note(runner, 'val', runner.epoch)

    def _note(self, runner, what, where):
        attempt = os.environ['TORCHELASTIC_RESTART_COUNT']
        with open(self.folder / f'rank_{runner.rank}', 'a') as file:
            file.write(f'{attempt} {os.getpid()} {what} {where}\n')
        time.sleep(self.seconds)
