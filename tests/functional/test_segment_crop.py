import numpy as np
import pytest

from egomm.functional.segment_crop import random_stretch, segments_within


def test_segments_are_clamped_and_those_that_lose_too_much_are_marked():
    segments = np.array([[0.0, 10], [4, 6], [8, 18], [-1, 0]])
    parts, kept = segments_within(segments, 2, 10, min_share=0.3)
    assert parts.tolist() == [[0, 8], [2, 4], [6, 8], [0, 0]]
    assert kept.tolist() == [True, True, False, False]


def test_a_stretch_holds_a_segment_and_has_the_wanted_length():
    segments = np.array([[2.0, 6.0]])
    seen = set()
    for seed in range(200):
        rng = np.random.default_rng(seed)
        first, last = random_stretch(40, segments, (0.25, 0.5), 0.3, rng)
        assert 0 <= first < last <= 40
        assert segments_within(segments, first, last, 0.3)[1].all()
        seen.add(last - first)
    assert seen == set(range(10, 21))


def test_without_segments_every_stretch_will_do():
    starts = {
        random_stretch(10, np.zeros((0, 2)), (0.9, 0.9), 0.3, np.random.default_rng(seed))[0]
        for seed in range(20)
    }
    assert starts == {0, 1}


def test_where_nothing_holds_a_segment_the_whole_clip_is_taken():
    whole = np.array([[0.0, 100.0]])
    rng = np.random.default_rng(0)
    assert random_stretch(100, whole, (0.1, 0.2), 0.9, rng) == (0, 100)
    assert random_stretch(1, whole, (0.1, 0.2), 0.0, rng) == (0, 1)


def test_impossible_shares_are_refused():
    with pytest.raises(ValueError, match=r'shares of the clip; got \(0.9, 1.1\)'):
        random_stretch(10, np.zeros((0, 2)), (0.9, 1.1), 0.3, np.random.default_rng(0))
