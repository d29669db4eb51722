"""Spectrograms of windows: layout, agreement with the pure functions, silence."""

import cv2
import numpy as np
import pytest
import torch

from egomm.datasets.transforms import LogMel, LogPower, ResizeSpectrogram
from egomm.functional.spectrogram import log_mel, log_power


@pytest.fixture
def sound():
    """Three windows, of which the second is a tone of 3 kHz."""
    waveform = np.random.default_rng(0).normal(size=(3, 2_400)).astype(np.float32) * 0.01
    waveform[1] += np.sin(2 * np.pi * 3_000 * np.arange(2_400) / 24_000)
    return {'waveform': waveform, 'present': {'audio': True}}


@pytest.mark.parametrize(
    ('transform', 'reference', 'row'),
    [
        # 3 kHz of 12 kHz lies at a quarter of the linear axis and further up on the mel axis.
        (LogPower(), lambda window: log_power(window), 64),
        (LogMel(), lambda window: log_mel(window).T, 74),
    ],
)
def test_frequency_by_time_per_window(sound, transform, reference, row):
    audio = transform(sound)['audio']
    assert audio.dtype == np.float32
    assert audio.shape == (3, len(reference(torch.zeros(2_400))), 21)
    for window, expected in zip(audio, sound['waveform'], strict=True):
        np.testing.assert_allclose(window, reference(torch.from_numpy(expected)), atol=1e-4)
    assert abs(int(audio[1, :, 10].argmax()) - row) <= 1


@pytest.mark.parametrize('transform', [LogPower(), LogMel()])
def test_clip_without_sound_has_the_same_shape_and_zeros(sound, transform):
    shape = transform(dict(sound))['audio'].shape
    audio = transform({**sound, 'present': {'audio': False}})['audio']
    assert audio.shape == shape
    assert audio.dtype == np.float32
    assert not audio.any()


def test_sound_played_backwards_is_taken_as_the_view_that_it_is(sound):
    turned = sound['waveform'][::-1, ::-1]
    audio = LogPower()({**sound, 'waveform': turned})['audio']
    np.testing.assert_array_equal(audio, LogPower()({**sound, 'waveform': turned.copy()})['audio'])


@pytest.mark.parametrize('size', [(64, 7), (32, 32), (256, 12), (300, 40), (300, 7)])
def test_resize_gives_what_opencv_gives(size):
    audio = np.random.default_rng(0).normal(-5, 3, (2, 256, 21)).astype(np.float32)
    resized = ResizeSpectrogram(size)({'audio': audio})['audio']
    method = cv2.INTER_AREA if size[0] <= 256 and size[1] <= 21 else cv2.INTER_LINEAR
    expected = [cv2.resize(window, size[::-1], interpolation=method) for window in audio]
    np.testing.assert_allclose(resized, np.stack(expected), atol=2e-5)


@pytest.mark.parametrize('dtype', [np.float64, np.float16, np.int32])
def test_resize_takes_every_type_of_number(dtype):
    audio = np.random.default_rng(0).normal(-5, 3, (2, 16, 21)).astype(dtype)
    expected = ResizeSpectrogram((4, 7))({'audio': audio.astype(np.float32)})['audio']
    np.testing.assert_array_equal(ResizeSpectrogram((4, 7))({'audio': audio})['audio'], expected)


def test_resize_keeps_the_mean(sound):
    audio = LogPower()(sound)['audio']
    resized = ResizeSpectrogram((64, 7))({'audio': audio})['audio']
    assert resized.shape == (3, 64, 7)
    np.testing.assert_allclose(resized.mean((1, 2)), audio.mean((1, 2)), atol=1e-3)
    assert ResizeSpectrogram(32)({'audio': audio})['audio'].shape == (3, 32, 32)
    assert ResizeSpectrogram((256, 21))({'audio': audio})['audio'] is audio


def test_steps_out_of_order_are_explained():
    with pytest.raises(ValueError, match='LogMel makes a spectrogram.*`LoadAudio` before'):
        LogMel()({})
    with pytest.raises(ValueError, match='ResizeSpectrogram.*`LogPower` or `LogMel` before'):
        ResizeSpectrogram(8)({})
