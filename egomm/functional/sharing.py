"""Dealing out work of uneven size to processes that do not talk to one another."""

import heapq
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def deal_out(sizes: Sequence[float], parts: int) -> NDArray[np.int64]:
    """Which part does which item: the largest first, each to the part that has least so far.

    No part has more than 4/3 of what the best division gives its fullest (Graham, 1969, SIAM
    Journal on Applied Mathematics 17); with many items a part they are equal but for the smallest
    ones. The same sizes give the same answer in every process. A million items take seconds.

    Args:
        sizes: Of each item ``(N,)``, not negative.
        parts: How many.

    Returns:
        The part of each item ``(N,)``, in 0..parts - 1. Of equally filled parts the lowest goes
        first, of equally large items the first listed.

    Raises:
        ValueError: If there is no part, or a size is negative or not finite.
    """
    values = np.asarray(sizes, dtype=np.float64)
    if parts < 1 or not (np.isfinite(values) & (values >= 0)).all():
        raise ValueError(
            f'deal_out wants at least one part and finite sizes >= 0; got parts={parts} and sizes '
            f'from {values.min(initial=np.inf)} to {values.max(initial=-np.inf)}.'
        )
    order = np.argsort(-values, kind='stable')
    found = np.empty(len(values), dtype=np.int64)
    heap = [(0.0, part) for part in range(parts)]
    for index, size in zip(order.tolist(), values[order].tolist()):
        filled, part = heap[0]
        found[index] = part
        heapq.heapreplace(heap, (filled + size, part))
    return found
