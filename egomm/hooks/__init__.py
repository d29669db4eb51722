"""Hooks. Importing this package registers all of them."""

from egomm.hooks.checkpoint_match import CheckpointMatchHook
from egomm.hooks.data_report import DataReportHook
from egomm.hooks.modality_balance import ModalityBalanceHook
from egomm.hooks.plain_checkpoint import PlainCheckpointHook
from egomm.hooks.task_conflict import TaskConflictHook
from egomm.hooks.task_gradients import TaskGradientHook

__all__ = [
    'CheckpointMatchHook',
    'DataReportHook',
    'ModalityBalanceHook',
    'PlainCheckpointHook',
    'TaskConflictHook',
    'TaskGradientHook',
]
