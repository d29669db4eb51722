"""A data set of random tensors and a one-layer backbone, for runs that take a moment.

Imported by the tests' processes through ``custom_imports``, as a plugin would be.
"""

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset

from egomm.registry import DATASETS, MODELS
from egomm.structures import EgoSample, Stream

SHAPES = {'rgb': (3, 2, 8, 8), 'flow': (2, 2, 8, 8), 'audio': (1, 1, 8, 8)}


@DATASETS.register_module()
class RandomClips(Dataset):
    """Items in the layout of the pipeline's end: some modalities and labels are missing.

    Args:
        size: Number of clips.
        complete: Whether every clip has both labels, as an evaluation wants.
    """

    metainfo = dict(dataset='random', classes=('open', 'close'), weights=np.arange(3.0))

    def __init__(self, size: int, complete: bool = False) -> None:
        self.size = size
        self.complete = complete

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, where) -> dict:
        drawn = isinstance(where, tuple)  # by an `EpochSampler`
        index, padding = (where.index, where.padding) if drawn else (where, False)
        rng = np.random.default_rng((7, index))
        gt = {'verb': int(rng.integers(3)), 'noun': int(rng.integers(4))}
        inputs = {
            name: torch.from_numpy(rng.integers(0, 255, shape, dtype=np.uint8)) + 20 * gt['verb']
            for name, shape in SHAPES.items()
        }
        present = {'rgb': index % 3 != 1, 'flow': index % 4 != 2, 'audio': index % 5 == 0}
        present['rgb'] = present['rgb'] or not any(present.values())
        if not self.complete and index % 3 == 0:
            del gt['verb']
        if not self.complete and index % 2 == 0:
            del gt['noun']
        sample = EgoSample(
            metainfo=dict(narration_id=f'P01_01_{index}', participant_id=f'P{index % 3:02d}'),
            gt={} if padding else gt,
        )
        return dict(inputs=inputs, present=present, data_samples=sample)


@MODELS.register_module()
class OneConv(nn.Module):
    """A 3-D convolution over 4 x 4 patches."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(in_channels, out_channels, (1, 4, 4), (1, 4, 4))

    def forward(self, stream: Stream) -> Stream:
        return Stream(self.conv(stream.x).tanh(), stream.mask)
