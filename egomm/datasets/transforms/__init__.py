"""Steps of a pipeline: a results dict in, the same dict out; importing this registers them.

Order: `SampleSegments`, `SampleWindow` or `SampleBlocks`, the loaders, what changes images
and sound, `DropModalities`, then `PackSample`. All randomness comes from ``results['rng']``.
"""

from egomm.datasets.transforms.absence import DropModalities
from egomm.datasets.transforms.colour import RandomHLS
from egomm.datasets.transforms.gaze import LoadGaze
from egomm.datasets.transforms.hands import LoadHands
from egomm.datasets.transforms.load import LoadAudio, LoadFlow, LoadRGB
from egomm.datasets.transforms.pack import PackSample
from egomm.datasets.transforms.points import PointTargets
from egomm.datasets.transforms.spatial import (
    CentreCrop,
    RandomCrop,
    RandomFlip,
    RandomResizedCrop,
    RandomScale,
    ResizeShort,
    ResizeSquare,
    ThreeCrops,
)
from egomm.datasets.transforms.spectral import LogMel, LogPower, ResizeSpectrogram
from egomm.datasets.transforms.temporal import SampleBlocks, SampleSegments, SampleWindow

__all__ = [
    'CentreCrop',
    'DropModalities',
    'LoadAudio',
    'LoadFlow',
    'LoadGaze',
    'LoadHands',
    'LoadRGB',
    'LogMel',
    'LogPower',
    'PackSample',
    'PointTargets',
    'RandomCrop',
    'RandomFlip',
    'RandomHLS',
    'RandomResizedCrop',
    'RandomScale',
    'ResizeShort',
    'ResizeSpectrogram',
    'ResizeSquare',
    'SampleBlocks',
    'SampleSegments',
    'SampleWindow',
    'ThreeCrops',
]
