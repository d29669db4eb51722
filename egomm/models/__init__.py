"""Networks. Importing this package registers all of them."""

from egomm.models.backbones.wrapped import WrappedBackbone
from egomm.models.heads.action import ActionHead
from egomm.models.heads.classification import ClassificationHead
from egomm.models.losses.cross_entropy import SoftmaxCrossEntropy
from egomm.models.losses.logit_adjusted import LogitAdjustedCrossEntropy
from egomm.models.multi_io import MultiIOModel
from egomm.models.necks.concat import ConcatFusion
from egomm.models.necks.query import QueryFusion
from egomm.models.preprocessor import EgoDataPreprocessor

__all__ = [
    'ActionHead',
    'ClassificationHead',
    'ConcatFusion',
    'EgoDataPreprocessor',
    'LogitAdjustedCrossEntropy',
    'MultiIOModel',
    'QueryFusion',
    'SoftmaxCrossEntropy',
    'WrappedBackbone',
]
