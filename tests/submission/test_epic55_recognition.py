"""Submissions to the challenge of EPIC-KITCHENS-55."""

import json
import zipfile

import numpy as np
import pytest

from egomm.functional.csv_columns import read_columns
from egomm.functional.result_file import Results
from egomm.submission.epic55_recognition import check_submission, write_submission

IDS = {'s1': ['1924', '1925', '1926'], 's2': ['15582', '15583']}
ALL = [*IDS['s2'], *IDS['s1']]


def scores(uids, verbs=125, nouns=352):
    rng = np.random.default_rng(0)
    return Results(
        list(uids), *(rng.normal(size=(len(uids), n)).astype('f4') for n in (verbs, nouns))
    )


@pytest.fixture
def good(tmp_path):
    """Path of a valid submission."""
    write_submission(tmp_path / 'good.zip', scores(ALL), IDS)
    return tmp_path / 'good.zip'


def content(path):
    with zipfile.ZipFile(path) as archive:
        return {name: json.loads(archive.read(name)) for name in archive.namelist()}


def zipped(path, members):
    with zipfile.ZipFile(path, 'w') as archive:
        for name, text in members.items():
            archive.writestr(name, text if isinstance(text, (str, bytes)) else json.dumps(text))
    return path


def faults_of(path):
    with pytest.raises(ValueError, match='no valid submission to EPIC-KITCHENS-55') as caught:
        check_submission(path, IDS)
    lines = str(caught.value).splitlines()
    return [line.removeprefix('  - ') for line in lines if line.startswith('  - ')]


def test_every_clip_has_all_classes_and_the_best_hundred_pairs(good):
    members = content(good)
    assert list(members) == ['seen.json', 'unseen.json']
    assert {document['version'] for document in members.values()} == {'0.1'}
    results = scores(ALL)
    for test_set, member in (('s1', 'seen.json'), ('s2', 'unseen.json')):
        assert list(members[member]['results']) == IDS[test_set]
        for uid, entry in members[member]['results'].items():
            row = ALL.index(uid)
            verb, noun = (x[row].astype(float) for x in (results.verb, results.noun))
            assert list(entry['verb'].values()) == verb.tolist()
            assert list(entry['noun'].values()) == noun.tolist()
            sums = verb[:, None] + noun
            best = np.argsort(sums, axis=None)[::-1][:100]
            pairs = np.stack(np.unravel_index(best, sums.shape), axis=1).tolist()
            assert list(entry['action']) == [f'{v},{n}' for v, n in pairs]
            assert list(entry['action'].values()) == sums.flatten()[best].tolist()
    check_submission(good, IDS)


def test_the_real_test_sets_make_a_valid_submission(realdata, tmp_path):
    ids = {
        name: read_columns(realdata / f'ek55/EPIC_test_{name}_timestamps.csv', {'uid': str})['uid']
        for name in ('s1', 's2')
    }
    assert {name: len(uids) for name, uids in ids.items()} == {'s1': 8047, 's2': 2929}
    some = {name: uids[:20] for name, uids in ids.items()}
    write_submission(tmp_path / 'x.zip', scores(some['s1'] + some['s2']), some)
    check_submission(tmp_path / 'x.zip', some)
    with pytest.raises(ValueError, match=r'seen.json: 8027 of 8047 clips missing(.|\n)*2909 of'):
        check_submission(tmp_path / 'x.zip', ids)


def test_scores_that_make_no_submission_leave_no_file(tmp_path):
    path = tmp_path / 'x.zip'
    for results, words in [
        (scores([*ALL, '7']), '1 unknown clips: 7'),
        (scores(ALL[1:]), r'unseen.json: 1 of 2 clips missing: 15582'),
        (scores(ALL, nouns=322), '322 instead of 352 noun scores a clip'),
        (scores(ALL)._replace(verb=np.full((5, 125), np.nan)), 'verb scores that are no finite'),
    ]:
        with pytest.raises(ValueError, match=words):
            write_submission(path, results, IDS)
        assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match='Let the name end in .zip'):
        write_submission(tmp_path / 'x.json', scores(ALL), IDS)


def test_an_existing_file_is_overwritten_when_told(good):
    with pytest.raises(ValueError, match='good.zip exists'):
        write_submission(good, scores(ALL), IDS)
    write_submission(good, scores(ALL), IDS, force=True)


def break_version(document):
    document['version'] = '0.2'


def break_action(document):
    document['results']['1924']['action'] = {'125,0': 1.0, '0, 1': 2.0}


def break_too_many(document):
    document['results']['1924']['action'] = {f'0,{n}': 1.0 for n in range(101)}


def break_class(document):
    del document['results']['1925']['noun']['351']


def break_score(document):
    document['results']['1925']['verb']['3'] = '1.0'


def break_digits(document):
    document['results']['1925']['noun']['3'] = 10**400  # beyond any float


def break_keys(document):
    document['results']['1926']['mood'] = {}
    document['team'] = 'x'


def break_entry(document):
    document['results']['1924'] = 5
    document['results']['1925'] = {}


def break_results(document):
    document['results'] = []


@pytest.mark.parametrize(
    'change, words',
    [
        (break_version, ["'version' is to be '0.1', got '0.2'"]),
        (break_action, ['1 clips with actions other than "verb,noun" of these classes: 1924']),
        (break_too_many, ['1 clips without 1 to 100 action scores: 1924']),
        (break_class, ['1 clips without the noun classes "0".."351": 1925']),
        (break_digits, ['1 clips with noun scores that are no finite numbers: 1925']),
        (break_score, ['1 clips with verb scores that are no finite numbers: 1925']),
        (
            break_keys,
            [
                '1 further keys: team',
                '1 clips with further keys than verb, noun and action: 1926',
            ],
        ),
        (
            break_entry,
            [
                '1 clips without an object of verb, noun and action: 1924',
                '1 clips without verb scores: 1925',
                '1 clips without noun scores: 1925',
                '1 clips without 1 to 100 action scores: 1925',
            ],
        ),
        (break_results, ["an object is wanted as 'results'"]),
    ],
)
def test_each_fault_is_named(good, change, words):
    members = content(good)
    change(members['seen.json'])
    zipped(good, members)
    assert faults_of(good) == [f'seen.json: {word}' for word in words]


def test_files_around_it_are_checked(good, tmp_path):
    members = content(good)
    missing = zipped(tmp_path / 'a.zip', {'seen.json': members['seen.json']})
    assert faults_of(missing) == ['the members seen.json and unseen.json are wanted, got seen.json']
    doubled = {**members, 'unseen.json': '{"version": "0.1", "version": "0.1"}'}
    [fault] = faults_of(zipped(tmp_path / 'b.zip', doubled))
    assert fault == (
        "unseen.json: no JSON of keys that occur once: 'version' occurs more than once in an object"
    )
    [fault] = faults_of(zipped(tmp_path / 'c.zip', {**members, 'unseen.json': '[1]'}))
    assert fault == 'unseen.json: an object is wanted as the whole'
    (tmp_path / 'd.zip').write_bytes(good.read_bytes()[:100])
    [fault] = faults_of(tmp_path / 'd.zip')
    assert 'it may be cut short' in fault
    with pytest.raises(ValueError, match='There is no submission'):
        check_submission(tmp_path / 'e.zip', IDS)
