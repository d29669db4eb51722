"""Waveforms to spectrograms: ``audio`` (N, F, T) float32 from ``waveform`` (N, S).

A clip without sound gets zeros, which its mask excludes.

Shapes: N = windows, S = samples of a window, F = frequencies (lowest first), T = columns in time.
"""

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform

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
            results['audio'] = self.spectrogram(torch.from_numpy(waveform)).numpy()
        else:
            shape = (len(waveform), self.bands, 1 + waveform.shape[1] // HOP)
            results['audio'] = np.zeros(shape, np.float32)
        return results

    def spectrogram(self, waveform: torch.Tensor) -> torch.Tensor:
        """``(N, S)`` -> ``(N, F, T)``."""
        return log_power(waveform)


@TRANSFORMS.register_module()
class LogMel(LogPower):
    """The spectrogram of auditory SlowFast: 128 mel bands, a column every 5 ms."""

    bands = 128

    def spectrogram(self, waveform: torch.Tensor) -> torch.Tensor:
        """``(N, S)`` -> ``(N, F, T)``."""
        return log_mel(waveform).transpose(-1, -2).contiguous()


@TRANSFORMS.register_module()
class ResizeSpectrogram(BaseTransform):
    """Resize the spectrograms, averaging where they shrink.

    Args:
        size: Frequencies and columns wanted; one number stands for both.
    """

    def __init__(self, size: int | tuple[int, int]) -> None:
        self.size = (size, size) if isinstance(size, int) else tuple(size)

    def transform(self, results: dict) -> dict:
        """Resize ``audio``."""
        if 'audio' not in results:
            raise ValueError(
                'ResizeSpectrogram resizes `audio`, which is not there yet. Put '
                '`LogPower` or `LogMel` before it in the pipeline.'
            )
        audio = results['audio']
        height, width = self.size
        shrinks = height <= audio.shape[1] and width <= audio.shape[2]
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        if audio.shape[1:] != self.size:
            results['audio'] = np.stack(
                [cv2.resize(window, (width, height), interpolation=method) for window in audio]
            )
        return results


def _waveform(results: dict, transform: str) -> np.ndarray:
    if 'waveform' not in results:
        raise ValueError(
            f'{transform} makes a spectrogram out of `waveform`, which is not there '
            'yet. Put `LoadAudio` before it in the pipeline.'
        )
    return results['waveform']
