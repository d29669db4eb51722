"""One component of each kind. Importing this registers all of them.

The imports are relative, so that a copy of the folder works under a name of its own.
"""

from .cosine_head import CosineHead
from .focal_loss import FocalCrossEntropy
from .late_max import LateMax
from .mean_rank import MeanRank
from .patch_net import PatchNet
from .random_grey import RandomGrey
from .short_clips import ShortClips
from .weight_norm import WeightNormHook

__all__ = [
    'CosineHead',
    'FocalCrossEntropy',
    'LateMax',
    'MeanRank',
    'PatchNet',
    'RandomGrey',
    'ShortClips',
    'WeightNormHook',
]
