import math

import pytest

from egomm.functional.segment_merging import merge_answers, merge_moments


def moment(score, start=0, end=4, label='walk'):
    return dict(label=label, score=score, segment=[start, end])


def answer(scores, index=0, start=0):
    times = [[start + place, start + place + 1] for place in range(len(scores))]
    key = dict(clip_uid='c', annotation_uid='a', query_idx=index)
    return dict(key, predicted_times=times, scores=scores)


def test_a_moment_that_both_models_find_lowers_the_weaker_one_within_its_class():
    first = {'c': [moment(0.8), moment(0.3, 10, 12)], 'd': []}
    second = {'d': [moment(0.2)], 'c': [moment(0.6), moment(0.5, label='run')]}
    merged = merge_moments([first, second], sigma=1)
    # The two 'walk' are the same segment: IoU 1, so 0.6 becomes 0.6 / e.
    assert merged['c'] == [
        moment(0.8),
        moment(0.5, label='run'),
        moment(0.3, 10, 12),
        moment(pytest.approx(0.6 / math.e)),
    ]
    assert merged['d'] == [moment(0.2)]
    assert len(merge_moments([first, second], max_segments=2)['c']) == 2


def test_one_model_alone_keeps_its_moments():
    assert merge_moments([{'c': [moment(0.1), moment(0.4)]}]) == {'c': [moment(0.4), moment(0.1)]}


def test_the_most_confident_windows_of_both_systems_answer_a_query():
    first = [answer([0.9, 0.2]), answer([0.1], index=1)]
    second = [answer([0.3], index=1, start=50), answer([0.9, 0.5], start=50)]
    merged = merge_answers([first, second], keep=3)
    assert merged[0]['predicted_times'] == [[0, 1], [50, 51], [51, 52]]
    assert merged[0]['scores'] == [0.9, 0.9, 0.5]
    assert merged[1]['predicted_times'] == [[50, 51], [0, 1]]


def test_one_system_without_scores_keeps_its_order():
    silent = answer([1] * 7)
    del silent['scores']
    [kept] = merge_answers([[silent]])
    assert kept['predicted_times'] == silent['predicted_times'][:5]
    with pytest.raises(ValueError, match='answers without `scores`, such as a submission'):
        merge_answers([[silent], [answer([1])]])
    with pytest.raises(ValueError, match='File 1 has some queries more than once'):
        merge_answers([[silent, silent]])


def test_systems_that_differ_in_what_they_answer_are_refused():
    with pytest.raises(ValueError, match='file 1 has 1, file 2 has 2, and 1 are in one of them on'):
        merge_moments([{'c': []}, {'c': [], 'd': []}])
    with pytest.raises(ValueError, match='1 has 1, file 2 has 1, and 2 are in .*: c a_0, c a_1'):
        merge_answers([[answer([1])], [answer([1], index=1)]])
    with pytest.raises(ValueError, match='File 2 has some queries more than once'):
        merge_answers([[answer([1])], [answer([1]), answer([1])]])
