"""Log spectrograms of the two audio baselines of EPIC-KITCHENS, without librosa.

Sources: the log power of Temporal Binding Networks (Kazakos et al., 2019, arXiv:1908.08498) and
the log mel of auditory SlowFast (Kazakos et al., 2021, arXiv:2103.03516). Both see 24 kHz mono
through a Hann window of 10 ms (240 samples) every 5 ms (120 samples).

Neither function cuts, pads to a length or normalises. Frame k is centred on sample 120 k; beyond
the ends of the waveform lies silence.

Shapes: N = samples, T = 1 + N // 120 frames.
"""

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import pad

SAMPLE_RATE = 24_000
WINDOW = 240
HOP = 120
EPSILON = 1e-6  # added before the logarithm, so silence becomes ln(1e-6) = -13.8


def log_power(waveform: Tensor) -> Tensor:
    """TBN's spectrogram: ``ln(|S|^2 + 1e-6)`` of an FFT over 511 samples. It is not mel.

    Args:
        waveform: Samples ``(..., N)`` at 24 kHz, floating point in -1..1.

    Returns:
        ``(..., 256, T)``, frequency (0 Hz first) by time, in the dtype of ``waveform``.

    Raises:
        ValueError: If the waveform is empty or not floating point.
    """
    samples = _exact(waveform)
    frames = pad(samples, (HOP, WINDOW - HOP)).unfold(-1, WINDOW, HOP)  # (..., T, 240)
    # The window is symmetric about sample 120 and 0 at sample 0. With time counted from 120 the
    # cosines see the even part only and the sines the odd part: a quarter of the products of a
    # plain DFT. An FFT over 511 = 7 * 73 samples, half of them zeros, takes longer.
    window, cosines, sines = _half_dft(511, samples.dtype, samples.device)
    after, before = frames[..., HOP:] * window, frames[..., 1 : HOP + 1].flip(-1) * window
    real, imaginary = cosines @ (after + before).mT, sines @ (after - before).mT
    power = (real.square() + EPSILON).addcmul(imaginary, imaginary)
    return power.log().to(waveform.dtype)


def log_mel(waveform: Tensor) -> Tensor:
    """Auditory SlowFast's spectrogram: ``ln(mel + 1e-6)`` of the magnitude, 128 HTK mel bands.

    Args:
        waveform: Samples ``(..., N)`` at 24 kHz, floating point in -1..1.

    Returns:
        ``(..., T, 128)``, time by mel band (lowest first), in the dtype of ``waveform``.

    Raises:
        ValueError: If the waveform is empty or not floating point.
    """
    magnitude = _stft(waveform, n_fft=2048).abs()  # (..., 1025, T)
    bank = mel_bank(n_fft=2048, bands=128).to(magnitude)
    mel = torch.einsum('mf,...ft->...tm', bank, magnitude)
    return (mel + EPSILON).log().to(waveform.dtype)


@lru_cache
@torch.inference_mode(False)  # or the cached tensor could not take part in training
def mel_bank(n_fft: int, bands: int) -> Tensor:
    """Triangular filters, equally spaced in HTK mel from 0 Hz to 12 kHz, each with peak 1.

    Args:
        n_fft: Length of the FFT; its bins lie ``24000 / n_fft`` Hz apart.
        bands: Number of filters.

    Returns:
        Weights ``(bands, n_fft // 2 + 1)``, float64 on the CPU. Shared: do not write to it.
    """
    nyquist = torch.tensor(SAMPLE_RATE / 2, dtype=torch.float64)
    highest = 2595 * torch.log10(1 + nyquist / 700)
    mels = torch.arange(bands + 2, dtype=torch.float64) * (highest / (bands + 1))
    corners = 700 * (10 ** (mels / 2595) - 1)  # Hz; filter b spans corners b, b + 1, b + 2
    bins = torch.arange(n_fft // 2 + 1, dtype=torch.float64) * (SAMPLE_RATE / n_fft)
    width = corners.diff()[:, None]
    rising = (bins - corners[:-2, None]) / width[:-1]
    falling = (corners[2:, None] - bins) / width[1:]
    return torch.minimum(rising, falling).clamp(min=0)


@lru_cache
@torch.inference_mode(False)
def _half_dft(
    n_fft: int, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    """Of samples 0..119 after the middle: Hann window ``(120,)``, cosines and sines ``(F, 120)``.

    Sample 0 is its own mirror image, and comes from both sides: there the window is half.
    """
    window = torch.hann_window(WINDOW, dtype=torch.float64)[HOP:].clone()
    window[0] /= 2
    time = torch.arange(HOP, dtype=torch.float64)
    angle = 2 * torch.pi / n_fft * torch.arange(n_fft // 2 + 1, dtype=torch.float64)[:, None] * time
    cosines, sines = angle.cos(), angle.sin()
    return window.to(device, dtype), cosines.to(device, dtype), sines.to(device, dtype)


def _exact(waveform: Tensor) -> Tensor:
    """At least float32.

    Raises:
        ValueError: If the waveform is empty or not floating point.
    """
    if not waveform.is_floating_point() or waveform.dim() == 0 or waveform.shape[-1] == 0:
        raise ValueError(
            'A spectrogram wants a floating point waveform (..., N) with N > 0; got '
            f'{waveform.dtype} {tuple(waveform.shape)}. Divide 16-bit samples by 32768, and mask '
            'a clip without sound instead of passing it on.'
        )
    return waveform.to(torch.promote_types(waveform.dtype, torch.float32))


def _stft(waveform: Tensor, n_fft: int) -> Tensor:
    """Complex spectrum ``(..., n_fft // 2 + 1, T)``; half precision is computed in float32."""
    samples = _exact(waveform)
    window = torch.hann_window(WINDOW, dtype=samples.dtype, device=samples.device)
    before = n_fft // 2
    # n_fft - before at the end gives an odd n_fft its last frame where 120 divides N.
    flat = pad(samples.reshape(-1, samples.shape[-1]), (before, n_fft - before))
    spectrum = torch.stft(
        flat, n_fft, HOP, WINDOW, window=window, center=False, return_complex=True
    )
    return spectrum.reshape(*samples.shape[:-1], *spectrum.shape[1:])
