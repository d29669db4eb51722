"""Checkpoints that survive: what is on disk is whole, and the one before stays until it is."""

import logging
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmengine import dist
from mmengine.fileio import LocalBackend, register_backend
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from egomm.compat import load_checkpoint
from egomm.functional.whole_files import PARTS
from egomm.hooks.restarts import earlier_attempt, identity
from egomm.registry import HOOKS
from egomm.sealing import NotWrittenError, Seal, seal_of, write_sealed

SEALED = dict(backend='sealed')  # `backend_args` of whatever saves a checkpoint


class _SealedBackend(LocalBackend):
    """Writes sealed files, and remembers what is to be removed instead of removing it."""

    written = 0  # files by all instances: MMEngine makes one for each file

    def __init__(self) -> None:
        self.superseded: list[tuple[str, int]] = []

    def put(self, obj: bytes, filepath: str | Path) -> None:
        write_sealed(filepath, obj)
        _SealedBackend.written += 1

    def remove(self, filepath: str | Path) -> None:
        self.superseded.append((str(filepath), os.stat(filepath).st_ino))

    def tidy(self) -> None:
        """Remove what was to be removed, unless a new file has taken its name."""
        for path, inode in self.superseded:
            if os.path.exists(path) and os.stat(path).st_ino == inode:
                os.remove(path)
        self.superseded.clear()


register_backend('sealed', _SealedBackend, force=True)


@HOOKS.register_module()
class SealedCheckpointHook(CheckpointHook):
    """MMEngine's ``CheckpointHook`` with files that `egomm.sealing` writes.

    A checkpoint that another replaces goes when the other is on the disk. One that cannot be
    written is an error in the log and training goes on, except for the last one. A run that is
    resumed without a name takes the newest checkpoint of its folder whose seal holds; so does one
    that torchrun starts again, of those that it wrote itself.

    Args:
        **settings: As for MMEngine's hook, without ``backend_args``.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(backend_args=SEALED, **settings)
        self._failure: Exception | None = None
        self._due = False  # a checkpoint, at the end of the optimizer's step

    def before_run(self, runner: Runner) -> None:
        """Choose what to start from.

        Raises:
            ValueError: If the folder holds checkpoints, but none that is whole.
        """
        start = [self._start(runner) if runner.rank == 0 else None]
        dist.broadcast_object_list(start)
        runner._load_from, runner._resume = start[0]

    def _start(self, runner: Runner) -> tuple[str | None, bool]:
        """The checkpoint to load, and whether the run goes on from it."""
        folder, log = runner.work_dir, runner.logger
        goes_on = runner._resume and runner._load_from is None
        before = earlier_attempt(folder, goes_on)
        if before is not None:
            newest = newest_intact(folder, log, before)
            log.warning(
                'A process of this run has died and torchrun has started it again; it '
                + (f'goes on from {newest}.' if newest else 'had no checkpoint yet.')
            )
            if newest is not None:
                return newest, True
        elif goes_on:
            newest = newest_intact(folder, log)
            if newest is None:
                log.info(f'{folder} holds no checkpoint; training starts anew.')
            return newest, newest is not None
        return runner._load_from, runner._resume and not goes_on

    def before_train(self, runner: Runner) -> None:
        """Remove what a killed process has left half written; only one run uses a folder."""
        super().before_train(runner)
        if runner.rank == 0:
            for part in Path(self.out_dir).glob(PARTS):
                part.unlink()

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Save where checkpoints go by iterations, when a step of several batches is complete."""
        if self.by_epoch:
            return
        self._due = (
            self._due
            or self.every_n_train_iters(runner, self.interval, self.save_begin)
            or (self.save_last and self.is_last_train_iter(runner))
        )
        if self._due and runner.optim_wrapper.should_update():
            self._due = False
            with self._saving(runner):
                runner.logger.info(f'Saving checkpoint at {runner.iter + 1} iterations')
                self._save_checkpoint(runner)

    def after_train_epoch(self, runner: Runner) -> None:
        """Save where checkpoints go by epochs."""
        with self._saving(runner):
            super().after_train_epoch(runner)

    def after_val_epoch(self, runner: Runner, metrics: dict) -> None:
        """Save the best one."""
        with self._saving(runner):
            super().after_val_epoch(runner, metrics)

    def after_train(self, runner: Runner) -> None:
        """End with an error if the last checkpoint is not there.

        Raises:
            NotWrittenError: If it could not be written.
        """
        if self._failure is not None:
            raise self._failure
        super().after_train(runner)

    @contextmanager
    def _saving(self, runner: Runner) -> Iterator[None]:
        written = _SealedBackend.written
        try:
            yield
        except (NotWrittenError, OSError) as error:
            self._failure = error
            runner.logger.error(f'{error} Training goes on; the next checkpoint is tried in turn.')
            return
        if _SealedBackend.written > written:
            self._failure = None
            self.file_backend.tidy()


def newest_intact(
    folder: str | Path, logger: logging.Logger, but: Collection[str] = ()
) -> str | None:
    """The newest checkpoint of a run that is whole; each newer one is named in the log.

    Args:
        folder: Work directory of the run.
        logger: Takes what is wrong with the others.
        but: Checkpoints that are not of this run, as `identity` has them.

    Returns:
        Its path, or None if there is no checkpoint at all.

    Raises:
        ValueError: If there are some, but none is whole.
    """
    found = (path for path in Path(folder).glob('*.pth') if not path.name.startswith('best_'))
    paths = [path for path in found if not but or identity(path) not in but]
    paths.sort(key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in paths:
        try:
            if seal_of(path) is Seal.INTACT or load_checkpoint(path):
                return str(path)
        except (ValueError, OSError) as error:
            logger.warning(f'{error} The checkpoint before it is taken instead.')
    if paths:
        raise ValueError(
            f'{folder} holds {len(paths)} checkpoints, and none is whole. Start anew without '
            '--resume, or give one from elsewhere: --resume CHECKPOINT.'
        )
    return None
