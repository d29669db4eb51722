"""Average pooling that knows what is real."""

from collections.abc import Iterable

import torch
from torch import Tensor

from egomm.structures import Stream


def mean_pool(stream: Stream) -> Tensor:
    """Mean over time and space of what is real.

    Args:
        stream: ``(B, C)`` or ``(B, C, T, ...)``, with a mask ``(B,)`` or ``(B, T)`` or none.

    Returns:
        ``(B, C)``; zeros for a sample with nothing real.
    """
    x, mask = stream.x, stream.mask
    if mask is not None and mask.dim() == 2:
        x = x.flatten(3).mean(dim=3) if x.dim() > 3 else x
        x = x.masked_fill(~mask[:, None], 0.0)
        return x.sum(dim=2) / mask.sum(dim=1, keepdim=True).clamp(min=1)
    x = x.flatten(2).mean(dim=2) if x.dim() > 2 else x
    return x if mask is None else x.masked_fill(~mask[:, None], 0.0)


def presence(streams: Iterable[Stream]) -> Tensor:
    """Which samples have anything real in which of M streams: ``(B, M)`` bool."""
    columns = []
    for stream in streams:
        if stream.mask is None:
            columns.append(stream.x.new_ones(len(stream.x), dtype=torch.bool))
        else:
            columns.append(stream.mask if stream.mask.dim() == 1 else stream.mask.any(dim=1))
    return torch.stack(columns, dim=1)
