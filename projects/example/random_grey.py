"""A transform: clips without colour.

Shapes: N = frames, H, W = height and width.
"""

import numpy as np
from mmcv.transforms import BaseTransform

from egomm.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomGrey(BaseTransform):
    """Take the colour away from all frames of a clip with probability ``prob``."""

    def __init__(self, prob: float = 0.2) -> None:
        self.prob = prob

    def transform(self, results: dict) -> dict:
        """Change ``rgb`` ``(N, H, W, 3)``; what is random comes from ``rng`` alone."""
        if results['present'].get('rgb') and results['rng'].random() < self.prob:
            grey = results['rgb'].mean(axis=-1, keepdims=True).round().astype(np.uint8)
            results['rgb'] = np.repeat(grey, 3, axis=-1)
        return results
