"""Results dicts as the dataset starts them."""

import numpy as np
import pytest


@pytest.fixture
def results():
    """Start the results of a clip of P01_01 (60 images a second), with changes."""

    def start(**changes):
        return {
            'narration_id': 'P01_01_0',
            'participant_id': 'P01',
            'video_id': 'P01_01',
            'start_seconds': 1.0,
            'stop_seconds': 2.0,
            'start_frame': 60,
            'stop_frame': 120,
            'gt': {'verb': 1, 'noun': 2},
            'sources': {},
            'present': {},
            'conditions': {},
            'rng': np.random.default_rng(0),
            **changes,
        }

    return start


class Scripted:
    """Random numbers that were written down."""

    def __init__(self, *numbers):
        self.numbers = iter(numbers)

    def random(self):
        return next(self.numbers)

    def uniform(self, low, high):
        return next(self.numbers)

    integers = uniform


@pytest.fixture
def scripted():
    """Takes the numbers that a generator shall give, in order."""
    return Scripted


@pytest.fixture
def images():
    """RGB (N, 40, 60, 3) and flow (N, 20, 30, 2) in which a pixel tells its relative place."""

    def draw(count=2):
        def ramps(height, width):
            x = (np.arange(width) + 0.5) / width * 200 + 20
            y = (np.arange(height) + 0.5) / height * 200 + 20
            return np.stack(np.broadcast_arrays(x[None], y[:, None]), axis=-1)

        rgb = np.concatenate([ramps(40, 60), np.zeros((40, 60, 1))], axis=-1)
        return {
            'rgb': np.stack([np.rint(rgb)] * count).astype(np.uint8),
            'flow': np.stack([np.rint(ramps(20, 30))] * count).astype(np.uint8),
            'present': {'rgb': True, 'flow': True},
        }

    return draw
