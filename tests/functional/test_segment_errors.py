import numpy as np
import pytest

from egomm.functional.segment_errors import by_length, nearest_answers, nearest_moments


def truth(*rows):
    keys = ('label', 'start_time', 'end_time')
    return {'annotations': [dict(zip(keys, row)) for row in rows]}


def moment(label, start, end):
    return dict(label=label, score=0.5, segment=[start, end])


def test_as_many_first_moments_count_as_the_class_has_instances():
    ground_truth = {'c': truth(('walk', 0, 4), ('walk', 10, 14), ('run', 20, 30)), 'd': truth()}
    found = {'c': [moment('walk', 0, 2), moment('walk', 50, 52), moment('walk', 10, 14)]}
    lengths, iou = nearest_moments(ground_truth, found)
    assert lengths.tolist() == [4, 4, 10]
    assert iou.tolist() == [0.5, 0, 0]  # the third 'walk' comes too late, 'run' was never found


def test_the_first_answer_counts():
    windows = {('c', 'a', 0): [0, 4], ('c', 'a', 1): [0, 10]}
    lengths, iou = nearest_answers(windows, {('c', 'a', 0): [[2, 6], [0, 4]]})
    assert lengths.tolist() == [4, 10]
    assert iou.tolist() == pytest.approx([1 / 3, 0])


def test_shares_of_a_bucket_add_up_and_empty_buckets_are_left_out():
    shares = by_length(np.array([1, 1, 1.5, 1.9, 200]), np.array([0.6, 0.5, 0.2, 0, 0.9]))
    assert shares == {
        '0-2 s\n(4)': {'right': 0.25, 'ends wrong': 0.5, 'elsewhere': 0.25},
        'over 90 s\n(1)': {'right': 1, 'ends wrong': 0, 'elsewhere': 0},
    }
