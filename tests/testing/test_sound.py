"""Sound: pitch of nouns, rhythm of verbs, loudness without meaning."""

import numpy as np
import pytest

from egomm.testing.plan import plan_world
from egomm.testing.sound import RATE, noun_sound, synthesize, verb_sound
from egomm.testing.spec import KitchenSpec


def strongest_hertz(wave):
    return np.abs(np.fft.rfft(wave)).argmax() * RATE / len(wave)


@pytest.mark.parametrize('noun', [0, 7, 15])
def test_pitch_tells_the_noun(noun):
    wave = noun_sound(noun, 16, RATE, 0.0, np.random.default_rng(noun))
    assert strongest_hertz(wave) == pytest.approx(500 * 2 ** (3.6 * noun / 15), rel=0.02)


def test_band_and_rhythm_tell_the_verb():
    rng = np.random.default_rng(0)
    steady, pulses, knocks = (verb_sound(v, RATE, 0.0, rng) for v in (1, 5, 9))
    for wave in (steady, pulses, knocks):
        assert 600 < strongest_hertz(wave) < 1700  # all of band 1

    def silence(wave):
        level = np.abs(wave).reshape(-1, 240).max(axis=1)
        return (level < 0.1 * level.max()).mean()

    assert silence(steady) < 0.05
    assert silence(pulses) > 0.25
    assert silence(knocks) > 0.35


def test_sound_is_as_long_as_the_images_and_not_clipped():
    spec = KitchenSpec()
    video = plan_world(spec)[0]
    sound = synthesize(spec, video)
    assert sound.dtype == np.int16
    assert len(sound) == round(video.frames / video.fps * RATE)
    assert (np.abs(sound.astype(int)) > 32_600).mean() < 1e-4


def test_lag_buries_the_pitch_of_the_noun():
    def clarity(lag):
        spec = KitchenSpec(lag=(0, 0, lag), noun_signal=(1, 1, 1), verb_signal=(0, 0, 0))
        video = plan_world(spec)[0]
        sound = synthesize(spec, video).astype(float)
        values = []
        for action in video.actions:
            part = sound[int(action.start * RATE) : int(action.stop * RATE)]
            power = np.abs(np.fft.rfft(part)) ** 2
            values.append(power.max() / power.sum())
        return np.mean(values)

    assert clarity(1.0) < 0.6 * clarity(0.0)


def test_unreliable_sound_is_noise():
    spec = KitchenSpec(unreliable=1.0, verb_signal=(0, 0, 1), noun_signal=(0, 0, 1))
    video = plan_world(spec)[0]
    assert all(a.unreliable == 'audio' and not a.shown for a in video.actions)
    sound = synthesize(spec, video).astype(float)
    action = video.actions[0]
    power = np.abs(np.fft.rfft(sound[int(action.start * RATE) : int(action.stop * RATE)])) ** 2
    assert power[len(power) // 2 :].sum() > 0.2 * power.sum()  # white: reaches above 6 kHz
