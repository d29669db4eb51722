"""Networks. Importing this package registers all of them."""

from egomm.models.backbones.wrapped import WrappedBackbone
from egomm.models.heads.classification import ClassificationHead
from egomm.models.losses.cross_entropy import SoftmaxCrossEntropy
from egomm.models.multi_io import MultiIOModel
from egomm.models.necks.concat import ConcatFusion
from egomm.models.necks.gated import GatedFusion
from egomm.models.necks.mid_level import MidLevelFusion
from egomm.models.necks.query import QueryFusion
from egomm.models.necks.sum import SumFusion
from egomm.models.preprocessor import EgoDataPreprocessor

__all__ = [
    'ClassificationHead',
    'ConcatFusion',
    'EgoDataPreprocessor',
    'GatedFusion',
    'MidLevelFusion',
    'MultiIOModel',
    'QueryFusion',
    'SoftmaxCrossEntropy',
    'SumFusion',
    'WrappedBackbone',
]
