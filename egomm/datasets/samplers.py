"""The order of an epoch, as a pure function of (seed, epoch).

The epoch travels to the dataset inside the index, so that what is random about a sample follows
from (seed, epoch, index) and not from the state of a worker.
"""

from collections.abc import Iterator, Sized
from typing import NamedTuple

import numpy as np
from mmengine.dist import get_dist_info
from torch.utils.data import Sampler

from egomm.registry import DATA_SAMPLERS


class SampleIndex(NamedTuple):
    """What the sampler tells the dataset.

    ``padding`` marks a repetition that only fills up the last round of the processes: the sample
    then comes without labels, so it weighs nothing.
    """

    epoch: int
    index: int
    padding: bool = False


@DATA_SAMPLERS.register_module()
class EpochSampler(Sampler):
    """Deals one global order out to the processes: process r of W takes [r::W].

    The order depends neither on the number of processes nor on what was drawn before. It is
    padded with its own beginning to a multiple of W.

    Args:
        dataset: Anything with a length.
        shuffle: A new permutation each epoch; otherwise the order of the dataset.
        seed: Seed of the permutations. The Runner passes its own unless the config sets one.

    Raises:
        ValueError: If ``seed`` is None: every process would then shuffle differently.
    """

    def __init__(self, dataset: Sized, shuffle: bool = True, seed: int | None = 0) -> None:
        if seed is None:
            raise ValueError(
                'EpochSampler wants a number as `seed`, equal on all processes; got None. '
                'Set sampler=dict(seed=0) in the config, or leave out --diff-rank-seed.'
            )
        self.dataset = dataset
        self.shuffle = shuffle
        self.seed = seed
        self.epoch = 0
        self.rank, self.world_size = get_dist_info()

    def __iter__(self) -> Iterator[SampleIndex]:
        size = len(self.dataset)
        order = np.arange(size)
        if self.shuffle:
            order = np.random.default_rng((self.seed, self.epoch)).permutation(size)
        for position in range(self.rank, len(self) * self.world_size, self.world_size):
            # The index is a Python int: NumPy's would go through every pickle of the loader.
            yield SampleIndex(self.epoch, int(order[position % size]), position >= size)

    def __len__(self) -> int:
        return -(-len(self.dataset) // self.world_size)

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the next iteration; MMEngine's training loop calls it."""
        self.epoch = epoch
