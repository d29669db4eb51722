"""Leak tests find planted leaks, pass on the generated world, and evidence is really there."""

import math
import wave

import cv2
import numpy as np
import pytest

from egomm.testing.leaks import (
    FEATURES,
    judge,
    measure_leaks,
    read_flow,
    read_image,
    read_rows,
    ridge_predict,
    seconds_of,
)
from egomm.testing.spec import PRESETS, KitchenSpec
from egomm.testing.toy_kitchen import make_toy_kitchen

# All evidence is shown, so a leak of it would be seen too; few, short videos.
OPEN = KitchenSpec(
    train_videos=8,
    validation_videos=4,
    test_videos=1,
    videos_per_participant=1,
    clips_per_video=14,
    verb_signal=(1, 1, 1),
    noun_signal=(1, 1, 1),
    handled_between=0.0,
    clip_seconds=(0.5, 0.7),
    gap_seconds=(0.15, 0.2),
)


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp('open')
    make_toy_kitchen(root, OPEN)
    return root


def test_ridge_separates_what_is_separable():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 120)
    features = np.eye(4)[labels] @ rng.normal(size=(4, 30)) + 0.1 * rng.normal(size=(120, 30))
    assert (ridge_predict(features[:80], labels[:80], features[80:]) == labels[80:]).all()


def test_a_planted_leak_in_one_number_is_found():
    """The class sits in the middle of the range, so no straight line would find it."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 5, 400)
    seconds = 1 + 0.1 * ((labels * 2) % 5)[:, None] + 0.03 * rng.normal(size=(400, 1))
    planted = judge('duration', 'verb', seconds[:300], labels[:300], seconds[300:], labels[300:])
    assert planted.leaks
    permuted = rng.permutation(labels[:300])
    clean = judge('duration', 'verb', seconds[:300], permuted, seconds[300:], labels[300:])
    assert not clean.leaks


def test_limit_is_chance_plus_two_standard_errors():
    labels = np.array([0, 0, 1, 2] * 25)
    constant = judge('constant', 'noun', np.zeros((4, 1)), labels[:4], np.zeros((100, 1)), labels)
    assert constant.accuracy == constant.chance == 0.5
    assert constant.standard_error == pytest.approx(math.sqrt(0.25 / 100))
    assert not constant.leaks


@pytest.mark.parametrize('feature', FEATURES)
def test_the_world_does_not_leak(world, feature):
    for result in measure_leaks(world, [feature]):
        assert not result.leaks, result


def accuracy(root, task, feature):
    rows = [read_rows(root, split) for split in ('train', 'validation')]
    values = [np.stack([feature(root, row) for row in part]) for part in rows]
    labels = [np.array([int(row[f'{task}_class']) for row in part]) for part in rows]
    result = judge(feature.__name__, task, values[0], labels[0], values[1], labels[1])
    return result.accuracy / result.chance


def motion(root, row):
    """Signs and sizes of flow over the clip."""
    flow = np.stack([read_flow(root, row, at) for at in np.linspace(0.2, 0.95, 8)]) / 32.0 - 4
    flow = flow[:, 8:56, 16:80]
    flow = flow - np.median(flow, axis=(1, 2), keepdims=True)
    parts = flow.reshape(8, 3, 16, 4, 16, 2)
    return np.concatenate(
        [
            np.abs(parts).mean((0, 2, 4)).ravel(),
            parts.mean((0, 2, 4)).ravel(),
            parts.mean((2, 4)).std(0).ravel(),
        ]
    )


def appearance(root, row):
    """Colours of the middle of the first image."""
    image = cv2.cvtColor(read_image(root, row, 0.03), cv2.COLOR_BGR2HSV)[20:50, 30:66]
    return cv2.calcHist([image], [0, 1], None, [18, 4], [0, 180, 0, 256]).ravel() ** 0.5


def spectrum(root, row):
    """Log energy in narrow bands, and how it varies."""
    path = root / row['participant_id'] / 'audio' / f'{row["video_id"]}.wav'
    with wave.open(str(path)) as file:
        file.setpos(int(seconds_of(row['start_timestamp']) * 24_000))
        sound = np.frombuffer(file.readframes(int(24_000 * 0.5)), '<i2') / 32_768
    blocks = np.abs(np.fft.rfft(sound.reshape(-1, 480) * np.hanning(480))) ** 2
    power = np.log(blocks.reshape(25, -1)[:, 1:].reshape(25, 80, 3).mean(-1) + 1e-4)
    return np.concatenate([power.mean(0), power.std(0)])


@pytest.mark.parametrize(
    ('task', 'feature', 'times'),
    [
        ('verb', motion, 2.5),
        ('verb', spectrum, 2.5),
        ('noun', appearance, 2.5),
        ('noun', spectrum, 2.5),
    ],
)
def test_a_straight_line_finds_the_evidence(world, task, feature, times):
    assert accuracy(world, task, feature) > times


@pytest.mark.long
def test_the_quick_world_does_not_leak_and_keeps_its_order(tmp_path):
    made = make_toy_kitchen(tmp_path, PRESETS['quick'])
    assert made['splits']['train']['clips'] >= 500
    assert [r for r in measure_leaks(tmp_path) if r.leaks] == []
    assert accuracy(tmp_path, 'verb', motion) > accuracy(tmp_path, 'verb', appearance)
    assert accuracy(tmp_path, 'noun', appearance) > accuracy(tmp_path, 'noun', spectrum)
    assert accuracy(tmp_path, 'noun', spectrum) > accuracy(tmp_path, 'noun', motion)
