"""Feature maps and points of clips that were drawn without any media in between."""

import dataclasses
import json

import numpy as np
import pytest

from egomm.datasets.cached import CachedTokens
from egomm.testing.drawing import Artist
from egomm.testing.drawn_clips import draw_clips, frames_of_clips, point_labels, write_tokens
from egomm.testing.motion import track_video
from egomm.testing.plan import plan_world
from egomm.testing.spec import PRESETS
from egomm.testing.truth import gaze_record, hand_record

SPEC = dataclasses.replace(PRESETS['quick'].with_videos(3), clips_per_video=4)


@pytest.fixture(scope='module')
def first():
    """The first video of a world, and its tracks."""
    video = plan_world(SPEC)[0]
    return video, track_video(SPEC, video)


def test_frames_lie_within_their_action_and_show_the_middle_square(first):
    video, tracks = first
    numbers = frames_of_clips(video)
    action = video.actions[2]
    assert numbers.shape == (4, 8)
    assert (numbers[2] >= action.start * video.fps - 1).all()
    assert (numbers[2] < action.stop * video.fps).all()
    images = draw_clips(SPEC, video, tracks)
    assert images.shape == (4, 8, 64, 64, 3)
    whole = Artist(SPEC, video, tracks).frame(numbers[2, 5])
    np.testing.assert_array_equal(images[2, 5], whole[:, 16:80])


def test_points_are_the_truth_of_every_second_frame_within_the_square(first):
    video, tracks = first
    points = point_labels(SPEC, video, tracks)
    number = frames_of_clips(video)[3, 4]
    x, y = hand_record(SPEC, tracks)['right']['xy'][number]
    # Columns 16 to 79 of 96 are what the square shows; pixel p of 64 lies at (2p + 1) / 64 - 1.
    expected = (2 * (x - 16) + 1) / 64 - 1, (2 * y + 1) / 64 - 1
    assert points['hands'].shape == (4, 4, 2, 3)
    assert tuple(points['hands'][3, 2, 1, :2]) == pytest.approx(expected)
    inside = np.abs(points['hands'][..., :2]).max(axis=-1) <= 1
    assert not points['hands'][..., 2][~inside].any()
    tracked = np.array(gaze_record(SPEC, tracks)['tracked'])[frames_of_clips(video)[:, ::2]]
    assert points['gaze'].shape == (4, 4, 1, 3)
    assert not points['gaze'][..., 0, 2][~tracked].any()


def test_points_without_information_have_the_statistics_but_not_the_clip(first):
    video, tracks = first
    points = point_labels(SPEC, video, tracks)
    for task in ('hands', 'gaze'):
        own, other = points[task], points[f'{task}_other']
        np.testing.assert_array_equal(np.sort(own, axis=0), np.sort(other, axis=0))
        assert not any((own[i] == other[i]).all() for i in range(len(own)))
    distance = np.linalg.norm((points['gaze_away'] - points['gaze'])[..., :2], axis=-1)
    assert np.median(distance) > 12 / 32  # 12 units of 64 at least, but for what was away before


def test_tokens_are_read_again_and_an_interruption_changes_nothing(encoders, tmp_path):
    told = []
    write_tokens(SPEC, encoders, tmp_path / 'whole', told.append)
    assert told[0].startswith('train: 4 clips in ')
    data = CachedTokens(str(tmp_path / 'whole/train'))
    assert data[1]['inputs']['rgb'].shape == (64, 4, 8, 8)
    gt = data[1]['data_samples'].gt
    assert gt.keys() == {
        *('verb', 'noun', 'action', 'hands', 'hands_other', 'gaze', 'gaze_other', 'gaze_away')
    }
    write_tokens(SPEC, encoders, tmp_path / 'cut', told.append)
    clips = tmp_path / 'cut/train/clips.jsonl'
    lines = clips.read_text().splitlines(keepends=True)
    clips.write_text(''.join(lines[:2]))
    write_tokens(SPEC, encoders, tmp_path / 'cut', told.append)
    for name in ('clips.jsonl', 'rgb.npy'):
        assert (tmp_path / 'cut/train' / name).read_bytes() == (
            tmp_path / 'whole/train' / name
        ).read_bytes()
    lines = (tmp_path / 'whole/test/clips.jsonl').read_text().splitlines()
    test = [json.loads(line) for line in lines]
    pairs = {(row['gt']['verb'], row['gt']['noun']) for row in test if 'action' not in row['gt']}
    known = {(a.verb, a.noun) for v in plan_world(SPEC) if v.split != 'test' for a in v.actions}
    assert not pairs & known
