"""Colours of a clip, changed by chance.

Source: the augmentation of MFNet (Chen et al., 2018, cypw/PyTorch-MFNet), which Kapidis et al.
(2019) use.
"""

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from egomm.registry import TRANSFORMS

_HIGHEST = (180, 255, 255)  # hue in steps of two degrees, lightness, saturation


@TRANSFORMS.register_module()
class RandomHLS(BaseTransform):
    """Shift hue, lightness and saturation, each by one whole number for all frames of a clip.

    Values that leave their range stop at its end, as in the original; that of hue is a circle, but
    its ends are both red.

    Args:
        hue: Largest shift either way, of 180 steps around the circle.
        lightness: The same, of 255.
        saturation: The same, of 255.

    Raises:
        ValueError: If a shift is negative.
    """

    def __init__(self, hue: int = 15, lightness: int = 35, saturation: int = 25) -> None:
        self.largest = (hue, lightness, saturation)
        if min(self.largest) < 0:
            raise ValueError(f'RandomHLS wants shifts of at least 0; got {self.largest}.')

    def transform(self, results: dict) -> dict:
        """Change ``rgb``."""
        shifts = np.rint([results['rng'].uniform(-most, most) for most in self.largest])
        if not results['present'].get('rgb', False) or not shifts.any():
            return results
        frames = results['rgb']
        # One tall image; the colours of its pixels are looked up, which no loop over frames beats.
        hls = cv2.cvtColor(
            np.ascontiguousarray(frames).reshape(-1, frames.shape[2], 3), cv2.COLOR_RGB2HLS
        )
        table = np.clip(np.arange(256)[:, None] + shifts, 0, _HIGHEST).astype(np.uint8)
        rgb = cv2.cvtColor(cv2.LUT(hls, table[:, None]), cv2.COLOR_HLS2RGB)
        results['rgb'] = rgb.reshape(frames.shape)
        return results
