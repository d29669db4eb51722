"""Gaze at the sampled frames of a clip."""

from pathlib import Path

import numpy as np
import pytest

from egomm.datasets.transforms import LoadGaze

PATH = Path(__file__).parents[2] / 'golden/mtl/begaze_v1.txt'
SOURCES = {'gaze': {'type': 'begaze', 'path': str(PATH)}}


def test_points_of_the_frames_with_their_visibility(results):
    out = LoadGaze()(results(sources=SOURCES, frame_indices=np.array([3, 4, 8, 99])))
    points = out['points']['gaze']
    assert points.shape == (4, 1, 3)
    assert points.dtype == np.float32
    np.testing.assert_allclose(points[0, 0], [0.12578125, 0.560651, 1], atol=1e-6)
    # No sample, left of the image, after the end of the file.
    assert points[:, 0, 2].tolist() == [1, 0, 0, 0]


def test_offset_moves_the_gaze_against_the_video(results):
    one = LoadGaze()(results(sources=SOURCES, frame_indices=np.array([6, 7])))
    other = LoadGaze(frame_offset=-1)(results(sources=SOURCES, frame_indices=np.array([7, 8])))
    np.testing.assert_array_equal(one['points']['gaze'], other['points']['gaze'])


def test_session_without_gaze_has_no_points(results):
    assert 'points' not in LoadGaze()(results(sources={'gaze': None}, frame_indices=np.array([3])))


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        (
            {'sources': {'rgb': None}, 'frame_indices': np.array([3])},
            r"\['rgb'\], and frames are s",
        ),
        ({'sources': SOURCES}, r"\['gaze'\], and frames are not sampled"),
    ],
)
def test_missing_source_or_sampling_is_explained(results, changes, words):
    with pytest.raises(ValueError, match=words):
        LoadGaze()(results(**changes))
