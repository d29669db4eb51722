import numpy as np
import pytest

from egomm.apis.moment_prior import class_windows, full_clips, in_clip, uniform_windows
from egomm.functional.detection import moment_report

NAMES = ['long', 'short']


def record(clip, *rows, duration=100.0):
    """A clip with (label, start, end)."""
    segments = np.array([row[1:] for row in rows], dtype=float).reshape(-1, 2)
    labels = np.array([row[0] for row in rows], dtype=np.int64)
    return dict(
        clip_id=clip,
        duration=duration,
        gt={'moment': dict(segments=segments, labels=labels)},
        annotations=[
            dict(label=NAMES[label], start_time=start, end_time=end) for label, start, end in rows
        ],
    )


RECORDS = [record('a', (0, 0, 80), (1, 0, 5), (1, 50, 55)), record('b', (1, 0, 5)), record('c')]


def test_full_clips_are_scored_by_the_clips_that_have_the_class():
    guesses = full_clips(RECORDS, 2)
    assert [guess.score for guess in guesses] == pytest.approx([1 / 3, 2 / 3])
    assert {guess.window for guess in guesses} == {(0, 1)}


def test_clips_without_any_moment_give_no_prior():
    with pytest.raises(ValueError, match='none of 2 has any. Give the annotations of a split with'):
        full_clips([record('a'), record('b')], 2)


def test_uniform_windows_are_scored_by_the_instances_of_the_class():
    guesses = uniform_windows(RECORDS, 2, 2)
    assert [guess.score for guess in guesses] == pytest.approx([1 / 3, 1 / 3, 1, 1])
    assert [guess.window for guess in guesses[:2]] == [(0, 0.5), (0.5, 1)]


def test_every_class_gets_windows_like_its_own_and_no_window_twice():
    guesses = class_windows(RECORDS * 300, 2, per_class=3)
    windows = {label: [g.window for g in guesses if g.label == label] for label in (0, 1)}
    assert [len(set(found)) for found in windows.values()] == [3, 3]
    # Any window with an IoU of 0.5 is fully right: 0.4 to 1 of the clip, 0.025 to 0.1 of it.
    assert [found[0][0] for found in windows.values()] == [0, 0]
    assert windows[0][0][1] > 0.4
    assert 0.025 < windows[1][0][1] < 0.1
    scores = [guess.score for guess in guesses if guess.label == 1]
    assert scores == sorted(scores, reverse=True)


def test_class_windows_beat_full_clips_where_classes_have_lengths_of_their_own():
    truth = {row['clip_id']: row for row in RECORDS}

    def average(guesses):
        found = {name: in_clip(guesses, row['duration'], NAMES) for name, row in truth.items()}
        return moment_report(truth, found)['average_mAP']

    assert average(class_windows(RECORDS, 2)) > 1.5 * average(full_clips(RECORDS, 2))


def test_a_clip_gets_seconds_best_first():
    rows = in_clip(uniform_windows(RECORDS, 2, 2), 60.0, NAMES)
    assert [row['label'] for row in rows] == ['short', 'short', 'long', 'long']
    assert rows[1]['segment'] == [30, 60]
