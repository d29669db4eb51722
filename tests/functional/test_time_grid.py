import csv
import json

import numpy as np
import pytest

from egomm.functional.time_grid import (
    flow_index,
    flow_stride,
    frame_seconds,
    nominal_fps,
    official_frame,
    parse_timestamp,
    segment_centre_offsets,
    segment_random_offsets,
    tbn_clip,
    tsn_test_offsets,
)


class TestTimestamps:
    @pytest.mark.parametrize(
        'text, seconds',
        [
            ('00:00:01.89', 1.89),
            ('01:02:03.5', 3723.5),
            ('00:10:00', 600),
            ('00:00:00.560', 0.56),
        ],
    )
    def test_are_read_as_seconds(self, text, seconds):
        assert parse_timestamp(text) == seconds

    @pytest.mark.parametrize('text', ['', 'nan', '12.5', '00:61:00.0', '0:00:60', '-00:00:01.0'])
    def test_of_another_form_are_refused(self, text):
        with pytest.raises(ValueError, match=r'HH:MM:SS\.ss\); got'):
            parse_timestamp(text)


class TestFrames:
    @pytest.mark.parametrize(
        'name, rows',
        [
            ('EPIC_100_validation.csv', 9668),
            ('EPIC_100_test_timestamps.csv', 13_092),
        ],
    )
    def test_equal_every_official_row(self, realdata, name, rows):
        with open(realdata / 'ek100' / name, newline='') as file:
            table = list(csv.DictReader(file))
        assert len(table) == rows
        wrong = [
            (row['narration_id'], end)
            for row in table
            for end in ('start', 'stop')
            if int(row[f'{end}_frame'])
            != official_frame(
                parse_timestamp(row[f'{end}_timestamp']), nominal_fps(row['video_id'])
            )
        ]
        assert wrong == []

    def test_by_hand(self):
        assert official_frame(0, 60) == 1
        assert official_frame(0.01, 60) == 1
        assert official_frame(1.89, 60) == 113  # 113.4
        assert official_frame(1.56, 60) == 93  # 93.6
        assert official_frame(0.58, 50) == 28  # 29 in exact arithmetic, 28.999... in float64

    @pytest.mark.parametrize('fps', [50, 60])
    def test_become_seconds_and_frames_again(self, fps):
        for frame in range(1, 20_000):
            # The product may fall one rounding below the frame, as the official ones do.
            assert official_frame(frame_seconds(frame, fps) + 1e-9, fps) == frame

    def test_rate_and_stride_follow_the_length_of_the_number(self):
        assert [nominal_fps(video) for video in ('P01_11', 'P01_101')] == [60, 50]
        assert [flow_stride(video) for video in ('P01_11', 'P01_101')] == [2, 1]

    @pytest.mark.parametrize('lookup', [nominal_fps, flow_stride])
    @pytest.mark.parametrize('video', ['P01', 'P01_1', 'P01_1011', 'toy_01', 'P01_11.MP4'])
    def test_other_video_ids_are_refused(self, lookup, video):
        with pytest.raises(ValueError, match=f"got '{video}'"):
            lookup(video)

    def test_impossible_times_and_numbers_are_refused(self):
        with pytest.raises(ValueError, match=r'got -0\.1 s at 60 fps'):
            official_frame(-0.1, 60)
        with pytest.raises(ValueError, match='got nan s'):
            official_frame(float('nan'), 60)
        with pytest.raises(ValueError, match='got 0 at 60 fps'):
            frame_seconds(0, 60)
        with pytest.raises(ValueError, match='got 0 and 2'):
            flow_index(0, 2)


def test_clips_equal_golden(golden):
    clips = json.loads((golden / 'mimo' / 'frame_indices.json').read_text())
    assert clips
    for clip in clips:
        start, stop = clip['start_frame'], clip['stop_frame']
        stride = flow_stride(clip['video_id'])
        assert stride == clip['flow_stride']
        assert flow_index(start, stride) == clip['flow_start_frame']
        assert flow_index(stop, stride) == clip['flow_stop_frame']
        cut = tbn_clip(start, stop, stride)
        tbn = clip['tbn']
        assert cut == (tbn['rgb_start0'], tbn['num_rgb'], tbn['flow_start0'], tbn['num_flow'])
        offsets = {
            'tsn_test_offsets_rgb_n8': tsn_test_offsets(cut.num_rgb, 8),
            'tsn_test_offsets_flow5_n8': tsn_test_offsets(cut.num_flow, 8, stack=5),
            'segment_centre_offsets_n8_numframes_stop_minus_start_plus1': segment_centre_offsets(
                stop - start + 1, 8
            ),
        }
        assert {name: values.tolist() for name, values in offsets.items()} == {
            name: clip[name] for name in offsets
        }


class TestCentreOffsets:
    def test_by_hand(self):
        # Borders 0, 2.25, 4.5, 6.75, 9 -> 0 2 4 7 9, their means rounded down
        assert segment_centre_offsets(10, 4).tolist() == [1, 3, 5, 8]

    @pytest.mark.parametrize('num_frames', [1, 2, 7, 8, 61, 8819])
    def test_stay_inside_the_clip_in_order(self, num_frames):
        offsets = segment_centre_offsets(num_frames, 8)
        assert offsets.shape == (8,)
        assert offsets.min() >= 0
        assert offsets.max() < num_frames
        assert (np.diff(offsets) >= 0).all()


class TestRandomOffsets:
    def test_each_lies_in_its_segment(self):
        rng = np.random.default_rng(0)
        draws = np.stack([segment_random_offsets(80, 8, rng) for _ in range(500)])
        assert (draws // 10 == np.arange(8)).all()
        assert all(len(np.unique(column)) == 10 for column in draws.T)  # every frame turns up

    @pytest.mark.parametrize('num_frames', [1, 3, 9, 61])
    def test_stay_inside_the_clip_in_order(self, num_frames):
        rng = np.random.default_rng(1)
        for _ in range(200):
            offsets = segment_random_offsets(num_frames, 8, rng)
            assert offsets.min() >= 0
            assert offsets.max() < num_frames
            assert (np.diff(offsets) >= 0).all()

    def test_equal_generators_draw_equal_offsets(self):
        first, second = (
            segment_random_offsets(100, 8, np.random.default_rng([7, 3, 1])) for _ in range(2)
        )
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize('num_frames, segments', [(0, 8), (8, 0)])
def test_empty_clips_are_refused(num_frames, segments):
    words = f'got {num_frames} frames and {segments} segments'
    with pytest.raises(ValueError, match=words):
        segment_centre_offsets(num_frames, segments)
    with pytest.raises(ValueError, match=words):
        segment_random_offsets(num_frames, segments, np.random.default_rng(0))
    with pytest.raises(ValueError, match=f'got {num_frames}, {segments} and 1'):
        tsn_test_offsets(num_frames, segments)


def test_reversed_clip_is_refused():
    with pytest.raises(ValueError, match='got 10, 10 and 2'):
        tbn_clip(10, 10, 2)


def test_views_interleave_within_each_segment():
    # Borders at 0, 8 and 16; quarters and three quarters, then sixths of the way.
    assert segment_centre_offsets(17, 2, views=2).tolist() == [2, 6, 10, 14]
    assert segment_centre_offsets(17, 2, views=3).tolist() == [1, 4, 6, 9, 12, 14]
    for length in (1, 5, 61, 300):
        middle = segment_centre_offsets(length, 8, views=3)[1::3]
        assert middle.tolist() == segment_centre_offsets(length, 8).tolist()


def test_no_view_is_refused():
    with pytest.raises(ValueError, match='at least one view of a clip; got 0'):
        segment_centre_offsets(17, 2, views=0)
