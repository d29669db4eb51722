"""Networks. Importing this package registers all of them."""

from egomm.compat import pad_short_clips
from egomm.models.backbones.mfnet3d import MFNet3D
from egomm.models.backbones.projection import FeatureProjection
from egomm.models.backbones.small_conv import MapEncoder, SmallConvNet, TokenEncoder
from egomm.models.backbones.tokens import TokenEmbedding
from egomm.models.backbones.wrapped import WrappedBackbone
from egomm.models.ensemble import LocalizationEnsemble
from egomm.models.heads.action import ActionHead
from egomm.models.heads.classification import ClassificationHead
from egomm.models.heads.coordinate import CoordinateHead
from egomm.models.heads.localization import LocalizationHead
from egomm.models.layers.reallocation import FixedReallocation, UncertaintyReallocation
from egomm.models.losses.action_contrast import ActionContrast
from egomm.models.losses.cross_entropy import SoftmaxCrossEntropy
from egomm.models.losses.localization import LocalizationLoss
from egomm.models.losses.logit_adjusted import LogitAdjustedCrossEntropy
from egomm.models.losses.sensitivity import ActionSensitivity
from egomm.models.mixing import ClipMixing
from egomm.models.multi_io import MultiIOModel
from egomm.models.necks.concat import ConcatFusion
from egomm.models.necks.gated import GatedFusion
from egomm.models.necks.mid_level import MidLevelFusion
from egomm.models.necks.pyramid import TemporalPyramid
from egomm.models.necks.query import QueryFusion
from egomm.models.necks.sum import SumFusion
from egomm.models.parameter_groups import GroupedOptimWrapperConstructor
from egomm.models.parts.allocation import AllocationLoss
from egomm.models.parts.contrast import FrameTextContrast
from egomm.models.parts.unimodal import UnimodalHeads
from egomm.models.preprocessor import EgoDataPreprocessor
from egomm.models.sequence_preprocessor import SequencePreprocessor
from egomm.models.weighting.fixed import FixedWeights
from egomm.models.weighting.pcgrad import PCGrad
from egomm.models.weighting.uncertainty import UncertaintyWeights

pad_short_clips()

__all__ = [
    'ActionContrast',
    'ActionHead',
    'ActionSensitivity',
    'AllocationLoss',
    'ClassificationHead',
    'ClipMixing',
    'ConcatFusion',
    'CoordinateHead',
    'EgoDataPreprocessor',
    'FeatureProjection',
    'FixedReallocation',
    'FixedWeights',
    'FrameTextContrast',
    'GatedFusion',
    'GroupedOptimWrapperConstructor',
    'LocalizationEnsemble',
    'LocalizationHead',
    'LocalizationLoss',
    'LogitAdjustedCrossEntropy',
    'MapEncoder',
    'MFNet3D',
    'MidLevelFusion',
    'MultiIOModel',
    'PCGrad',
    'QueryFusion',
    'SequencePreprocessor',
    'SmallConvNet',
    'SoftmaxCrossEntropy',
    'SumFusion',
    'TemporalPyramid',
    'TokenEmbedding',
    'TokenEncoder',
    'UncertaintyReallocation',
    'UncertaintyWeights',
    'UnimodalHeads',
    'WrappedBackbone',
]
