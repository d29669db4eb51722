"""Tracks of hands by hand: links, sides, corners and gaps."""

import numpy as np
import pytest

from egomm.functional.hand_tracks import (
    LEFT,
    RIGHT,
    Detections,
    fill_gaps,
    inner_top_corners,
    link_boxes,
    overlap,
    track_hands,
)

ONE, OTHER = (10, 20, 30, 60), (70, 20, 90, 60)  # two hands


def detections(*rows, span=None):
    """Rows of frame, box, side and maybe score."""
    frames = np.array([row[0] for row in rows], np.int64)
    return Detections(
        frames,
        np.array([row[1] for row in rows], float).reshape(-1, 4),
        np.array([row[3] if len(row) > 3 else 0.9 for row in rows]),
        np.array([row[2] for row in rows], np.int64),
        span or (int(frames.min()), int(frames.max())),
    )


def moved(box, right):
    return (box[0] + right, box[1], box[2] + right, box[3])


def test_overlap_by_hand():
    assert overlap((0, 0, 4, 2), (2, 0, 6, 2)) == 4 / 12
    assert overlap((0, 0, 4, 2), (4, 0, 6, 2)) == 0
    assert overlap((0, 0, 4, 2), (0, 0, 4, 2)) == 1


def test_the_point_of_a_hand_is_the_upper_corner_towards_the_other_one():
    points = inner_top_corners(np.array([ONE, OTHER], float), np.array([LEFT, RIGHT]))
    # The right edge of the left hand, the left edge of the right one; pixel p begins at p.
    assert points.tolist() == [[29.5, 19.5], [69.5, 19.5]]


def test_boxes_are_linked_by_what_overlaps_most():
    # Two hands approach; each box of the second frame overlaps both of the first.
    frames = np.array([1, 0, 0, 1])
    boxes = np.array([(6, 0, 16, 10), (0, 0, 10, 10), (8, 0, 18, 10), (1, 0, 11, 10)], float)
    assert link_boxes(frames, boxes, max_gap=0).tolist() == [1, 0, 1, 0]


def test_a_link_ends_after_too_long_a_gap_or_a_jump():
    boxes = np.array([ONE, ONE, ONE, OTHER], float)
    assert link_boxes(np.array([0, 2, 5, 6]), boxes, max_gap=1).tolist() == [0, 0, 1, 2]
    assert link_boxes(np.array([0, 2, 5, 6]), boxes, max_gap=2).tolist() == [0, 0, 0, 1]


def test_a_detector_that_mistakes_the_side_once_is_outvoted():
    rows = [(n, moved(ONE, n), LEFT) for n in range(5)]
    rows[2] = (2, moved(ONE, 2), RIGHT)
    points, filled = track_hands(detections(*rows))
    assert points[:, LEFT].tolist() == [[29.5 + n, 19.5, 1] for n in range(5)]
    assert not points[:, RIGHT].any()
    assert not filled.any()


def test_of_two_hands_on_one_side_that_with_more_evidence_counts():
    own = [(n, ONE, LEFT, 0.9) for n in range(3)]
    stranger = [(n, OTHER, LEFT, 0.6) for n in range(4)]
    points, _ = track_hands(detections(*own, *stranger))
    assert points[:, LEFT, 0].tolist() == [29.5, 29.5, 29.5, 89.5]  # 2.7 against 2.4


def test_gaps_are_filled_on_the_straight_line_up_to_their_limit():
    track = np.zeros((9, 3))
    track[[1, 4, 8]] = [(10, 0, 1), (16, 3, 1), (0, 0, 1)]
    filled = fill_gaps(track, max_gap=2)
    assert filled.tolist() == [False, False, True, True, False, False, False, False, False]
    assert track[:5].tolist() == [[0, 0, 0], [10, 0, 1], [12, 1, 1], [14, 2, 1], [16, 3, 1]]
    assert track[5:, 2].tolist() == [0, 0, 0, 1]  # three frames are too many


def test_a_hand_that_jumps_is_followed_across_a_short_gap():
    points, filled = track_hands(detections((0, ONE, LEFT), (2, OTHER, LEFT)), max_gap=1)
    assert points[1, LEFT].tolist() == [59.5, 19.5, 1]
    assert filled.tolist() == [[False, False], [True, False], [False, False]]


def test_the_track_is_as_long_as_what_was_looked_at():
    found = detections((5, ONE, RIGHT), (6, OTHER, RIGHT, 0.4), span=(3, 7))
    points, _ = track_hands(found)
    assert points.shape == (5, 2, 3)
    assert points[:, :, 2].tolist() == [[0, 0], [0, 0], [0, 1], [0, 0], [0, 0]]  # 0.4 is too low
    assert not track_hands(found, min_score=1).points.any()


@pytest.mark.parametrize(
    'row, words',
    [
        ((9, ONE, LEFT), r'within the frames 0 to 5 are expected.*frame 9, and 0 more'),
        ((1, (0, 0, np.nan, 1), LEFT), 'of finite edges and score.*nan'),
        ((1, (4, 0, 4, 1), LEFT), r'left < right and top < bottom.*got \[4.0, 0.0, 4.0, 1.0\]'),
        ((1, ONE, 2), r'a left \(0\) or a right \(1\) hand.*side 2 in frame 1'),
    ],
)
def test_impossible_boxes_are_named(row, words):
    with pytest.raises(ValueError, match=words):
        track_hands(detections((0, ONE, LEFT), row, span=(0, 5)))


def test_numbers_of_frames_that_no_video_has_are_refused():
    with pytest.raises(ValueError, match=r'frames of a video.*got 0 to 99999999999\. Correct'):
        track_hands(detections((0, ONE, LEFT), span=(0, 99_999_999_999)))


def test_lengths_and_gaps_are_checked():
    found = detections((0, ONE, LEFT))
    with pytest.raises(ValueError, match='a side for each of 1 frames are expected; got .1, 4.'):
        track_hands(found._replace(scores=np.zeros(2)))
    with pytest.raises(ValueError, match='max_gap >= 0 is expected; got -1'):
        track_hands(found, max_gap=-1)
