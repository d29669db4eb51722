"""What data a run was given, and what loading met."""

import logging
from pathlib import Path

from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from egomm.registry import HOOKS


@HOOKS.register_module()
class DataReportHook(Hook):
    """Log what a data set reports after an epoch, and keep the list of a drawn subset.

    A data set takes part by having ``report()`` (a dict of counts, and ``failed``, a line a clip
    that could not be read) and ``write_subset(path)`` (the ids it kept, False if it kept all).
    """

    def __init__(self) -> None:
        self._logged: dict[str, dict] = {}

    def before_train(self, runner: Runner) -> None:
        """Write ``train_subset.txt`` into the work directory if only a part is trained on."""
        dataset = runner.train_dataloader.dataset
        if hasattr(dataset, 'write_subset') and runner.rank == 0:
            dataset.write_subset(Path(runner.work_dir, 'train_subset.txt'))

    def after_train_epoch(self, runner: Runner) -> None:
        """Log the counts of the training data."""
        self._log('train', runner.train_dataloader.dataset)

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Log the counts of the validation data."""
        self._log('val', runner.val_dataloader.dataset)

    def after_test_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Log the counts of the test data."""
        self._log('test', runner.test_dataloader.dataset)

    def _log(self, name: str, dataset: object) -> None:
        if not hasattr(dataset, 'report'):
            return
        report = dataset.report()
        if report == self._logged.get(name):
            return
        self._logged[name] = report
        for what, counts in report.items():
            if what != 'failed':
                met = ', '.join(f'{count} {kind}' for kind, count in counts.items() if count)
                print_log(f'{name} clips by {what}: {met}', logger='current')
        if report['failed']:
            lines = '\n  '.join(report['failed'])
            print_log(
                f'{name} clips that could not be read:\n  {lines}',
                logger='current',
                level=logging.WARNING,
            )
