import copy
import json
import re
import zipfile
from collections.abc import Sequence

import numpy as np
import pytest

from egomm.functional.csv_columns import read_columns
from egomm.functional.result_file import Results
from egomm.submission.epic100_recognition import Supervision, check_submission, write_submission

IDS = [f'P01_101_{index}' for index in range(8)]
LEVELS = Supervision(2, 3, 3)


def scores(ids: Sequence[str], verbs=97, nouns=300):
    rng = np.random.default_rng(0)
    verb, noun = (rng.normal(size=(len(ids), n)).astype('f4') for n in (verbs, nouns))
    return Results(list(ids), verb, noun)


@pytest.fixture
def good(tmp_path):
    """Path of a valid submission."""
    write_submission(tmp_path / 'good.zip', scores(IDS), IDS, LEVELS)
    return tmp_path / 'good.zip'


def content(path):
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read('test.json'))


def zipped(path, members):
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, text in members:
            archive.writestr(name, text if isinstance(text, (str, bytes)) else json.dumps(text))
    return path


def faults_of(path, ids=IDS):
    """The lines of the message that refuses a submission."""
    with pytest.raises(ValueError, match='no valid submission to EPIC-KITCHENS-100') as caught:
        check_submission(path, ids)
    text = str(caught.value)
    found = [line.removeprefix('  - ') for line in text.splitlines() if line.startswith('  - ')]
    assert f'; {len(found)} kinds of fault:' in text
    return found


class TestWriting:
    def test_equals_the_official_script(self, golden, tmp_path):
        expected = json.loads((golden / 'mimo' / 'c1_submission_expected.json').read_text())
        with np.load(golden / 'mimo' / 'c1_metrics_inputs.npz') as data:
            ids = data['narration_id'][:3].tolist()
            results = Results(ids, data['verb_scores'][:3], data['noun_scores'][:3])
        write_submission(tmp_path / 'x.zip', results, ids, LEVELS)
        with zipfile.ZipFile(tmp_path / 'x.zip') as archive:
            [member] = archive.infolist()
            assert archive.read('test.json').decode() == json.dumps(expected)
        assert member.filename == 'test.json'
        assert member.compress_type == zipfile.ZIP_DEFLATED

    def test_equals_json_of_the_whole(self, good):
        results = scores(IDS)
        expected = {
            'version': '0.2',
            'challenge': 'action_recognition',
            'sls_pt': 2,
            'sls_tl': 3,
            'sls_td': 3,
            'results': {
                name: {
                    'verb': {str(i): float(value) for i, value in enumerate(verb)},
                    'noun': {str(i): float(value) for i, value in enumerate(noun)},
                }
                for name, verb, noun in zip(*results)
            },
        }
        with zipfile.ZipFile(good) as archive:
            assert archive.read('test.json').decode() == json.dumps(expected)

    def test_an_existing_file_stays_unless_forced(self, good):
        before = good.read_bytes()
        with pytest.raises(ValueError, match=r'good\.zip exists.*--force'):
            write_submission(good, scores(IDS), IDS, Supervision(0, 0, 0))
        assert good.read_bytes() == before
        write_submission(good, scores(IDS), IDS, Supervision(0, 0, 0), force=True)
        assert check_submission(good, IDS) == (0, 0, 0)
        assert list(good.parent.iterdir()) == [good]

    @pytest.mark.parametrize(
        'results, levels, words',
        [
            (scores(IDS[1:]), LEVELS, '1 of 8 clips missing: P01_101_0'),
            (scores([*IDS, 'P99_1_0']), LEVELS, '1 unknown clips: P99_1_0'),
            (scores([*IDS, IDS[3]]), LEVELS, '1 clips more than once: P01_101_3'),
            (scores(IDS, verbs=96), LEVELS, '8 clips with 96 instead of 97 verb scores: P01_101_0'),
            (
                scores(IDS)._replace(noun=np.full((8, 300), np.nan)),
                LEVELS,
                '8 clips with noun scores that are no finite numbers',
            ),
            (
                scores(IDS),
                Supervision(2, 6, 3),
                "'sls_tl' is to be a whole number within 0..5, got 6",
            ),
        ],
    )
    def test_scores_that_make_no_valid_submission_are_not_written(
        self, tmp_path, results, levels, words
    ):
        with pytest.raises(ValueError, match=re.escape(words)):
            write_submission(tmp_path / 'x.zip', results, IDS, levels)
        assert not list(tmp_path.iterdir())

    def test_another_end_of_the_name_is_refused(self, tmp_path):
        with pytest.raises(ValueError, match=r'is a zip file; got .*x\.json'):
            write_submission(tmp_path / 'x.json', scores(IDS), IDS, LEVELS)


class TestChecking:
    def test_a_valid_file_gives_its_levels(self, good, tmp_path):
        assert check_submission(good, IDS[::-1]) == LEVELS
        (tmp_path / 'x.json').write_text(json.dumps(content(good)))
        assert check_submission(tmp_path / 'x.json', IDS) == LEVELS

    def test_order_of_keys_does_not_matter(self, good, tmp_path):
        document = content(good)
        entry = document['results'][IDS[0]]
        entry['verb'] = dict(sorted(entry['verb'].items(), reverse=True))
        assert check_submission(zipped(tmp_path / 'x.zip', [('test.json', document)]), IDS)

    @pytest.mark.parametrize(
        'change, fault',
        [
            (lambda d: d.update(version='0.1'), "'version' is to be '0.2', got '0.1'"),
            (lambda d: d.update(version=0.2), "'version' is to be '0.2', got 0.2"),
            (
                lambda d: d.update(challenge='action_anticipation'),
                "'challenge' is to be 'action_recognition', got 'action_anticipation'",
            ),
            (lambda d: d.pop('sls_pt'), "'sls_pt' is missing"),
            (
                lambda d: d.update(sls_td=True),
                "'sls_td' is to be a whole number within 0..5, got True",
            ),
            (
                lambda d: d.update(sls_td={'0': 1}),
                "'sls_td' is to be a whole number within 0..5, got an object",
            ),
            (lambda d: d.update(team='x'), '1 further keys beside results: team'),
            (lambda d: d.pop('results'), "an object is wanted as 'results', got none"),
            (lambda d: d.update(results=[]), "an object is wanted as 'results', got a list"),
            (lambda d: d['results'].pop(IDS[2]), '1 of 8 clips missing: P01_101_2'),
            (
                lambda d: d['results'].update(P02_1_0=d['results'][IDS[0]]),
                '1 unknown clips: P02_1_0',
            ),
            (
                lambda d: d['results'].update({IDS[0]: [1]}),
                '1 clips without an object of verb and noun: P01_101_0',
            ),
            (lambda d: d['results'][IDS[1]].pop('verb'), '1 clips without verb scores: P01_101_1'),
            (
                lambda d: d['results'][IDS[1]].update(action={}),
                '1 clips with further keys than verb and noun: P01_101_1',
            ),
            (
                lambda d: d['results'][IDS[1]].update(verb=[0.5] * 97),
                '1 clips with verb scores that are no object: P01_101_1',
            ),
            (
                lambda d: d['results'][IDS[1]]['verb'].pop('96'),
                '1 clips with 96 instead of 97 verb scores: P01_101_1',
            ),
            (
                lambda d: d['results'][IDS[1]].update(verb=d['results'][IDS[1]]['noun']),
                '1 clips with 300 instead of 97 verb scores: P01_101_1',
            ),
            (
                lambda d: d['results'][IDS[1]].update(
                    noun={str(i): 0.0 for i in range(1, 301)}  # counted from 1
                ),
                '1 clips with noun classes other than "0".."299": P01_101_1',
            ),
        ],
    )
    def test_each_fault_is_named(self, good, tmp_path, change, fault):
        document = content(good)
        change(document)
        assert faults_of(zipped(tmp_path / 'x.zip', [('test.json', document)])) == [fault]

    @pytest.mark.parametrize('value', [float('nan'), float('inf'), '1', None, True, 10**400])
    def test_scores_that_are_no_finite_numbers_are_named(self, good, tmp_path, value):
        document = content(good)
        document['results'][IDS[4]]['noun']['7'] = value
        assert faults_of(zipped(tmp_path / 'x.zip', [('test.json', document)])) == [
            '1 clips with noun scores that are no finite numbers: P01_101_4'
        ]

    def test_what_the_text_has_twice_is_named(self, good, tmp_path):
        text = json.dumps(content(good))
        start = text.index('"P01_101_1": ')
        clip = text[start : text.index('"P01_101_2"')]
        text = text[:start] + clip + text[start:]
        text = text.replace('"version": "0.2"', '"version": "0.1", "version": "0.2"')
        text = text.replace('{"verb": {"0": ', '{"noun": {}, "verb": {"0": 1, "0": ', 1)
        assert faults_of(zipped(tmp_path / 'x.zip', [('test.json', text)])) == [
            '1 keys more than once: version',
            '1 clips more than once: P01_101_1',
            '1 clips with verb classes more than once: P01_101_0',
            '1 clips with verb or noun more than once: P01_101_0',
        ]

    def test_all_faults_come_in_one_message_with_counts_and_first_names(self, good, tmp_path):
        document = copy.deepcopy(content(good))
        document.update(version='0.1', sls_pt=9)
        for name in IDS[:6]:
            document['results'][name]['verb']['0'] = None
        del document['results'][IDS[6]]
        document['results']['x'] = document['results'][IDS[7]]
        assert faults_of(zipped(tmp_path / 'x.zip', [('test.json', document), ('a', '')])) == [
            'one member test.json is wanted, got test.json, a',
            "'version' is to be '0.2', got '0.1'",
            "'sls_pt' is to be a whole number within 0..5, got 9",
            '1 of 8 clips missing: P01_101_6',
            '1 unknown clips: x',
            '6 clips with verb scores that are no finite numbers: '
            'P01_101_0, P01_101_1, P01_101_2, P01_101_3, P01_101_4 and 1 more',
        ]

    def test_other_members_are_named(self, tmp_path):
        assert faults_of(zipped(tmp_path / 'x.zip', [('folder/test.json', '{}')])) == [
            'one member test.json is wanted, got folder/test.json'
        ]
        assert faults_of(zipped(tmp_path / 'x.zip', [])) == [
            'one member test.json is wanted, got none'
        ]

    @pytest.mark.parametrize('share', [0.1, 0.5, 0.99])
    def test_a_zip_that_is_cut_short_is_named(self, good, share):
        data = good.read_bytes()
        good.write_bytes(data[: int(share * len(data))])
        [fault] = faults_of(good)
        assert fault.startswith('the zip file cannot be read, it may be cut short: ')

    def test_damaged_bytes_inside_the_zip_are_named(self, good):
        data = bytearray(good.read_bytes())
        data[len(data) // 2] ^= 255
        good.write_bytes(data)
        [fault] = faults_of(good)
        assert fault.startswith('the zip file cannot be read')

    @pytest.mark.parametrize(
        'text, fault',
        [
            (b'null', 'an object is wanted as the whole, got None'),
            (b'[1]', 'an object is wanted as the whole, got a list'),
            (b'{"version"', 'the file (neither zip nor JSON) cannot be read as JSON: Expecting'),
            (b'\xff\xff', 'the file (neither zip nor JSON) cannot be read as JSON: '),
            (b'[' * 100_000, 'the file (neither zip nor JSON) cannot be read as JSON: '),
        ],
    )
    def test_other_text_is_refused(self, tmp_path, text, fault):
        (tmp_path / 'x.json').write_bytes(text)
        [found] = faults_of(tmp_path / 'x.json')
        assert found.startswith(fault)

    def test_a_missing_file_is_named(self, tmp_path):
        with pytest.raises(ValueError, match=r'no submission .*x\.zip'):
            check_submission(tmp_path / 'x.zip', IDS)


def test_real_test_ids_are_all_asked_for(realdata, good):
    path = realdata / 'ek100' / 'EPIC_100_test_timestamps.csv'
    ids = read_columns(path, {'narration_id': str})['narration_id']
    assert len(set(ids)) == len(ids) == 13_092
    first = f'{13_092 - len(set(IDS) & set(ids))} of 13092 clips missing: '
    assert faults_of(good, ids)[0].startswith(first)


@pytest.mark.long
def test_a_submission_of_the_real_size_is_written_and_checked(realdata, tmp_path):
    path = realdata / 'ek100' / 'EPIC_100_test_timestamps.csv'
    ids = read_columns(path, {'narration_id': str})['narration_id']
    write_submission(tmp_path / 'x.zip', scores(ids), ids[::-1], LEVELS)
    assert check_submission(tmp_path / 'x.zip', ids) == LEVELS
