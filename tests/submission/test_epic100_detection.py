"""Submissions to action detection on EPIC-KITCHENS-100 (C2)."""

import json

import pytest

from egomm.submission.epic100_detection import check_detections, write_detections
from egomm.submission.supervision import Supervision

VIDEOS = ['P01_101', 'P02_110']
LEVELS = Supervision(2, 3, 4)
FOUND = {
    'P02_110': [
        dict(label='3,12', score=0.25, segment=[1.5, 4.0]),
        dict(label='96,299', score=0.5, segment=[0.0, 2.0]),
    ],
    'P01_101': [],
}


def test_actions_are_written_as_the_official_evaluation_reads_them(tmp_path):
    write_detections(tmp_path / 'x.json', FOUND, VIDEOS, LEVELS)
    assert json.loads((tmp_path / 'x.json').read_text()) == {
        'version': '0.2',
        'challenge': 'action_detection',
        'sls_pt': 2,
        'sls_tl': 3,
        'sls_td': 4,
        'results': {
            'P02_110': [
                dict(verb=96, noun=299, action='96,299', score=0.5, segment=[0.0, 2.0]),
                dict(verb=3, noun=12, action='3,12', score=0.25, segment=[1.5, 4.0]),
            ],
            'P01_101': [],
        },
    }
    assert check_detections(tmp_path / 'x.json', VIDEOS) == LEVELS
    with pytest.raises(ValueError, match='exists'):
        write_detections(tmp_path / 'x.json', FOUND, VIDEOS, LEVELS)


@pytest.mark.parametrize(
    'change, fault',
    [
        (lambda d: d.pop('sls_td'), "'sls_td' is missing"),
        (lambda d: d.update(sls_pt=6), "'sls_pt' is to be a whole number within 0..5, got 6"),
        (lambda d: d.update(version='0.1'), "'version' is to be '0.2', got '0.1'"),
        (
            lambda d: d.update(challenge='action_recognition'),
            "'challenge' is to be 'action_detection', got 'action_recognition'",
        ),
        (lambda d: d.update(author='x'), '1 further keys beside results: author'),
        (lambda d: d.pop('results'), "an object of lists by video is wanted as 'results'"),
        (lambda d: d['results'].pop('P01_101'), '1 of 2 videos missing: P01_101'),
        (lambda d: d['results'].update(P09_01=[]), '1 unknown videos: P09_01'),
        (lambda d: d['results'].update(P01_101={}), '1 videos without a list of actions: P01_101'),
        (
            lambda d: d['results']['P02_110'][0].pop('noun'),
            '1 videos with actions that have not exactly action, noun, score, segment, verb: '
            'P02_110',
        ),
        (
            lambda d: d['results']['P02_110'][0].update(verb=97, action='97,299'),
            '1 videos with a verb that is no whole number within 0..96: P02_110',
        ),
        (
            lambda d: d['results']['P02_110'][1].update(noun=12.0),
            '1 videos with a noun that is no whole number within 0..299: P02_110',
        ),
        (
            lambda d: d['results']['P02_110'][0].update(action='299,96'),
            '1 videos with an action that is not "verb,noun" of its verb and noun: P02_110',
        ),
        (
            lambda d: d['results']['P02_110'][0].update(score=float('nan')),
            '1 videos with scores that are no finite numbers: P02_110',
        ),
        (
            lambda d: d['results']['P02_110'][0].update(segment=[1.0]),
            '1 videos with segments that are not [start, end] in finite numbers: P02_110',
        ),
        (
            lambda d: d['results']['P02_110'][0].update(segment=[2.0, 2.0]),
            '1 videos with segments that do not end after their start, or start before the video: '
            'P02_110',
        ),
    ],
)
def test_a_fault_is_named(tmp_path, change, fault):
    write_detections(tmp_path / 'x.json', FOUND, VIDEOS, LEVELS)
    document = json.loads((tmp_path / 'x.json').read_text())
    change(document)
    (tmp_path / 'x.json').write_text(json.dumps(document))
    with pytest.raises(ValueError, match=r'no valid submission to EPIC-KITCHENS-100 .*C2') as error:
        check_detections(tmp_path / 'x.json', VIDEOS)
    faults = [line for line in str(error.value).splitlines() if line.startswith('  - ')]
    assert f'  - {fault}' in faults
    assert len(faults) <= 2  # a wrong verb or noun also does not fit its action


def test_what_is_no_submission_at_all_is_refused(tmp_path):
    with pytest.raises(ValueError, match='There is no submission'):
        check_detections(tmp_path / 'x.json', VIDEOS)
    for text, words in (
        ('[]', 'an object is wanted as the whole, got a list'),
        ('{"a": 1, "a": 2}', "it cannot be read as JSON of keys that occur once: 'a' occurs"),
    ):
        (tmp_path / 'x.json').write_text(text)
        with pytest.raises(ValueError, match=words):
            check_detections(tmp_path / 'x.json', VIDEOS)


def test_moments_and_actions_of_a_part_of_the_videos_are_not_written(tmp_path):
    moments = {'P01_101': [dict(label='walk', score=0.5, segment=[0, 1])], 'P02_110': []}
    with pytest.raises(ValueError, match='such as "3,12"; got \'walk\''):
        write_detections(tmp_path / 'x.json', moments, VIDEOS, LEVELS)
    with pytest.raises(ValueError, match='1 of 2 videos missing: P01_101'):
        write_detections(tmp_path / 'x.json', {'P02_110': []}, VIDEOS, LEVELS)
    with pytest.raises(ValueError, match=r'Let its name end in \.json'):
        write_detections(tmp_path / 'x.zip', FOUND, VIDEOS, LEVELS)
    assert not list(tmp_path.iterdir())
