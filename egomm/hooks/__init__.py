"""What acts on a run from beside: hooks, schedules, the loop. Importing this registers them."""

from egomm.hooks.checkpoint_match import CheckpointMatchHook
from egomm.hooks.data_report import DataReportHook
from egomm.hooks.modality_balance import ModalityBalanceHook
from egomm.hooks.plain_checkpoint import PlainCheckpointHook
from egomm.hooks.preemption import PreemptionHook
from egomm.hooks.run_card import RunCardHook
from egomm.hooks.sealed_checkpoint import SealedCheckpointHook
from egomm.hooks.task_conflict import TaskConflictHook
from egomm.hooks.task_gradients import TaskGradientHook
from egomm.hooks.train_loop import ResumableTrainLoop
from egomm.hooks.triangular_lr import TriangularLR

__all__ = [
    'CheckpointMatchHook',
    'DataReportHook',
    'ModalityBalanceHook',
    'PlainCheckpointHook',
    'PreemptionHook',
    'ResumableTrainLoop',
    'RunCardHook',
    'SealedCheckpointHook',
    'TaskConflictHook',
    'TaskGradientHook',
    'TriangularLR',
]
