"""Saliency tubes: a class activation map spread over the frames of its clip.

Source: Stergiou et al., "Saliency Tubes: Visual Explanations for Spatio-Temporal Convolutions"
(2019, arXiv:1902.01078), which Kapidis et al. (2019) draw in their Figure 3.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage


def saliency_tube(activation: ArrayLike, size: tuple[int, int, int]) -> np.ndarray:
    """The activation over all frames and pixels, by cubic splines, from 0 to 1 over the clip.

    Args:
        activation: ``(t, h, w)``, as `egomm.functional.saliency.class_activation` gives it.
        size: T, H and W: frames, height and width.

    Returns:
        ``(T, H, W)``; zeros if the activation is the same everywhere.

    Raises:
        ValueError: If the activation has other axes or is not finite, or a size is not positive.
    """
    cells = np.asarray(activation, np.float64)
    if cells.ndim != 3 or not np.isfinite(cells).all() or min(size) < 1:
        raise ValueError(
            f'saliency_tube wants a finite activation (t, h, w) and a size (T, H, W) above 0; got '
            f'{cells.shape}{"" if np.isfinite(cells).all() else " with NaN or infinity"} and '
            f'{size}.'
        )
    if cells.min() == cells.max():  # the splines would leave rounding, drawn out to 0..1
        return np.zeros(size)
    factors = [wanted / given for wanted, given in zip(size, cells.shape)]
    tube = ndimage.zoom(cells, factors, order=3)
    low, high = tube.min(), tube.max()
    return (tube - low) / (high - low)
