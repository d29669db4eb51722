"""A fixed set of windows of a clip, for localizers that see no video.

Shapes: K = windows.
"""

import torch
from torch import Tensor


def window_grid(
    shortest: float = 0.004,
    longest: float = 0.4,
    num_lengths: int = 14,
    steps: int = 4,
    most: int = 160,
) -> Tensor:
    """Windows of geometrically growing lengths, each length at equally spaced starts.

    Args:
        shortest: Length of the shortest, as a share of the clip.
        longest: Of the longest.
        num_lengths: How many lengths.
        steps: Starts that a window's own length holds at least, unless ``most`` says fewer.
        most: Starts of one length.

    Returns:
        (start, end) ``(K, 2)`` within 0..1, float32.

    Raises:
        ValueError: If the lengths are not ``0 < shortest < longest <= 1``.
    """
    if not 0 < shortest < longest <= 1:
        raise ValueError(
            f'window_grid wants 0 < shortest < longest <= 1, shares of a clip; got {shortest} and '
            f'{longest}.'
        )
    ratio = (longest / shortest) ** (1 / (num_lengths - 1))
    windows = []
    for number in range(num_lengths):
        length = min(shortest * ratio**number, 1.0)
        starts = min(int((1 - length) / length * steps) + 2, most) if length < 1 else 1
        start = torch.linspace(0, 1 - length, starts)
        windows.append(torch.stack([start, start + length], dim=1))
    return torch.cat(windows).clamp(max=1)
