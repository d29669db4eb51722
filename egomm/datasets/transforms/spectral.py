"""Waveforms to spectrograms: ``audio`` (N, F, T) float32 from ``waveform`` (N, S).

A clip without sound gets zeros, which its mask excludes.

Shapes: N = windows, S = samples of a window, F = frequencies (lowest first), T = columns in time.
"""

from functools import lru_cache

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from scipy import sparse

from egomm.functional.spectrogram import HOP, log_mel, log_power
from egomm.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LogPower(BaseTransform):
    """The spectrogram of Temporal Binding Networks: 256 frequencies, a column every 5 ms."""

    bands = 256

    def transform(self, results: dict) -> dict:
        """Add ``audio``."""
        waveform = _waveform(results, type(self).__name__)
        if results['present']['audio']:
            # One by one, because what is computed of a window fits into the processor's cache.
            # A view of what was loaded, such as one played backwards, is no tensor yet.
            windows = torch.from_numpy(np.ascontiguousarray(waveform))
            results['audio'] = np.stack([self.spectrogram(window).numpy() for window in windows])
        else:
            shape = (len(waveform), self.bands, 1 + waveform.shape[1] // HOP)
            results['audio'] = np.zeros(shape, np.float32)
        return results

    def spectrogram(self, waveform: torch.Tensor) -> torch.Tensor:
        """``(S,)`` -> ``(F, T)``."""
        return log_power(waveform)


@TRANSFORMS.register_module()
class LogMel(LogPower):
    """The spectrogram of auditory SlowFast: 128 mel bands, a column every 5 ms."""

    bands = 128

    def spectrogram(self, waveform: torch.Tensor) -> torch.Tensor:
        """``(S,)`` -> ``(F, T)``."""
        return log_mel(waveform).T


@TRANSFORMS.register_module()
class ResizeSpectrogram(BaseTransform):
    """Resize the spectrograms, averaging where they shrink.

    Args:
        size: Frequencies and columns wanted; one number stands for both.
    """

    def __init__(self, size: int | tuple[int, int]) -> None:
        self.size = (size, size) if isinstance(size, int) else tuple(size)

    def transform(self, results: dict) -> dict:
        """Resize ``audio``.

        Raises:
            ValueError: If there is no ``audio`` yet.
        """
        if 'audio' not in results:
            raise ValueError(
                'ResizeSpectrogram resizes `audio`, which is not there yet. Put '
                '`LogPower` or `LogMel` before it in the pipeline.'
            )
        audio = results['audio']
        if audio.shape[1:] != self.size:
            shrinks = all(wanted <= length for wanted, length in zip(self.size, audio.shape[1:]))
            method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
            rows, columns = (
                _weights(length, wanted, method)
                for length, wanted in zip(audio.shape[1:], self.size)
            )
            resized = np.empty((len(audio), *self.size), np.float32)
            for window, target in zip(audio, resized):
                # OpenCV leaves `target` alone if it is of another type.
                power = window.astype(np.float32, copy=False)
                cv2.transpose(columns @ cv2.transpose(rows @ power), dst=target)
            results['audio'] = resized
        return results


@lru_cache
def _weights(length: int, wanted: int, method: int) -> sparse.csr_array:
    """How OpenCV resizes along an axis, ``(wanted, length)``.

    Few weights are not zero, and each moves a whole row: three times as fast as its own loop over
    floats.
    """
    identity = np.eye(length, dtype=np.float32)
    return sparse.csr_array(cv2.resize(identity, (length, wanted), interpolation=method))


def _waveform(results: dict, transform: str) -> np.ndarray:
    if 'waveform' not in results:
        raise ValueError(
            f'{transform} makes a spectrogram out of `waveform`, which is not there '
            'yet. Put `LoadAudio` before it in the pipeline.'
        )
    return results['waveform']
