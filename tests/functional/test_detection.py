import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from egomm.functional.detection import average_precision, mean_average_precision, recall_at_kx

GOLDEN = Path(__file__).parents[1] / 'golden' / 'asl'


def load(name):
    return json.loads((GOLDEN / f'{name}.json').read_text())


@pytest.mark.parametrize('prefix, deduplicate', [('official', False), ('asl', True)])
def test_precision_is_exactly_that_of_the_reference(prefix, deduplicate):
    data = load('mq_metrics')
    result = mean_average_precision(
        data['ground_truth'], data['predictions'], data['tiou'], deduplicate=deduplicate
    )
    expected = data[f'{prefix}_ap_per_class']
    assert {label: area.tolist() for label, area in result['per_class'].items()} == expected
    assert result['mAP'].tolist() == pytest.approx(data[f'{prefix}_mAP'], abs=1e-15)
    assert result['average'] == pytest.approx(data[f'{prefix}_avg_mAP'], abs=1e-15)


@pytest.mark.parametrize('name', ['recall_kx', 'recall_kx_official_grid'])
def test_recall_is_exactly_that_of_the_reference(name):
    data = load('mq_metrics')
    grid = data[name]
    result = recall_at_kx(data['ground_truth'], data['predictions'], grid['tiou'], grid['k'])
    assert result.tolist() == grid['value']


@pytest.mark.parametrize('case', range(6))
def test_area_is_exactly_that_of_the_reference(case):
    case = load('interp_ap')[case]
    assert average_precision(np.array(case['tp'], dtype=bool), case['npos']) == case['ap']


def truth(**clips):
    """``truth(a=[('walk', 0, 4)])``."""
    return {
        clip: {'annotations': [dict(label=x, start_time=s, end_time=e) for x, s, e in rows]}
        for clip, rows in clips.items()
    }


def predicted(**clips):
    return {
        clip: [dict(label=label, score=score, segment=[s, e]) for label, score, s, e in rows]
        for clip, rows in clips.items()
    }


def test_precision_by_hand():
    result = mean_average_precision(
        truth(a=[('walk', 0, 4), ('sit', 0, 1)], b=[('walk', 10, 14)]),
        predicted(
            a=[('walk', 0.9, 0, 4), ('walk', 0.8, 0, 4), ('fly', 1, 0, 4)],
            b=[('walk', 0.7, 10, 12)],
        ),
        tiou=(0.5, 0.6),
    )
    # Right, then a repeat, then right at IoU 0.5: recall 1/2 at precision 1, recall 1 at 2/3.
    assert result['per_class']['walk'].tolist() == pytest.approx([1 / 2 + 1 / 3, 1 / 2])
    assert result['per_class']['sit'].tolist() == [0, 0]
    assert set(result['per_class']) == {'walk', 'sit'}
    assert result['mAP'].tolist() == pytest.approx([5 / 12, 1 / 4])
    assert result['average'] == pytest.approx(1 / 3)


def test_of_equal_scores_the_later_listed_goes_first():
    rows = [('walk', 0.5, 0, 4), ('walk', 0.5, 50, 54)]
    for order, area in ((rows, 0.5), (rows[::-1], 1)):
        result = mean_average_precision(truth(a=[('walk', 0, 4)]), predicted(a=order), (0.5,))
        assert result['average'] == area


def test_a_prediction_in_a_clip_without_the_class_is_wrong():
    for clip in ('b', 'unknown'):
        predictions = predicted(**{clip: [('walk', 0.9, 0, 4)], 'a': [('walk', 0.5, 0, 4)]})
        result = mean_average_precision(truth(a=[('walk', 0, 4)], b=[]), predictions, (0.5,))
        assert result['average'] == 0.5


def test_repeated_ground_truth_counts_once_on_demand():
    rows = [('walk', 0, 4), ('walk', 0.0009, 4), ('walk', 0, 4.002), ('sit', 0, 4)]
    predictions = predicted(a=[('walk', 0.5, 0, 4), ('sit', 0.5, 0, 4)])
    areas = [
        mean_average_precision(truth(a=rows), predictions, (0.5,), deduplicate=flag)['per_class']
        for flag in (False, True)
    ]
    assert areas[0]['walk'].tolist() == pytest.approx([1 / 3])
    assert areas[1]['walk'].tolist() == pytest.approx([1 / 2])


def test_recall_by_hand():
    ground_truth = truth(a=[('walk', 0, 4), ('walk', 0, 4), ('sit', 6, 8)], b=[('sit', 0, 2)])
    predictions = predicted(
        a=[
            ('walk', 0.1, 50, 54),
            ('walk', 0.1, 0, 2),  # IoU 0.5 is not above 0.5
            ('walk', 0.9, 0, 4),  # third: only counts from k = 2
            ('sit', 0.1, 6, 8),
        ]
    )
    result = recall_at_kx(ground_truth, predictions, tiou=(0.4, 0.5), k=(1, 2))
    assert result.tolist() == [[3 / 4, 3 / 4], [1 / 4, 3 / 4]]


def test_segments_without_length_are_missed_not_nan():
    ground_truth, predictions = truth(a=[('walk', 3, 3)]), predicted(a=[('walk', 1, 3, 3)])
    assert mean_average_precision(ground_truth, predictions)['average'] == 0
    assert recall_at_kx(ground_truth, predictions, (0.0,), (1,)).tolist() == [[0]]


def test_nothing_predicted_is_0():
    ground_truth = truth(a=[('walk', 0, 4)])
    assert mean_average_precision(ground_truth, {})['average'] == 0
    assert recall_at_kx(ground_truth, {}, (0.5,), (1,)).tolist() == [[0]]


def overlap(a, b):
    part = max(0, min(a[1], b[1]) - max(a[0], b[0]))
    whole = a[1] - a[0] + b[1] - b[0] - part
    return part / whole if whole > 0 else 0


def brute_force(ground_truth, predictions, threshold):
    """AP by label, one prediction after the other."""
    areas = {}
    labels = {row['label'] for entry in ground_truth.values() for row in entry['annotations']}
    for label in labels:
        instances = [
            (clip, (row['start_time'], row['end_time']))
            for clip, entry in ground_truth.items()
            for row in entry['annotations']
            if row['label'] == label
        ]
        rows = [
            (row['score'], position, clip, row['segment'])
            for clip, listed in predictions.items()
            for position, row in enumerate(listed)
            if row['label'] == label
        ]
        rows = [(row[0], index, *row[2:]) for index, row in enumerate(rows)]
        free = set(range(len(instances)))
        right = []
        for _, _, clip, segment in sorted(rows, reverse=True, key=lambda row: row[:2]):
            overlaps = [
                (overlap(segment, instances[i][1]), i) for i in free if instances[i][0] == clip
            ]
            best = max(overlaps, default=(0, 0))
            right.append(best[0] >= threshold)
            if right[-1]:
                free.remove(best[1])
        # Each instance found adds 1/n at the best precision from there on.
        precision = [sum(right[: i + 1]) / (i + 1) for i in range(len(right))]
        found = [max(precision[i:]) for i in range(len(right)) if right[i]]
        areas[label] = sum(found) / len(instances)
    return areas


moments = st.tuples(st.sampled_from('xy'), st.integers(0, 5), st.integers(1, 4))
scored = st.tuples(moments, st.sampled_from([0.2, 0.5, 0.9]))


@given(
    st.lists(st.lists(moments, max_size=4), min_size=2, max_size=2),
    st.lists(st.lists(scored, max_size=8), min_size=3, max_size=3),
)
@settings(max_examples=100, deadline=None)
def test_precision_equals_brute_force(clips, listed):
    ground_truth = truth(
        **{c: [(label, s, s + n) for label, s, n in rows] for c, rows in zip('ab', clips)}
    )
    predictions = predicted(
        **{c: [(x, score, s, s + n) for (x, s, n), score in rows] for c, rows in zip('abc', listed)}
    )
    if not any(clips):
        with pytest.raises(ValueError, match='got 2 clips without any'):
            mean_average_precision(ground_truth, predictions)
        return
    result = mean_average_precision(ground_truth, predictions, tiou=(0.1, 0.5))
    for column, threshold in enumerate((0.1, 0.5)):
        expected = brute_force(ground_truth, predictions, threshold)
        assert {x: area[column] for x, area in result['per_class'].items()} == pytest.approx(
            expected
        )


@pytest.mark.parametrize('score, end', [(float('nan'), 4), (0.5, float('inf'))])
def test_numbers_that_are_not_finite_are_refused(score, end):
    what = 'scores' if end == 4 else 'times'
    with pytest.raises(ValueError, match=f'finite {what} of predictions; 1 of'):
        mean_average_precision(truth(a=[('walk', 0, 4)]), predicted(a=[('walk', score, 0, end)]))


def test_recall_refuses_what_has_no_meaning():
    ground_truth = truth(a=[('walk', 0, 4)])
    with pytest.raises(ValueError, match=r'every k >= 1; got \[1, 0\]'):
        recall_at_kx(ground_truth, {}, (0.5,), [1, 0])
    with pytest.raises(ValueError, match='finite times of predictions; 1 of 2'):
        recall_at_kx(ground_truth, predicted(a=[('walk', 1, float('nan'), 4)]), (0.5,), [1])
    with pytest.raises(ValueError, match='finite times of ground truth'):
        recall_at_kx(truth(a=[('walk', 0, float('nan'))]), {}, (0.5,), [1])
