"""Optical flow computed from images, in the 8 bits in which data sets keep it.

128 is no motion and 128 + 127 d / bound a motion of d pixels, cut off at the bound. The flow of
EPIC-KITCHENS was made with TV-L1 and a bound of 8; another algorithm gives another input, so what
was used is kept beside what was made of it.

Shapes: H, W = height and width.
"""

from typing import Any, NamedTuple

import cv2
import numpy as np

ALGORITHMS = ('dis', 'farneback', 'tvl1')


class FlowSettings(NamedTuple):
    """What makes flow what it is.

    Attributes:
        algorithm: ``dis`` (Kroeger et al., 2016), ``farneback`` (2003) or ``tvl1`` (Zach et al.,
            2007; about a hundred times as slow), as OpenCV has them.
        bound: Pixels of motion that become the largest value.
        stride: Images from the one to the other.
    """

    algorithm: str = 'dis'
    bound: float = 8.0
    stride: int = 1

    def checked(self) -> 'FlowSettings':
        """The same.

        Raises:
            ValueError: If a setting is out of range.
        """
        if self.algorithm not in ALGORITHMS or not self.bound > 0 or self.stride < 1:
            raise ValueError(
                f'Flow wants an algorithm of {", ".join(ALGORITHMS)}, bound > 0 and stride >= 1; '
                f'got {tuple(self)}.'
            )
        return self

    def describe(self) -> dict[str, Any]:
        """For a manifest, with the version of OpenCV."""
        return {**self._asdict(), 'opencv': cv2.__version__}


class FlowEngine:
    """Computes flow between two images.

    Args:
        settings: Their ``stride`` is the caller's to keep.
    """

    def __init__(self, settings: FlowSettings) -> None:
        self.settings = settings.checked()
        if settings.algorithm == 'dis':
            engine = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
            self._calc = engine.calc
        elif settings.algorithm == 'tvl1':
            self._calc = cv2.optflow.DualTVL1OpticalFlow.create().calc
        else:
            self._calc = _farneback

    def __call__(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Motion from one RGB image ``(H, W, 3)`` to another: ``(H, W, 2)`` uint8, x and y.

        Raises:
            ValueError: If the images are too small for the algorithm.
        """
        grey = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (first, second))
        try:
            return flow_to_bytes(self._calc(*grey, None), self.settings.bound)
        except cv2.error as error:
            height, width = first.shape[:2]
            raise ValueError(
                f'{self.settings.algorithm} finds no flow in images of {width} x {height} pixels '
                f'({error.err}). Give larger ones.'
            ) from error


def flow_to_bytes(flow: np.ndarray, bound: float) -> np.ndarray:
    """Displacement of any shape in pixels -> 8 bit, 128 = zero, +-bound = 255 and 1."""
    return np.rint(np.clip(128 + flow * (127 / bound), 1, 255)).astype(np.uint8)


def _farneback(first: np.ndarray, second: np.ndarray, flow: None) -> np.ndarray:
    return cv2.calcOpticalFlowFarneback(first, second, flow, 0.5, 3, 15, 3, 5, 1.2, 0)
