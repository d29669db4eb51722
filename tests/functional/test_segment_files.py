import json

import pytest

from egomm.functional.segment_files import (
    best_first,
    is_number,
    read_answers,
    read_moments_found,
    write_json,
)

MOMENT = dict(label='walk', score=0.5, segment=[0.0, 4])
ANSWER = dict(clip_uid='c', annotation_uid='a', query_idx=0, predicted_times=[[0, 1.5]])


def test_what_was_written_is_read(tmp_path):
    write_json(tmp_path / 'new' / 'm.json', {'results': {'c': [MOMENT], 'd': []}})
    assert read_moments_found(tmp_path / 'new' / 'm.json') == {'c': [MOMENT], 'd': []}
    answers = [ANSWER, {**ANSWER, 'query_idx': 1, 'scores': [0.2]}]
    write_json(tmp_path / 'q.json', {'results': answers})
    assert read_answers(tmp_path / 'q.json') == answers
    assert sorted(path.name for path in tmp_path.iterdir()) == ['new', 'q.json']


@pytest.mark.parametrize(
    'rows',
    [
        [{**MOMENT, 'score': float('nan')}],
        [{**MOMENT, 'segment': [0]}],
        [{**MOMENT, 'label': 3}],
        {'label': 'walk'},
    ],
)
def test_what_is_no_moment_is_refused(tmp_path, rows):
    (tmp_path / 'm.json').write_text(json.dumps({'results': {'c': rows}}))
    with pytest.raises(ValueError, match='clip c: a list of moments with label, score and segment'):
        read_moments_found(tmp_path / 'm.json')


@pytest.mark.parametrize(
    'change',
    [
        dict(predicted_times=[[0, float('inf')]]),
        dict(predicted_times=None),
        dict(scores=[0.1, 0.2]),
        dict(scores=['high']),
        dict(clip_uid={}),
        dict(query_idx=[0]),
        dict(query_idx='0'),
        dict(query_idx=True),
    ],
)
def test_what_is_no_answer_is_refused(tmp_path, change):
    (tmp_path / 'q.json').write_text(json.dumps({'results': [{**ANSWER, **change}]}))
    with pytest.raises(ValueError, match='answer 0: clip_uid, annotation_uid, query_idx'):
        read_answers(tmp_path / 'q.json')


def test_files_that_hold_something_else_are_refused(tmp_path):
    with pytest.raises(ValueError, match='There is no file .*absent.json of segments'):
        read_answers(tmp_path / 'absent.json')
    (tmp_path / 'x.json').write_text('{')
    with pytest.raises(ValueError, match='cannot be read as JSON'):
        read_answers(tmp_path / 'x.json')
    (tmp_path / 'x.json').write_text('{"results": {}}')
    with pytest.raises(ValueError, match="wants answers to queries, a list, under 'results'; got"):
        read_answers(tmp_path / 'x.json')


def test_a_file_is_json_of_finite_numbers(tmp_path):
    with pytest.raises(ValueError, match='Let its name end in .json'):
        write_json(tmp_path / 'x.pkl', {})
    with pytest.raises(ValueError, match='finite numbers only'):
        write_json(tmp_path / 'x.json', [float('nan')])
    assert not list(tmp_path.iterdir())


def test_true_text_and_huge_integers_are_no_numbers():
    assert [is_number(value) for value in (True, '1', 10**400, None, 1)] == [False] * 4 + [True]


def test_of_equal_scores_the_first_listed_comes_first():
    rows = [dict(score=0.1, n=0), dict(score=0.5, n=1), dict(score=0.5, n=2)]
    assert [row['n'] for row in best_first(rows)] == [1, 2, 0]
