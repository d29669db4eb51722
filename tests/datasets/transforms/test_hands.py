"""Hands at the sampled frames of a clip."""

import numpy as np
import pytest

from egomm.datasets.hands import write_hands
from egomm.datasets.transforms import LoadHands, PointTargets


@pytest.fixture
def sources(tmp_path):
    path = tmp_path / 'track.json'
    frames = np.arange(10.0)
    left = np.stack([frames, frames, np.ones(10)], axis=1)
    write_hands(path, (10, 20), 3, left, np.zeros((10, 3)))
    return {'hands': {'type': 'tracks', 'path': str(path)}}


def test_points_of_the_frames_with_their_visibility(results, sources):
    out = LoadHands()(results(sources=sources, frame_indices=np.array([3, 7, 99])))
    points = out['points']['hands']
    assert points.shape == (3, 2, 3)
    assert points.dtype == np.float32
    np.testing.assert_allclose(points[:, 0], [[0.05, 0.025, 1], [0.45, 0.225, 1], [0, 0, 0]])
    assert not points[:, 1, 2].any()
    gt = PointTargets(every=2)(out)['gt']['hands']
    np.testing.assert_allclose(gt[0, 0], [-0.9, -0.95, 1], rtol=1e-6)
    assert gt.shape == (2, 2, 3)


def test_clip_without_hands_has_no_points(results):
    assert 'points' not in LoadHands()(results(sources={'hands': None}, frame_indices=np.zeros(1)))


@pytest.mark.parametrize('key', ['sources', 'frame_indices'])
def test_missing_source_or_sampling_is_explained(results, sources, key):
    given = {'sources': sources, 'frame_indices': np.array([3])}
    given.pop(key)
    words = r'sources for \[\]' if key == 'sources' else 'frames are not sampled'
    with pytest.raises(ValueError, match=f'LoadHands.*{words}'):
        LoadHands()(results(**given))
