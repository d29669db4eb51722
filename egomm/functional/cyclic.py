"""Triangular cycles of a learning rate (Smith, 2017, arXiv:1506.01186)."""

import math


def triangular(step: int, up: float, down: float, halving: bool = False) -> float:
    """Height in a cycle that rises from 0 to 1 and falls back, in straight lines.

    Args:
        step: Steps since the start of the first cycle.
        up: Steps of the rise.
        down: Steps of the fall.
        halving: Whether each cycle is half as high as the one before.

    Returns:
        A number within 0..1.

    Raises:
        ValueError: If ``up`` or ``down`` is not above 0.
    """
    if not (up > 0 and down > 0):
        raise ValueError(f'triangular wants up > 0 and down > 0 steps; got {up} and {down}.')
    cycle = math.floor(step / (up + down))
    place = step - cycle * (up + down)
    height = place / up if place <= up else (up + down - place) / down
    return height / 2**cycle if halving else height
