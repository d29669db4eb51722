"""Sound of a video: kitchen noise, rhythms of verbs, ringing of objects.

A verb sounds as a noise band with a rhythm, an object as a struck tone cluster. Every stretch
is scaled to the same energy before a random loudness, so loudness tells nothing.
"""

import numpy as np

from egomm.testing.plan import Segment, Video
from egomm.testing.spec import KitchenSpec

RATE = 24_000
BAND_HERTZ = (350.0, 1000.0, 2800.0, 7500.0)  # centres of the verbs' noise bands
RHYTHMS = ('steady', 'pulses', 'knocks')
LOWEST_TONE, TONE_OCTAVES = 500.0, 3.6


def verb_sound(verb: int, samples: int, shift: float, rng: np.random.Generator) -> np.ndarray:
    """Noise band and rhythm of a verb; 4 bands x 3 rhythms make 12 verbs.

    Args:
        verb: Class.
        samples: Length.
        shift: Pitch shift in octaves, the participant's timbre.
        rng: Noise and phases.

    Returns:
        Waveform ``(samples,)``, not scaled.
    """
    band, rhythm = verb % 4, RHYTHMS[verb // 4]
    noise = _band_noise(samples, BAND_HERTZ[band] * 2.0**shift, 0.35, rng)
    t = np.arange(samples) / RATE
    if rhythm == 'steady':
        return noise
    rate = (9.0 if rhythm == 'pulses' else 3.2) * rng.uniform(0.9, 1.1)
    phase = (t * rate + rng.uniform()) % 1.0
    if rhythm == 'pulses':
        return noise * (phase < 0.5)
    return noise * np.exp(-phase / rate / 0.05)


def noun_sound(
    noun: int, nouns: int, samples: int, shift: float, rng: np.random.Generator
) -> np.ndarray:
    """Tones of a struck object: its pitch and ratio of partials tell the noun.

    Returns:
        Waveform ``(samples,)``, not scaled.
    """
    pitch = LOWEST_TONE * 2.0 ** (TONE_OCTAVES * noun / max(1, nouns - 1) + shift)
    ratio = (1.5, 1.83, 2.0)[noun % 3]
    t = np.arange(samples) / RATE
    wave = np.zeros(samples)
    start = rng.uniform(0, 0.1)
    while start < t[-1]:
        at = int(start * RATE)
        ring = t[: samples - at]
        strike = sum(
            level * np.sin(2 * np.pi * min(pitch * partial, 11_500.0) * ring)
            for partial, level in ((1.0, 1.0), (ratio, 0.5))
        )
        wave[at:] += rng.uniform(0.7, 1.0) * strike * np.exp(-ring / 0.12)
        start += rng.uniform(0.14, 0.26)
    return wave


def synthesize(spec: KitchenSpec, video: Video) -> np.ndarray:
    """Mono sound of a whole video.

    Returns:
        int16 ``(N,)`` at 24 kHz, exactly as long as the images last.
    """
    rng = np.random.default_rng([video.seed, 7])
    own = np.random.default_rng([spec.seed, 5, video.participant])
    shift = spec.timbre * own.uniform(-0.12, 0.12)
    hum, tilt = own.uniform(80, 220), own.uniform(0.4, 1.2)
    total = round(video.frames / video.fps * RATE)
    t = np.arange(total) / RATE
    room = _kitchen_noise(total, tilt, rng) + 0.5 * np.sin(2 * np.pi * hum * t)
    wave = spec.kitchen_noise * room / room.std()
    for segment in video.segments:
        first, last = int(segment.start * RATE), min(int(segment.stop * RATE), total)
        wave[first:last] += _segment_sound(spec, segment, last - first, shift)
    return np.rint(np.clip(wave * 3600, -32_700, 32_700)).astype(np.int16)


def _segment_sound(spec: KitchenSpec, segment: Segment, samples: int, shift: float) -> np.ndarray:
    rng = np.random.default_rng([segment.seed, 8])
    loudness = np.exp(rng.normal(0, 0.25))
    contrast = spec.contrast('audio')
    # What is heard when a class is not: handling noise, the same for all.
    parts = []
    for task in ('verb', 'noun'):
        neutral = _unit(_band_noise(samples, 1600.0, 1.6, rng) * (0.5 + _slow(samples, rng)))
        if f'{task}/audio' not in segment.shown:
            parts.append(neutral)
        elif task == 'verb':
            own = _unit(verb_sound(segment.verb, samples, shift, rng))
            parts.append(contrast * own + (1 - contrast) * neutral)
        else:
            own = _unit(noun_sound(segment.noun, spec.nouns, samples, shift, rng))
            parts.append(contrast * own + (1 - contrast) * neutral)
    wave = _unit(parts[0] + 0.9 * parts[1])
    if segment.unreliable == 'audio':
        wave = _unit(wave + 2.0 * rng.normal(size=samples))
    ramp = np.minimum(1.0, np.arange(samples) / 480)
    return loudness * wave * ramp * ramp[::-1]


def _unit(wave: np.ndarray) -> np.ndarray:
    """Scaled to a mean square of 1."""
    return wave / max(float(np.sqrt(np.mean(wave**2))), 1e-9)


def _slow(samples: int, rng: np.random.Generator) -> np.ndarray:
    knots = max(4, samples // 3000)
    return np.interp(np.linspace(0, 1, samples), np.linspace(0, 1, knots), rng.uniform(size=knots))


def _band_noise(
    samples: int, centre: float, octaves: float, rng: np.random.Generator
) -> np.ndarray:
    """Gaussian noise with a bell of the given width in octaves around a frequency."""
    length = 1 << (samples - 1).bit_length()
    spectrum = np.fft.rfft(rng.normal(size=length))
    hertz = np.fft.rfftfreq(length, 1 / RATE)
    gain = np.exp(-0.5 * (np.log2(np.maximum(hertz, 1.0) / centre) / octaves) ** 2)
    return np.fft.irfft(spectrum * gain, length)[:samples]


def _kitchen_noise(samples: int, tilt: float, rng: np.random.Generator) -> np.ndarray:
    """Noise that falls with frequency, made in blocks of a second."""
    blocks = []
    for _ in range(samples // RATE + 1):
        spectrum = np.fft.rfft(rng.normal(size=RATE))
        hertz = np.fft.rfftfreq(RATE, 1 / RATE)
        blocks.append(np.fft.irfft(spectrum / np.maximum(hertz, 40.0) ** tilt, RATE))
    wave = np.concatenate(blocks)[:samples]
    return wave / wave.std()
