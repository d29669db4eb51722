"""From files to samples: annotations, sources of media, the order of an epoch, transforms.

Importing this package is cheap, since readers of annotations do without torch. The data sets and
samplers are registered by `egomm.datasets.registered`, the transforms by
`egomm.datasets.transforms`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from egomm.datasets.cached import CachedTokens
    from egomm.datasets.clip_table import ClipTable
    from egomm.datasets.clips import ClipDataset
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
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from egomm.datasets import registered

        return getattr(registered, name)
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
