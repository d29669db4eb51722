"""Where a token stands in time and space, as a vector.

Source: the fixed sine embedding of DETR (Carion et al., 2020; temperature 10000, positions
normalised to 2 pi), extended from (h, w) to (t, h, w).
"""

import math
from functools import lru_cache

import torch
from torch import Tensor

TEMPERATURE = 10_000.0


@lru_cache
@torch.inference_mode(False)  # or the cached tensor could not take part in training
def sine_positions(size: tuple[int, ...], channels: int) -> Tensor:
    """Sines and cosines of the normalised position along each axis.

    Each axis gets ``channels // axes``, rounded down to an even number, half of them sines and
    half cosines; channels that are left over stay 0.

    Args:
        size: Cells along each axis, for example ``(t, h, w)``.
        channels: Length of the vectors.

    Returns:
        ``(channels, *size)``, float32 on the CPU. Shared: do not write to it.

    Raises:
        ValueError: If there are fewer than two channels for each axis.
    """
    share = channels // len(size) // 2 * 2
    if share < 2:
        raise ValueError(
            f'sine_positions wants at least 2 channels for each of {len(size)} axes; got '
            f'{channels}. Use more channels, or no positions.'
        )
    frequency = TEMPERATURE ** -(torch.arange(share // 2) * 2 / share)
    table = torch.zeros(channels, *size)
    for axis, cells in enumerate(size):
        # The first of n cells lies at 2 pi / n, the last at 2 pi.
        angle = torch.arange(1, cells + 1) * (2 * math.pi / cells) * frequency[:, None]
        shape = [1] * len(size)
        shape[axis] = cells
        block = table[axis * share : (axis + 1) * share]
        block[0::2] = angle.sin().view(-1, *shape)
        block[1::2] = angle.cos().view(-1, *shape)
    return table
