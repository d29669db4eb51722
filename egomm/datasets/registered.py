"""Every data set and sampler; importing this module registers them."""

from egomm.datasets.cached import CachedTokens
from egomm.datasets.clip_table import ClipTable
from egomm.datasets.clips import ClipDataset
from egomm.datasets.collate import stack_clips
from egomm.datasets.egtea import Egtea
from egomm.datasets.epic import EpicKitchens, EpicKitchens55
from egomm.datasets.epic_segments import EpicActionSegments, EpicSoundSegments
from egomm.datasets.localization import LanguageQueries, MomentQueries
from egomm.datasets.samplers import ClassBalancedSampler, EpochSampler, SampleIndex

__all__ = [
    'CachedTokens',
    'ClassBalancedSampler',
    'ClipDataset',
    'ClipTable',
    'Egtea',
    'EpicActionSegments',
    'EpicKitchens',
    'EpicKitchens55',
    'EpicSoundSegments',
    'EpochSampler',
    'LanguageQueries',
    'MomentQueries',
    'SampleIndex',
    'stack_clips',
]
