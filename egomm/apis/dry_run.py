"""Try a run before it is started: everything is built, one step of each kind is made."""

import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric, DumpResults
from mmengine.evaluator.metric import _to_cpu

from egomm.apis.errors import unknown_message, user_message
from egomm.apis.launch import build_runner
from egomm.compat import load_checkpoint
from egomm.hooks import ResumableTrainLoop
from egomm.hooks.sealed_checkpoint import SEALED
from egomm.metrics.result_file import ResultFile
from egomm.metrics.segment_file import SegmentFile

_CHECKPOINT = 'dry_run.pth'
_WRITERS = (DumpResults, ResultFile, SegmentFile)  # their scores are files


class DryRunError(ValueError):
    """What a run of this config would have failed with."""


@contextmanager
def _reported(config: Config, stage: str) -> Iterator[None]:
    """Let every error say of which config and at which stage it is, in one line."""
    try:
        yield
    except DryRunError:
        raise
    except Exception as error:  # a config can break anything
        text = user_message(error) or unknown_message(error)
        raise DryRunError(f'{config.filename or "the config"}: {stage} fails: {text}') from error


class DryRunLoop(ResumableTrainLoop):
    """One step of training and one of evaluation, then a checkpoint that is read again."""

    def run(self) -> torch.nn.Module:
        """Make the steps; `lines` then says how long they took."""
        runner = self.runner
        runner.call_hook('before_train')
        runner.optim_wrapper.optimizer.register_step_pre_hook(self._check_gradients)
        self.lines = []
        runner.call_hook('before_train_epoch')
        runner.model.train()
        begun = time.perf_counter()
        with _reported(runner.cfg, 'loading the first batch for training'):
            batch = next(iter(self.dataloader))
        loaded = time.perf_counter()
        with _reported(runner.cfg, 'the first step of training'):
            self.run_iter(0, batch)
        self.lines.append(
            f'train: a first batch in {loaded - begun:.1f} s, a first step in '
            f'{time.perf_counter() - loaded:.1f} s, {len(self.dataloader)} steps an epoch'
        )
        if runner.val_loop is not None:
            with _reported(runner.cfg, 'the first step of evaluation'):
                self._evaluate_one()
        with _reported(runner.cfg, 'saving'):
            runner.save_checkpoint(
                runner.work_dir, _CHECKPOINT, by_epoch=False, backend_args=SEALED
            )
        if runner.rank == 0:
            path = Path(runner.work_dir, _CHECKPOINT)
            load_checkpoint(path)
            self.bytes = path.stat().st_size
            self.lines.append(f'save: {self.bytes / 1e6:.1f} MB, read again')
        return runner.model

    @torch.no_grad()
    def _evaluate_one(self) -> None:
        loop, model = self.runner.val_loop, self.runner.model
        model.eval()
        begun = time.perf_counter()
        batch = next(iter(loop.dataloader))
        loop.evaluator.process(data_samples=model.val_step(batch), data_batch=batch)
        self.lines.append(
            f'val: a first batch in {time.perf_counter() - begun:.1f} s, {len(loop.dataloader)} '
            'batches'
        )
        self._score(loop.evaluator.metrics)

    def _score(self, metrics: Sequence[BaseMetric]) -> None:
        """Let the metrics score what they have got, which is one batch only."""
        names: list[str] = []
        for metric in metrics:
            kind = type(metric).__name__
            if isinstance(metric, _WRITERS):
                continue
            try:
                scores = metric.compute_metrics(_to_cpu(metric.results))  # as `evaluate` does
            except Exception as error:  # it may want clips that are in other batches
                text = user_message(error) or unknown_message(error)
                self.lines.append(
                    f'score: {kind} fails on this batch alone, which may be as it should: {text}'
                )
                continue
            if not isinstance(scores, dict):
                raise ValueError(
                    f'{kind}.compute_metrics gives a {type(scores).__name__}; wanted is a dict of '
                    'numbers by name.'
                )
            found = [f'{metric.prefix}/{name}' if metric.prefix else name for name in scores]
            double = sorted({*names} & {*found})
            if double:
                raise ValueError(
                    f'{kind} gives {double}, which a metric before it gives as well. Give each of '
                    'them a `prefix` of its own in the config.'
                )
            names += found


def dry_run(config: Config) -> list[str]:
    """Build what a config describes, make one step of training, evaluation and saving.

    Args:
        config: As `build_runner` takes it; nothing is written into its work directory.

    Returns:
        What there is to say of each step.

    Raises:
        DryRunError: If something cannot be built or run; the text names the config and the stage.
        ValueError: If the disk of the work directory is too small for the checkpoints to be kept.
    """
    wanted = Path(config.work_dir).absolute()
    with (
        tempfile.TemporaryDirectory(prefix='egomm_dry_run_') as folder,
        _reported(config, 'building the run'),
    ):
        config.work_dir = folder
        config.train_cfg.type = 'egomm.apis.dry_run.DryRunLoop'
        for name in ('train_dataloader', 'val_dataloader'):
            if config.get(name):  # of one batch nothing has to be loaded in advance
                config[name].update(num_workers=0, persistent_workers=False)
                config[name].pop('prefetch_factor', None)
        runner = build_runner(config)
        runner.train()
    loop = runner.train_loop
    if runner.rank == 0:
        kept = (config.default_hooks.get('checkpoint') or {}).get('max_keep_ckpts', -1)
        needed = (max(kept, 1) + 1) * loop.bytes
        free = shutil.disk_usage(next(path for path in (wanted, *wanted.parents) if path.is_dir()))
        if needed > free.free:
            raise ValueError(
                f'{wanted}: checkpoints want {needed / 1e9:.3f} GB, its disk has '
                f'{free.free / 1e9:.3f} GB free. Make room, or name another disk with --work-dir.'
            )
    return loop.lines
