"""Frames: what a person would see change, and what must not."""

import dataclasses

import numpy as np
import pytest

from egomm.testing.canvas import hsv_colour
from egomm.testing.drawing import Artist
from egomm.testing.kitchen import participant_look
from egomm.testing.motion import track_video
from egomm.testing.plan import plan_world
from egomm.testing.spec import KitchenSpec
from egomm.testing.sprites import draw_noun, draw_state, draw_tool

SPEC = KitchenSpec(sensor_noise=0.0, light=0.0, clutter=0.0, ego_motion=0.0, handled_between=0.0)


def artist(spec=SPEC, index=0):
    video = plan_world(spec)[index]
    return Artist(spec, video, track_video(spec, video))


def clip_frame(drawn, clip, at):
    segment = drawn.video.actions[clip]
    return drawn.frame(int((segment.start + at * (segment.stop - segment.start)) * drawn.video.fps))


def test_hsv_colours_known_from_the_colour_wheel():
    assert hsv_colour(0, 1, 1) == (255, 0, 0)
    assert hsv_colour(120, 1, 0.5) == (0, 128, 0)
    assert hsv_colour(240, 0, 1) == (255, 255, 255)


def test_frames_are_rgb_of_the_asked_size():
    spec = dataclasses.replace(SPEC, width=48, height=32)
    frame = artist(spec).frame(30)
    assert frame.shape == (32, 48, 3)
    assert frame.dtype == np.uint8


def test_same_spec_draws_the_same_pixels_and_another_seed_others():
    first, again = artist(KitchenSpec()).frame(40), artist(KitchenSpec()).frame(40)
    np.testing.assert_array_equal(first, again)
    assert (artist(KitchenSpec(seed=1)).frame(40) != first).mean() > 0.3


@pytest.mark.parametrize(
    'draw',
    [
        lambda k: draw_noun(k, (200, 80, 40), (20, 90, 160)),
        draw_state,
        lambda k: draw_tool(k, (200, 80, 40), (0, 90, 160)),
    ],
)
def test_no_two_classes_look_alike(draw):
    pictures = [draw(k).astype(int) for k in range(12)]
    for k, one in enumerate(pictures):
        for other in pictures[k + 1 :]:
            assert (np.abs(one - other).max(axis=-1) > 40).mean() > 0.03


def test_participants_have_their_own_colours():
    spec = KitchenSpec(palette=0.5)
    looks = [participant_look(spec, p) for p in (1, 2)]
    assert looks[0].counter != looks[1].counter
    assert np.abs(looks[0].hue - looks[1].hue).max() > 20
    assert not participant_look(KitchenSpec(palette=0.0), 1).hue.any()


def test_conflict_changes_the_object_itself_during_the_clip():
    """Drawn with and without the change of state: equal at first, unlike at the end."""
    still = dict(verb_signal=(0.0, 0.0, 1.0), noun_signal=(1.0, 0.0, 0.0))
    plain = artist(dataclasses.replace(SPEC, **still))
    changed = artist(dataclasses.replace(SPEC, **still, conflict=1.0))
    for clip in range(3):
        np.testing.assert_array_equal(clip_frame(plain, clip, 0), clip_frame(changed, clip, 0))
        unlike = np.abs(clip_frame(plain, clip, 0.9).astype(int) - clip_frame(changed, clip, 0.9))
        assert (unlike.max(axis=-1) > 40).sum() > 20


def test_hidden_nouns_share_one_picture():
    drawn = {
        share: artist(dataclasses.replace(SPEC, noun_signal=(share, 0.0, 0.0)))
        for share in (0.0, 1.0)
    }
    for clip in range(4):
        assert (clip_frame(drawn[0.0], clip, 0.1) != clip_frame(drawn[1.0], clip, 0.1)).any()
    assert len({a.noun for a in drawn[0.0].video.actions[:4]}) > 1
    assert drawn[0.0].noun.cache_info().currsize == 1


def test_images_that_flow_skips_are_the_mean_of_their_neighbours():
    drawn = artist(SPEC)
    assert drawn.video.flow_stride == 2
    frames = list(drawn.frames())
    assert len(frames) == drawn.video.frames
    mean = (frames[20].astype(float) + frames[22]) / 2
    assert np.abs(frames[21] - mean).max() <= 0.5
    np.testing.assert_array_equal(frames[22], drawn.frame(22))


def test_lag_takes_colour_from_objects():
    def spread(lag):
        drawn = artist(dataclasses.replace(SPEC, lag=(lag, 0, 0)))
        sprite = drawn.noun(8)
        return sprite[sprite[..., 3] == 255][:, :3].std()

    assert spread(1.0) < 0.6 * spread(0.0)
