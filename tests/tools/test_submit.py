"""tools/submit.py as a user calls it."""

import json
import time
import zipfile

import numpy as np
import pytest

from egomm.functional.result_file import Results, write_results

IDS = ['P01_101_0', 'P01_101_1', 'P02_110_0']
LEVELS = ['--sls-pt', '2', '--sls-tl', '3', '--sls-td', '3']


@pytest.fixture
def submit(command_line, tmp_path):
    """Calls ``submit.py c1`` in a folder with a test file and the scores of two models."""
    (tmp_path / 'test.csv').write_text('narration_id,video_id\n' + ''.join(f'{i},x\n' for i in IDS))
    for value, order in ((1.0, IDS), (4.0, IDS[::-1])):
        scores = [np.full((3, count), value, 'f4') for count in (97, 300)]
        write_results(tmp_path / f'{value:.0f}.pkl', Results(order, *scores))

    def call(*arguments, code=0):
        return command_line.call(
            command_line.python,
            command_line.tools / 'submit.py',
            'c1',
            *arguments,
            '--timestamps',
            'test.csv',
            folder=tmp_path,
            code=code,
        )

    return call


def test_late_fusion_is_written_and_found_valid(submit, tmp_path):
    output = submit('1.pkl', '4.pkl', '--weights', '2', '1', '--out', 'new/s.zip', *LEVELS)
    assert 'EPIC-KITCHENS-100 action recognition (C1), submission format 0.2; server: ' in output
    assert 'CLOSED (last checked 20' in output
    assert 'Wrote new/s.zip: 3 clips from 2 result file(s), 97 verb and 300 noun scores' in output
    with zipfile.ZipFile(tmp_path / 'new' / 's.zip') as archive:
        document = json.loads(archive.read('test.json'))
    assert list(document['results']) == IDS
    assert set(document['results'][IDS[2]]['noun'].values()) == {2.0}
    output = submit('--check', 'new/s.zip')
    assert 'new/s.zip is valid: 3 clips, 97 verb and 300 noun scores each, sls_pt 2' in output

    output = submit('1.pkl', '--out', 'new/s.zip', *LEVELS, code=2)
    assert 'error: new/s.zip exists.' in output


def test_faults_are_said_without_a_traceback(submit, tmp_path):
    write_results(tmp_path / '96.pkl', Results(IDS[:2], np.zeros((2, 96)), np.zeros((2, 300))))
    output = submit('96.pkl', '--out', 's.zip', *LEVELS, code=2)
    assert 'Traceback' not in output
    assert '  - 1 of 3 clips missing: P02_110_0\n' in output
    assert '  - 2 clips with 96 instead of 97 verb scores: P01_101_0, P01_101_1\n' in output
    assert not (tmp_path / 's.zip').exists()


def test_arguments_that_do_not_go_together_are_refused(submit):
    output = submit('1.pkl', '--out', 's.zip', '--sls-pt', '2', code=2)
    assert '--out wants RESULTS, --sls-pt, --sls-tl and --sls-td' in output
    assert '--check takes --timestamps alone' in submit('1.pkl', '--check', 's.zip', code=2)


@pytest.mark.parametrize('tool', ['submit.py', 'score.py'])
def test_help_is_quick(command_line, tool):
    best = float('inf')
    for _ in range(6):  # the machine may be busy
        start = time.perf_counter()
        command_line.call(command_line.python, command_line.tools / tool, '--help')
        best = min(best, time.perf_counter() - start)
        if best < 1:
            break
    assert best < 1


def test_neither_tool_loads_torch_for_pickles(command_line, tmp_path):
    code = (
        'import runpy, sys\n'
        'from egomm.submission.result_files import read_results\n'
        'for tool in sys.argv[1:]: runpy.run_path(tool)\n'
        'read_results("x.pkl")\n'
        'assert "torch" not in sys.modules'
    )
    write_results(tmp_path / 'x.pkl', Results(IDS, np.zeros((3, 97)), np.zeros((3, 300))))
    tools = [command_line.tools / 'submit.py', command_line.tools / 'score.py']
    command_line.call(command_line.python, '-c', code, *tools, folder=tmp_path)


def test_the_two_test_sets_of_epic_55_are_joined(command_line, tmp_path):
    uids = {'s1': ['1924', '1925'], 's2': ['15582']}
    for name, members in uids.items():
        (tmp_path / f'{name}.csv').write_text(
            'uid,video_id\n' + ''.join(f'{u},x\n' for u in members)
        )
        for value in (1.0, 4.0):
            scores = [np.full((len(members), count), value, 'f4') for count in (125, 352)]
            write_results(tmp_path / f'{name}_{value:.0f}.pkl', Results(members, *scores))

    def call(*arguments, code=0):
        tool = command_line.tools / 'submit.py'
        files = ['--s1', 's1.csv', '--s2', 's2.csv']
        return command_line.call(
            command_line.python, tool, 'ek55', *arguments, *files, folder=tmp_path, code=code
        )

    output = call('s1_1.pkl', 's1_4.pkl', 's2_4.pkl', '--out', 's.zip')
    assert 'Wrote s.zip: 2 clips of s1 and 1 clips of s2' in output
    with zipfile.ZipFile(tmp_path / 's.zip') as archive:
        seen, unseen = (
            json.loads(archive.read(f'{name}.json'))['results'] for name in ('seen', 'unseen')
        )
    assert set(seen['1925']['verb'].values()) == {2.5}
    assert set(unseen['15582']['action'].values()) == {8.0}
    assert 's.zip is valid: 2 clips of s1 and 1 clips of s2' in call('--check', 's.zip')
    assert 'Traceback' not in (output := call('s1_1.pkl', '--out', 't.zip', code=2))
    assert '  - unseen.json: 1 of 1 clips missing: 15582\n' in output
    assert '--out wants RESULTS' in call('--out', 't.zip', code=2)
