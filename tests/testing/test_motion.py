"""Tracks: motion patterns, hands, gaze."""

import numpy as np
import pytest

from egomm.testing.motion import displace, track_video
from egomm.testing.plan import plan_world
from egomm.testing.spec import KitchenSpec

SPEC = KitchenSpec(gaze_info=1.0)


@pytest.fixture(scope='module')
def world():
    videos = plan_world(SPEC)[:4]
    return [(video, track_video(SPEC, video)) for video in videos]


@pytest.mark.parametrize('verb', range(-1, 12))
def test_every_motion_starts_from_rest_at_zero(verb):
    t = np.linspace(-0.5, 1.5, 200)
    path = displace(verb, t, 1.0, np.random.default_rng(0), 1.0)
    assert np.abs(path[t <= 0.05]).max() < 1e-9
    assert np.abs(path).max() > 0.3
    assert np.abs(np.diff(path[t > 1.0], axis=0)).max() == 0


def test_amplitude_scales_the_motion():
    t = np.linspace(0, 1, 50)
    small, large = (displace(5, t, 1.0, np.random.default_rng(0), a) for a in (0.5, 1.0))
    np.testing.assert_allclose(2 * small, large)


def test_right_hand_holds_the_object_during_actions_and_leaves_between(world):
    for video, tracks in world:
        points = tracks.to_frame(tracks.right, SPEC.width / (SPEC.height / 64))
        inside = (points[:, 1] >= 0) & (points[:, 1] < 64)
        assert 0.5 < inside.mean() < 0.95
        for track in tracks.objects:
            middle = int((track.segment.start + track.segment.stop) / 2 * video.fps)
            hand, held = tracks.right[middle], track.pose[middle - track.first, :2]
            assert np.linalg.norm(hand - held) < 32


def test_gaze_leads_the_object_by_three_tenths_of_a_second(world):
    for video, tracks in world:
        lead = round(0.3 * video.fps)
        distances = []
        for track in tracks.objects:
            for frame in range(track.first, track.first + len(track.pose)):
                seconds = frame / video.fps
                if track.segment.start < seconds < track.segment.stop and frame >= lead:
                    distances.append(
                        np.linalg.norm(
                            tracks.gaze[frame - lead] - track.pose[frame - track.first, :2]
                        )
                    )
        assert np.median(distances) < 2.5


def test_a_tenth_of_gaze_is_untracked_in_runs(world):
    for _, tracks in world:
        assert 0.05 < 1 - tracks.tracked.mean() < 0.2
        assert (np.diff(tracks.tracked.astype(int)) != 0).sum() < 0.08 * len(tracks.tracked)


def test_unreliable_flow_shakes_the_camera():
    spec = KitchenSpec(unreliable=1.0, verb_signal=(0.1, 1.0, 0.1), noun_signal=(0.1, 1.0, 0.1))
    video = plan_world(spec)[0]
    calm = track_video(SPEC, plan_world(SPEC)[0]).camera[:, 1]
    shaken = track_video(spec, video).camera[:, 1]
    assert np.abs(np.diff(shaken)).mean() > 3 * np.abs(np.diff(calm)).mean()
