"""The order of an epoch, as a pure function of (seed, epoch).

The epoch travels to the dataset inside the index, so that what is random about a sample follows
from (seed, epoch, index) and not from the state of a worker.
"""

from collections import Counter
from collections.abc import Iterator, Sized
from typing import NamedTuple

import numpy as np
from mmengine.dist import get_dist_info
from torch.utils.data import Sampler

from egomm.registry import DATA_SAMPLERS


class SampleIndex(NamedTuple):
    """What the sampler tells the dataset.

    ``padding`` marks a repetition that only fills up the last round of the processes: the sample
    then comes without labels, so it weighs nothing. ``repeat`` counts how often the clip came
    before in this epoch, so that what is random about it differs each time.
    """

    epoch: int
    index: int
    padding: bool = False
    repeat: int = 0


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
        self.epoch = self.start = 0
        self.rank, self.world_size = get_dist_info()

    def __iter__(self) -> Iterator[SampleIndex]:
        order = self.order()
        size, repeats = len(order), _repeats(order)
        first = self.start * self.world_size + self.rank
        for position in range(first, len(self) * self.world_size, self.world_size):
            place = position % size
            # Python ints: NumPy's would go through every pickle of the loader.
            yield SampleIndex(self.epoch, int(order[place]), position >= size, int(repeats[place]))

    def order(self) -> np.ndarray:
        """The global order of the epoch ``(clips,)``, before it is padded and dealt out."""
        size = len(self.dataset)
        if self.shuffle:
            return np.random.default_rng((self.seed, self.epoch)).permutation(size)
        return np.arange(size)

    def __len__(self) -> int:
        return -(-len(self.dataset) // self.world_size)

    def set_epoch(self, epoch: int, start: int = 0) -> None:
        """Choose the epoch of the next iteration and where it starts, for a run that goes on.

        Args:
            epoch: Number of the epoch.
            start: How many clips of this process to pass over.
        """
        self.epoch, self.start = epoch, start


@DATA_SAMPLERS.register_module()
class ClassBalancedSampler(EpochSampler):
    """Draws clips of rare classes more often, with replacement; for the rest like `EpochSampler`.

    A clip of a class with n clips is drawn in proportion to ``n ** -alpha``, so the class appears
    in proportion to ``n ** (1 - alpha)``: alpha 1 shows all classes equally often, 0.5 by the root
    of their size, 0 as they are. An epoch has as many draws as the dataset has clips. Clips
    without a label of the task are not drawn.

    Args:
        dataset: An MMEngine dataset whose ``get_data_info`` has ``gt`` by task.
        task: The task whose classes are balanced.
        alpha: How much, 0..1.
        seed: As for `EpochSampler`.

    Raises:
        ValueError: If ``alpha`` is outside 0..1, no clip has a label, or ``seed`` is None.
    """

    def __init__(self, dataset: Sized, task: str, alpha: float = 1.0, seed: int | None = 0) -> None:
        super().__init__(dataset, seed=seed)
        if not 0 <= alpha <= 1:
            raise ValueError(f'ClassBalancedSampler wants alpha within 0..1; got {alpha!r}.')
        labels = [dataset.get_data_info(index)['gt'].get(task) for index in range(len(dataset))]
        counts = Counter(label for label in labels if label is not None)
        if not counts:
            raise ValueError(
                f'ClassBalancedSampler(task={task!r}): none of the {len(labels)} clips has a label '
                'of this task. Give an annotation file with labels, or another task.'
            )
        weights = np.array([counts[label] ** -alpha if label in counts else 0 for label in labels])
        self.shares = weights / weights.sum()

    def order(self) -> np.ndarray:
        """The draws of the epoch ``(clips,)``."""
        rng = np.random.default_rng((self.seed, self.epoch))
        return rng.choice(len(self.shares), len(self.shares), p=self.shares)


def _repeats(order: np.ndarray) -> np.ndarray:
    """How often each entry occurred before."""
    by_value = np.argsort(order, kind='stable')
    _, first, counts = np.unique(order[by_value], return_index=True, return_counts=True)
    repeats = np.empty_like(order)
    repeats[by_value] = np.arange(len(order)) - np.repeat(first, counts)
    return repeats
