import json
from pathlib import Path

import numpy as np
import pytest

from egomm.functional.retrieval import query_report, recall_at_k

GOLDEN = Path(__file__).parents[1] / 'golden' / 'asl'


@pytest.fixture(scope='module')
def data():
    return json.loads((GOLDEN / 'nlq_metrics.json').read_text())


@pytest.mark.parametrize('official', [False, True])
def test_recall_is_exactly_that_of_the_reference(data, official):
    result = recall_at_k(
        data['ground_truth'], data['submission'], data['thresholds'], data['topK'], official
    )
    assert result['recall'].tolist() == data['value']
    assert result['mean_r1'] == data['mean_R1']
    assert result['missing'] == 0


def test_missing_answers_are_wrong_unless_scored_as_the_official_script_does(data):
    expected = data['dropped_last3_value']
    submission = {'results': data['submission']['results'][:-3]}
    arguments = (data['ground_truth'], submission, expected['thresholds'], expected['topK'])
    official = recall_at_k(*arguments, official=True)
    assert official['recall'].tolist() == expected['value']
    strict = recall_at_k(*arguments)
    assert strict['missing'] == official['missing'] == 3
    answered = len(submission['results'])
    share = np.multiply(expected['value'], answered / (answered + 3))
    np.testing.assert_allclose(strict['recall'], share)
    assert strict['mean_r1'] == pytest.approx(share[:, 0].mean())


def truth(*windows, text='where?'):
    queries = [dict(query=text, clip_start_sec=s, clip_end_sec=e) for s, e in windows]
    annotation = {'annotation_uid': 'A', 'language_queries': queries}
    return {'videos': [{'clips': [{'clip_uid': 'c', 'annotations': [annotation]}]}]}


def answer(index, *times):
    return dict(clip_uid='c', annotation_uid='A', query_idx=index, predicted_times=list(times))


def test_recall_by_hand():
    submission = {
        'results': [
            answer(1, [0, 10], [20, 30]),
            answer(0, [0, 1], [0, 4]),  # IoU 1/8, then 1/2
            answer(2),
        ]
    }
    ground_truth = truth((0, 8), (20, 30), (5, 6), (7, 7))
    result = recall_at_k(ground_truth, submission, [0.1, 0.49, 0.5], [1, 2])
    assert result['recall'].tolist() == [[1 / 4, 2 / 4], [0, 2 / 4], [0, 1 / 4]]
    assert result['mean_r1'] == 0
    assert result['missing'] == 2


def test_mean_r1_has_its_own_thresholds():
    submission = {'results': [answer(0, [0, 4])]}
    assert recall_at_k(truth((0, 10)), submission, [0.9], [5])['mean_r1'] == 0.5  # IoU 0.4


def test_windows_without_length_are_missed_not_nan():
    result = recall_at_k(truth((3, 3)), {'results': [answer(0, [3, 3])]}, [0.0], [1])
    assert result['recall'].tolist() == [[0]]


def test_a_query_without_text_keeps_its_number_but_is_not_asked_for():
    ground_truth = truth((0, 8), (20, 30), (5, 6))
    queries = ground_truth['videos'][0]['clips'][0]['annotations'][0]['language_queries']
    queries[1]['query'] = None
    submission = {'results': [answer(0, [0, 8]), answer(1, [20, 30]), answer(2, [0, 1])]}
    result = recall_at_k(ground_truth, submission, [0.5], [1])
    assert result['recall'].tolist() == [[1 / 2]]
    assert result['missing'] == 0
    assert recall_at_k(ground_truth, submission, [0.5], [1], True)['recall'].tolist() == [[2 / 3]]


def test_an_empty_submission_is_0():
    for official in (False, True):
        result = recall_at_k(truth((0, 8), (1, 2)), {'results': []}, [0.3], [1, 5], official)
        assert result['recall'].tolist() == [[0, 0]]
        assert result['missing'] == 2


def test_a_repeated_record_is_refused_or_counts_twice():
    ground_truth = truth((0, 8), (20, 30))
    submission = {'results': [answer(0, [0, 8]), answer(1, [0, 8]), answer(0, [0, 8])]}
    with pytest.raises(ValueError, match=r"1 queries have several, .*\('c', 'A', 0\)"):
        recall_at_k(ground_truth, submission, [0.3], [1])
    recall = recall_at_k(ground_truth, submission, [0.3], [1], official=True)['recall']
    assert recall.tolist() == [[2 / 3]]


@pytest.mark.parametrize(
    'ground_truth, submission, k, words',
    [
        (truth((0, 8)), [answer(1, [0, 8])], 1, r"answers query \('c', 'A', 1\), which"),
        (truth((0, 8)), [answer(0, [0, float('nan')])], 1, r'the answers to query .*nan'),
        (truth((None, None)), [], 1, r'the window of query .* \[None, None\]\. Score a split'),
        (truth((0, 8), text=''), [], 1, 'got 1 videos without any'),
        (truth((0, 8)), [], 0, r'every k >= 1; got \[0\]'),
    ],
)
def test_what_cannot_be_scored_is_refused(ground_truth, submission, k, words):
    with pytest.raises(ValueError, match=words):
        recall_at_k(ground_truth, {'results': submission}, [0.3], [k])


def test_queries_without_windows_cannot_be_reported():
    with pytest.raises(ValueError, match=r'\[None, None\]\. Score a split with labels'):
        query_report({('c', 'A', 0): None}, {('c', 'A', 0): [[0, 8]]})


def test_all_queries_of_the_real_validation_split(realdata):
    ground_truth = json.loads((realdata / 'ego4d_nlq/nlq_val.json').read_text())
    results = []
    for video in ground_truth['videos']:
        for clip in video['clips']:
            for annotation in clip['annotations']:
                for index, query in enumerate(annotation['language_queries']):
                    times = [[query['clip_start_sec'], query['clip_end_sec']]]
                    record = answer(index, *times)
                    record.update(
                        clip_uid=clip['clip_uid'], annotation_uid=annotation['annotation_uid']
                    )
                    results.append(record)
    result = recall_at_k(ground_truth, {'results': results}, [0.99], [1])
    assert result['recall'].tolist() == [[1]]
    assert result['missing'] == 0
    half = recall_at_k(ground_truth, {'results': results[::2]}, [0.99], [1])
    assert half['recall'][0, 0] == 1 - half['missing'] / 4552
