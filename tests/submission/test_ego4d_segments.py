"""Submissions to Ego4D Moment Queries and Natural Language Queries."""

import json

import pytest

from egomm.datasets.moments import read_label_map, read_moments
from egomm.datasets.queries import read_queries, record_key
from egomm.submission.ego4d_segments import (
    check_answers,
    check_moments,
    write_answers,
    write_moments,
)

CLIPS, CLASSES = ['c', 'd'], ['run', 'walk']
QUERIES = [('c', 'a', 0), ('c', 'a', 2)]


def moment(score=0.5, label='walk', segment=(0, 4)):
    return dict(label=label, score=score, segment=list(segment))


def answer(key, times=((0, 1),), **further):
    names = dict(zip(('clip_uid', 'annotation_uid', 'query_idx'), key))
    return dict(names, predicted_times=[list(window) for window in times], **further)


MOMENTS = {'d': [moment(0.1), moment(0.9)], 'c': []}
ANSWERS = [answer(key, scores=[0.3]) for key in QUERIES]


@pytest.fixture
def spoil(tmp_path):
    """Faults of a submission after a change to its valid content."""

    def call(check, write, change):
        write(tmp_path / 'x.json')
        document = json.loads((tmp_path / 'x.json').read_text())
        text = change(document) or json.dumps(document)
        (tmp_path / 'x.json').write_text(text)
        with pytest.raises(ValueError, match='no valid submission to Ego4D') as caught:
            check(tmp_path / 'x.json')
        lines = str(caught.value).splitlines()
        return [line.removeprefix('  - ') for line in lines if line.startswith('  - ')]

    return call


@pytest.fixture
def moment_faults(spoil):
    return lambda change: spoil(
        lambda path: check_moments(path, CLIPS, CLASSES),
        lambda path: write_moments(path, MOMENTS, CLIPS, CLASSES, force=True),
        change,
    )


@pytest.fixture
def answer_faults(spoil):
    return lambda change: spoil(
        lambda path: check_answers(path, QUERIES),
        lambda path: write_answers(path, ANSWERS, QUERIES, force=True),
        change,
    )


def test_moments_stand_in_both_lists_best_first(tmp_path):
    write_moments(tmp_path / 'x.json', MOMENTS, CLIPS, CLASSES)
    document = json.loads((tmp_path / 'x.json').read_text())
    rows = {'d': [moment(0.9), moment(0.1)], 'c': []}
    assert document == dict(
        version='1.0', challenge='ego4d_moment_queries', detect_results=rows, retrieve_results=rows
    )
    check_moments(tmp_path / 'x.json', CLIPS, CLASSES)


def test_answers_are_written_without_confidence_and_five_at_most(tmp_path):
    many = [answer(QUERIES[0], [(n, n + 1) for n in range(7)], scores=[1] * 7), ANSWERS[1]]
    write_answers(tmp_path / 'x.json', many, QUERIES)
    document = json.loads((tmp_path / 'x.json').read_text())
    assert document['challenge'] == 'ego4d_nlq_challenge'
    first, second = document['results']
    assert first == answer(QUERIES[0], [(n, n + 1) for n in range(5)])
    assert second == answer(QUERIES[1])
    check_answers(tmp_path / 'x.json', QUERIES)
    with pytest.raises(ValueError, match='x.json exists. Choose another name'):
        write_answers(tmp_path / 'x.json', many, QUERIES)
    write_answers(tmp_path / 'x.json', many, QUERIES, force=True)


def test_every_fault_of_moments_is_named(moment_faults):
    def change(document):
        document.update(version='2', extra=0)
        del document['detect_results']['c']
        document['detect_results'].update(e=[moment()], d=[moment(label='fly')])
        document['retrieve_results']['c'] = [moment(segment=(4, 4)), moment(0.9)]
        document['retrieve_results']['d'] = [dict(moment(), score='high')]

    assert moment_faults(change) == [
        "'version' is to be '1.0', got '2'",
        '1 further keys: extra',
        'detect_results: 1 of 2 clips missing: c',
        'detect_results: 1 unknown clips: e',
        'detect_results: 1 clips with labels that are no class: d',
        'retrieve_results: 1 clips without a list of label, score and segment [start, end] of '
        'finite numbers: d',
        'retrieve_results: 1 clips with segments that do not end after their start, or start '
        'before the clip: c',
        'retrieve_results: 1 clips whose moments are not best first: c',
    ]


def test_every_fault_of_answers_is_named(answer_faults):
    def change(document):
        document['results'] = [
            answer(QUERIES[0], [(3, 3)]),
            answer(QUERIES[0], [(0, 1)] * 6),
            answer(('c', 'a', 1)),
            answer(('c', 'a', '2')),
        ]

    assert answer_faults(change) == [
        '1 answers without exactly clip_uid, annotation_uid, query_idx, predicted_times, names as '
        'text and the index as a whole number',
        '1 of 2 queries missing: c a_2',
        '1 unknown queries: c a_1',
        '1 queries more than once: c a_0',
        '1 queries with windows that do not end after their start, or start before the clip: c a_0',
        '1 queries without 1 to 5 windows [start, end] of finite numbers: c a_0',
    ]


def test_what_has_another_shape_is_named(moment_faults, answer_faults):
    assert moment_faults(lambda document: '[]') == ['an object is wanted as the whole']
    assert moment_faults(lambda document: document.pop('detect_results') and None) == [
        "an object of lists by clip id is wanted as 'detect_results'"
    ]
    assert answer_faults(lambda document: document.update(results={})) == [
        "a list is wanted as 'results'"
    ]
    [fault] = answer_faults(lambda document: '{"version": 1, "version": 2}')
    assert fault.endswith("occur once: 'version' occurs more than once in an object")


def test_an_absent_submission_is_an_error(tmp_path):
    with pytest.raises(ValueError, match='There is no submission .*x.json'):
        check_answers(tmp_path / 'x.json', QUERIES)


def test_the_real_test_splits_make_valid_submissions(realdata, tmp_path):
    classes = read_label_map(realdata / 'ego4d_mq/ego4d_label_map.txt')
    file = realdata / 'ego4d_mq/ego4d_mq_v1_clip_annotations.json'
    clips = [row['clip_id'] for row in read_moments(file, classes, ['test']).records]
    assert (len(clips), len(classes)) == (488, 110)
    write_moments(tmp_path / 'm.json', {clip: [] for clip in clips}, clips, classes)
    check_moments(tmp_path / 'm.json', clips, classes)
    with pytest.raises(ValueError, match='487 of 488 clips missing'):
        write_moments(tmp_path / 'y.json', {clips[0]: []}, clips, classes)

    records = read_queries(realdata / 'ego4d_nlq/nlq_test_unannotated.json').records
    keys = [record_key(record) for record in records]
    assert len(keys) == 4004
    write_answers(tmp_path / 'q.json', [answer(key) for key in keys], keys)
    check_answers(tmp_path / 'q.json', keys)
    with pytest.raises(ValueError, match='4003 of 4004 queries missing'):
        write_answers(tmp_path / 'y.json', [answer(keys[0])], keys)
