"""Cutting a stretch out of a long clip together with its segments.

Source: the training crops of ActionFormer (arXiv:2202.07925), which the code of Action Sensitivity
Learning (github.com/JonnyS1226/ego4d_asl) keeps.

Shapes: N = segments.
"""

import numpy as np
from numpy.typing import NDArray

TRIES = 200


def segments_within(
    segments: NDArray[np.float64], first: float, last: float, min_share: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Parts of segments within a stretch, and which segments keep enough of themselves.

    Args:
        segments: (start, end) ``(N, 2)``.
        first: Where the stretch begins, in the same unit.
        last: Where it ends.
        min_share: Share of its length that a segment has to keep.

    Returns:
        Clamped segments ``(N, 2)`` counted from ``first``, and ``(N,)`` True for those that keep
        ``min_share`` and have a length.
    """
    parts = segments.clip(first, last)
    kept = parts[:, 1] - parts[:, 0]
    return parts - first, (kept > 0) & (kept >= min_share * (segments[:, 1] - segments[:, 0]))


def random_stretch(
    length: int,
    segments: NDArray[np.float64],
    shares: tuple[float, float],
    min_share: float,
    rng: np.random.Generator,
) -> tuple[int, int]:
    """A random stretch of a clip that holds at least one of its segments.

    Args:
        length: Positions of the clip.
        segments: In positions ``(N, 2)``; without any, every stretch will do.
        shares: Shortest and longest stretch as shares of the clip.
        min_share: Share of its length that a segment has to keep to count as held.
        rng: Where the randomness comes from.

    Returns:
        First position and the one after the last. The whole clip, if 200 stretches hold nothing.

    Raises:
        ValueError: If the shares are not ``0 < shortest <= longest <= 1``.
    """
    shortest, longest = shares
    if not 0 < shortest <= longest <= 1:
        raise ValueError(
            f'A crop wants 0 < shortest <= longest <= 1 as shares of the clip; got {shares}.'
        )
    for _ in range(TRIES):
        low, high = (max(1, round(share * length)) for share in shares)
        size = int(rng.integers(low, high + 1))
        first = int(rng.integers(0, length - size + 1))
        if not len(segments) or segments_within(segments, first, first + size, min_share)[1].any():
            return first, first + size
    return 0, length
