"""What acts on a run from beside: hooks and schedules. Importing this registers all of them."""

from egomm.hooks.checkpoint_match import CheckpointMatchHook
from egomm.hooks.data_report import DataReportHook
from egomm.hooks.modality_balance import ModalityBalanceHook
from egomm.hooks.plain_checkpoint import PlainCheckpointHook
from egomm.hooks.task_conflict import TaskConflictHook
from egomm.hooks.task_gradients import TaskGradientHook
from egomm.hooks.triangular_lr import TriangularLR

__all__ = [
    'CheckpointMatchHook',
    'DataReportHook',
    'ModalityBalanceHook',
    'PlainCheckpointHook',
    'TaskConflictHook',
    'TaskGradientHook',
    'TriangularLR',
]
