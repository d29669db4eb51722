import math
from pathlib import Path

import numpy as np
import pytest
import torch

from egomm.functional.spectrogram import log_mel, log_power, mel_bank

REDUCED = Path(__file__).parents[1] / 'golden' / 'mimo' / 'spectrogram_every_8th.npz'


def load(path):
    with np.load(path) as file:
        return {key: torch.as_tensor(file[key]) for key in file.files}


def cut(data, name, dtype):
    """The samples that the reference looked at: round a moment, or the first or last ones."""
    signal = data['signal'].to(dtype)
    if name == 'logmel':
        start = int(data['logmel_start_sample'])
        return signal[start : start + int(data['logmel_n_samples'])]
    count = int(data[f'{name}_n_samples'])
    centre = round(float(data[f'{name}_center_sec']) * 24_000)
    start = {'tbn_left': 0, 'tbn_right': len(signal) - count}.get(name, centre - count // 2)
    return signal[start : start + count]


def difference(data, name, dtype, every=1):
    waveform = cut(data, name, dtype)
    if name == 'logmel':
        result = log_mel(waveform)[::every]
    else:
        result = log_power(waveform)[:, ::every]
    assert result.dtype == dtype
    assert result.shape == data[name].shape
    return (result - data[name]).abs()


@pytest.mark.parametrize('name', ['tbn_mid', 'tbn_left', 'tbn_right', 'logmel'])
class TestGolden:
    def test_float64_equals_golden(self, name):
        assert difference(load(REDUCED), name, torch.float64, every=8).max() < 1e-6

    def test_float32_equals_golden(self, name):
        error = difference(load(REDUCED), name, torch.float32, every=8)
        assert error.max() < 2e-3  # where the power is almost nothing, ln magnifies rounding
        assert error.flatten().quantile(0.999) < 3e-4

    def test_every_column_equals_golden(self, name, golden):
        data = load(golden / 'mimo' / 'spectrogram.npz')
        assert difference(data, name, torch.float64).max() < 1e-6


@pytest.mark.parametrize('samples', [1, 119, 120, 121, 1200, 30_672, 47_975])
def test_a_frame_every_120_samples_and_one_more(samples):
    waveform = torch.randn(samples)
    frames = 1 + samples // 120
    assert log_power(waveform).shape == (256, frames)
    assert log_mel(waveform).shape == (frames, 128)


def test_silence_is_the_logarithm_of_epsilon():
    silence = torch.zeros(2400, dtype=torch.float64)
    floor = torch.tensor(math.log(1e-6), dtype=torch.float64)
    torch.testing.assert_close(log_power(silence), floor.expand(256, 21))
    torch.testing.assert_close(log_mel(silence), floor.expand(21, 128))


def test_a_tone_is_where_its_frequency_says():
    seconds = torch.arange(24_000).double() / 24_000
    tone = torch.sin(2 * math.pi * 3000 * seconds)
    # 3000 Hz / (24000 Hz / 511) = bin 63.9; mel(3000) / mel(12000) * 129 - 1 = band 73.1
    assert log_power(tone)[:, 100].argmax() == 64
    assert log_mel(tone)[100].argmax() == 73
    # A Hann window of 240 samples sums to 120: half of it is the tone's magnitude at its bin.
    peak = torch.tensor([60.0]).double().square().log()
    torch.testing.assert_close(log_power(tone)[64, 100:101], peak, rtol=0, atol=0.01)


def test_leading_dimensions_are_a_batch():
    windows = torch.randn(2, 4, 3000, dtype=torch.float64)
    power, mel = log_power(windows), log_mel(windows)
    assert power.shape == (2, 4, 256, 26)
    assert mel.shape == (2, 4, 26, 128)
    torch.testing.assert_close(power[1, 2], log_power(windows[1, 2]))
    torch.testing.assert_close(mel[1, 2], log_mel(windows[1, 2]))


@pytest.mark.parametrize('transform', [log_power, log_mel])
def test_half_precision_is_computed_in_float32(transform):
    waveform = torch.randn(1000).half()
    result = transform(waveform)
    assert result.dtype == torch.float16
    torch.testing.assert_close(result, transform(waveform.float()).half(), rtol=0, atol=0)


@pytest.mark.parametrize('transform', [log_power, log_mel])
def test_gradient_reaches_the_waveform(transform):
    waveform = torch.randn(360, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(transform, (waveform,), fast_mode=True)


def test_bank_made_in_inference_mode_still_trains():
    mel_bank.cache_clear()
    with torch.inference_mode():
        log_mel(torch.randn(500))
    waveform = torch.randn(500, requires_grad=True)
    log_mel(waveform).sum().backward()
    assert waveform.grad.isfinite().all()


def test_mel_filters_are_triangles_that_share_their_corners():
    bank = mel_bank(n_fft=2048, bands=128)
    assert bank.shape == (128, 1025)
    assert bank.max() <= 1
    assert bank.argmax(dim=1).diff().min() >= 0
    hertz = torch.arange(1025) * 24_000 / 2048
    highest = 2595 * math.log10(1 + 12_000 / 700)
    corners = [700 * (10 ** (highest * i / 129 / 2595) - 1) for i in (1, 128)]
    inside = (hertz >= corners[0]) & (hertz <= corners[1])
    total = bank.sum(dim=0)[inside]
    torch.testing.assert_close(total, torch.ones_like(total))  # neighbours add up to 1


@pytest.mark.parametrize('transform', [log_power, log_mel])
@pytest.mark.parametrize(
    'waveform, words',
    [
        (torch.zeros(100, dtype=torch.int16), r'got torch\.int16 \(100,\)\. Divide'),
        (torch.zeros(2, 0), r'got torch\.float32 \(2, 0\)'),
        (torch.tensor(1.0), r'got torch\.float32 \(\)'),
    ],
)
def test_what_is_no_waveform_is_refused(transform, waveform, words):
    with pytest.raises(ValueError, match=words):
        transform(waveform)
