"""Steps of a pipeline: a results dict in, the same dict out; importing this registers them.

Order: `SampleSegments`, the loaders, then what changes images and sound, `DropModalities`, and then
`PackSample`.
All randomness comes from ``results['rng']``.
"""

from egomm.datasets.transforms.absence import DropModalities
from egomm.datasets.transforms.load import LoadAudio, LoadFlow, LoadRGB
from egomm.datasets.transforms.pack import PackSample
from egomm.datasets.transforms.spatial import (
    CentreCrop,
    RandomFlip,
    RandomResizedCrop,
    ResizeShort,
)
from egomm.datasets.transforms.spectral import LogMel, LogPower, ResizeSpectrogram
from egomm.datasets.transforms.temporal import SampleSegments

__all__ = [
    'CentreCrop',
    'DropModalities',
    'LoadAudio',
    'LoadFlow',
    'LoadRGB',
    'LogMel',
    'LogPower',
    'PackSample',
    'RandomFlip',
    'RandomResizedCrop',
    'ResizeShort',
    'ResizeSpectrogram',
    'SampleSegments',
]
