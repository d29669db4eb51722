"""The interval of a difference of average precisions, against evaluations of repeated clips."""

import numpy as np
import pytest

from egomm.functional.detection import Found, claims, mean_average_precision
from egomm.functional.detection_draws import paired_average_precision, weighted_means

CLIPS = [f'clip{number}' for number in range(6)]


def world(seed):
    """Ground truth of three classes, and predictions of which some are near it."""
    rng = np.random.default_rng(seed)
    truth, found = {}, {}
    for clip in CLIPS:
        rows = []
        for _ in range(rng.integers(1, 5)):
            start = rng.uniform(0, 80)
            rows.append(
                dict(
                    label=str(rng.integers(3)),
                    start_time=start,
                    end_time=start + rng.uniform(5, 20),
                )
            )
        truth[clip] = dict(annotations=rows)
        near = [
            (row['start_time'] + rng.normal(0, 3), row['end_time'] + rng.normal(0, 3))
            for row in rows * 3
        ]
        segments = np.sort(np.array([*near, *rng.uniform(0, 100, (8, 2))]), axis=1)
        labels = [*(row['label'] for row in rows * 3), *map(str, rng.integers(3, size=8))]
        found[clip] = Found(segments, rng.random(len(segments)), labels)
    found['elsewhere'] = Found(np.array([[1.0, 9.0]]), np.array([0.5]), ['1'])
    return truth, found


@pytest.mark.parametrize('seed', range(5))
def test_a_clip_that_is_drawn_twice_counts_as_two_clips(seed):
    truth, found = world(seed)
    weights = np.random.default_rng(seed).integers(0, 3, (20, len(CLIPS)))
    weights[0] = 1
    means = weighted_means(claims(truth, found), weights)
    for mean, row in zip(means, weights):
        copies = [(clip, copy) for clip, count in zip(CLIPS, row) for copy in range(count)]
        repeated = {copy: truth[copy[0]] for copy in copies}
        predictions = {copy: found[copy[0]] for copy in copies}
        predictions['elsewhere'] = found['elsewhere']
        assert mean == pytest.approx(mean_average_precision(repeated, predictions)['average'])


def test_equal_models_differ_by_nothing_and_a_better_one_surely():
    truth, found = world(0)
    videos = {clip: clip[-1] for clip in CLIPS}
    a, b, same = paired_average_precision(truth, found, found, videos, resamples=50)
    assert a == b == pytest.approx(mean_average_precision(truth, found)['average'])
    assert same == (0, 0, 0, len(CLIPS))
    right = {
        clip: [
            dict(label=row['label'], score=1.0, segment=(row['start_time'], row['end_time']))
            for row in entry['annotations']
        ]
        for clip, entry in truth.items()
    }
    _, best, better = paired_average_precision(truth, found, right, videos, resamples=50)
    assert best == pytest.approx(1)
    assert 0 < better.low <= better.mean <= better.high


def test_whole_groups_are_drawn():
    truth, found = world(1)
    one_video = dict.fromkeys(CLIPS, 'video')
    empty = dict.fromkeys(CLIPS, ())
    _, _, whole = paired_average_precision(truth, found, empty, one_video, resamples=5)
    assert whole.low == whole.mean == whole.high < 0
    assert whole.groups == 1
