"""Feature sequences in time: seconds <-> positions, another length, codes of the positions.

Source: the data reading of ActionFormer (arXiv:2202.07925) and of github.com/JonnyS1226/ego4d_asl;
the sinusoids of "Attention Is All You Need" (Vaswani et al., 2017).

Position ``i`` of a sequence looks at the frames ``[i * stride, i * stride + window)`` and stands
for the middle of them::

    frames    0       stride            2 stride
              |---------|-----------------|---------> time
    window    [====0====]
                        [====1====]
    positions      0         1

Shapes: T = positions, C = channels.
"""

from typing import NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

Times = TypeVar('Times', float, NDArray[np.floating], Tensor)


class TimeGrid(NamedTuple):
    """How the positions of a feature sequence lie in time.

    Attributes:
        fps: Frames per second of what the features were computed from.
        stride: Frames between two positions.
        window: Frames that one position looks at.
        start: Seconds at which the first window begins; below 0 where features of a whole video
            were cut a little before the clip, above 0 after a crop.
    """

    fps: float
    stride: float
    window: float
    start: float = 0.0

    def positions(self, seconds: Times) -> Times:
        """Positions of times: 0 is the middle of the first window, halves lie between two."""
        return ((seconds - self.start) * self.fps - self.window / 2) / self.stride

    def seconds(self, positions: Times) -> Times:
        """Times of positions; the inverse of `positions`."""
        return (positions * self.stride + self.window / 2) / self.fps + self.start

    def resized(self, length: int, new_length: int) -> 'TimeGrid':
        """Grid after `resize_features`: windows without gaps over the same frames.

        Args:
            length: Positions before.
            new_length: Positions after.

        Raises:
            ValueError: If a length is below 1.
        """
        _check_lengths(length, new_length)
        share = ((length - 1) * self.stride + self.window) / new_length
        return self._replace(stride=share, window=share)

    def cropped(self, first: int) -> 'TimeGrid':
        """Grid of what begins at position ``first`` of this one."""
        return self._replace(start=self.start + first * self.stride / self.fps)


def resize_features(features: Tensor, length: int) -> Tensor:
    """Interpolate a sequence linearly to another length.

    The ends of the sequences coincide (not the middles of their first and last positions), as
    `TimeGrid.resized` has it. The same length gives back the same numbers.

    Args:
        features: ``(T, C)``, floating point.
        length: Positions wanted.

    Returns:
        ``(length, C)``.

    Raises:
        ValueError: If the features are not ``(T, C)`` or a length is below 1.
    """
    if features.dim() != 2:
        raise ValueError(
            f'resize_features wants features (T, C); got {tuple(features.shape)}. Pass one video '
            'at a time, time first.'
        )
    _check_lengths(len(features), length)
    rows = interpolate(features.T[None], size=length, mode='linear', align_corners=False)
    return rows[0].T


def sinusoid_code(length: int, channels: int) -> Tensor:
    """Sine (even channels) and cosine (odd ones) of each position: ``pos / 10000^(2i / C)``.

    ActionFormer divides it by ``sqrt(C)`` and, for a sequence longer than it was trained with,
    stretches the code of the training length with `resize_features`.

    Args:
        length: ``T``.
        channels: ``C``, even.

    Returns:
        ``(T, C)``, float32.

    Raises:
        ValueError: If ``channels`` is odd.
    """
    if channels % 2:
        raise ValueError(
            f'sinusoid_code wants an even number of channels, a sine and a cosine each; got '
            f'{channels}.'
        )
    pair = torch.arange(0, channels, 2, dtype=torch.float64)
    angle = torch.arange(length, dtype=torch.float64)[:, None] / 10000 ** (pair / channels)
    return torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1).float()


def _check_lengths(length: int, new_length: int) -> None:
    if length < 1 or new_length < 1:
        raise ValueError(
            f'A sequence has at least one position; got {length} to be resized to {new_length}. '
            'Check the feature file and the wanted length.'
        )
