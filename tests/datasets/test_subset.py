"""Recorded subsets: the same clips in any order, and a list that notices a change."""

import hashlib
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from egomm.datasets.subset import choose, list_hash, lowest_share, read_list, write_list

NAMES = [f'P01_01_{number}' for number in range(10)]


def test_lowest_share_is_that_of_the_formula_in_any_order():
    ranked = sorted(NAMES, key=lambda name: hashlib.sha256(f'7:{name}'.encode()).hexdigest())
    assert lowest_share(NAMES, 0.39, seed=7) == set(ranked[:3])  # floor(3.9)
    assert lowest_share(NAMES[::-1], 0.39, seed=7) == set(ranked[:3])
    assert lowest_share(NAMES, 0.39, seed=8) != set(ranked[:3])
    assert len(lowest_share(NAMES, 0.01, seed=7)) == 1


def test_share_outside_0_to_1_is_refused():
    with pytest.raises(ValueError, match='0 < fraction <= 1; got 25'):
        lowest_share(NAMES, 25, seed=0)


def test_list_round_trip_and_hash(tmp_path):
    path = tmp_path / 'list.txt'
    stated = write_list(path, NAMES[::-1], 'all')
    assert stated == hashlib.sha256(('\n'.join(NAMES) + '\n').encode()).hexdigest()
    assert stated == list_hash(NAMES)
    assert read_list(path) == set(NAMES)
    assert choose(NAMES + ['P02_01_0'], path) == set(NAMES)


def test_changed_missing_empty_and_foreign_lists_are_refused(tmp_path):
    path = tmp_path / 'list.txt'
    with pytest.raises(ValueError, match='no such list of clips.*make_subset'):
        read_list(path)
    write_list(path, NAMES, 'all')
    with pytest.raises(ValueError, match=r"10 of its 10 ids are not in the.*'P01_01_0'"):
        choose(['P09_01_0'], path)
    path.write_text(path.read_text().replace('P01_01_3\n', ''))
    with pytest.raises(ValueError, match='the list was changed'):
        read_list(path)
    path.write_text('# nothing\n')
    with pytest.raises(ValueError, match='holds no narration id'):
        read_list(path)


def test_keep_of_another_form_is_refused():
    with pytest.raises(ValueError, match=r"dict\(fraction=\.\.\., seed=\.\.\.\).*got {'share': 1}"):
        choose(NAMES, {'share': 1})
    with pytest.raises(ValueError, match='the path of a list of narration ids; got 3'):
        choose(NAMES, 3)


def test_tool_writes_what_a_dataset_reads(tmp_path, files):
    rows = [files.row(name, 'P01_01', 1, 2, 60) for name in NAMES]
    table = files.write_csv(tmp_path / 'a.csv', rows)
    tool = Path(__file__).parents[2] / 'tools/make_subset.py'
    subprocess.run(
        [
            sys.executable,
            tool,
            table,
            '--fraction',
            '0.5',
            '--seed',
            '3',
            '--out',
            tmp_path / 'list.txt',
        ],
        check=True,
        capture_output=True,
    )
    assert read_list(tmp_path / 'list.txt') == lowest_share(NAMES, 0.5, 3)


@pytest.mark.parametrize(
    'data, more, words',
    [
        (None, (), r'No such file or directory: .*a\.csv'),
        (b'\x80\xff', (), r'a\.csv: a CSV in UTF-8 is expected'),
        (b'id\n1\n', (), r"a\.csv has no column 'narration_id'; got \['id'\]"),
        (b'narration_id\nP01_01_0\n', ('--fraction', '3'), 'wants 0 < fraction <= 1; got 3.0'),
    ],
)
def test_tool_says_what_is_wrong_with_its_input(data, more, words, tmp_path, monkeypatch, capsys):
    path = tmp_path / 'a.csv'
    if data is not None:
        path.write_bytes(data)
    tool = runpy.run_path(str(Path(__file__).parents[2] / 'tools/make_subset.py'))
    monkeypatch.setattr(sys, 'argv', ['make_subset.py', str(path), '--out', 'x', *more])
    with pytest.raises(SystemExit, match='2'):
        tool['main']()
    assert re.search(words, capsys.readouterr().err)
