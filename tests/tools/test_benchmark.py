"""The command on its cheapest case, and what it refuses."""

import json
import math
import subprocess
import sys

import pytest
import torch

from egomm.testing.benchmarks import runs, segments
from egomm.testing.benchmarks.contest import CASES, Contest, Settings, Side, contests, names_of
from egomm.testing.benchmarks.report import section, table, verdict
from tools import benchmark


def test_the_command_prints_a_table_and_writes_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(segments, 'CANDIDATES', 400)
    monkeypatch.setattr(runs, 'SECONDS', {True: 0.0})
    here = lambda name, settings: runs.measure(name, Settings(**settings))  # noqa: E731
    monkeypatch.setattr(runs, 'run_case', here)
    out = tmp_path / 'numbers.json'
    benchmark.main(['--quick', '--threads', '1', '--only', 'soft-nms', '--out', str(out)])
    said = capsys.readouterr().out
    assert 'growth with candidates: exponent' in said
    written = json.loads(out.read_text())
    rows = {row['side']: row for row in written['cases']['soft-nms']['rows']}
    assert rows['egomm']['difference'] < 1e-4
    assert rows['egomm']['ratio'] > 1
    assert '| soft-nms | egomm ' in said


@pytest.mark.long
def test_each_case_is_a_process_of_its_own(capsys):
    benchmark.main(['--quick', '--threads', '1', '--only', 'start-up'])
    said = capsys.readouterr().out
    assert '| start-up | import torch ' in said
    assert 'torch imported by `import egomm` (0 is no): 0' in said


def test_without_cuda_the_gpu_suite_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(ValueError, match='torch finds no CUDA device here'):
        benchmark.main(['--suite', 'gpu'])


def test_unknown_cases_are_refused_by_name(capsys):
    with pytest.raises(SystemExit):
        benchmark.parse_arguments(['--suite', 'gpu', '--only', 'soft-nms'])
    assert 'no such case in the gpu suite; it has fusion, mimo' in capsys.readouterr().err


def test_every_case_can_be_described():
    for name in CASES:
        for case in contests(name, Settings(quick=True, threads=1)):
            assert isinstance(case, Contest)
            assert case.sides
    assert set(names_of('gpu')) < set(names_of('cpu'))


def test_another_result_is_an_error():
    case = Contest(
        work='a sum',
        peer=Side('right', lambda: lambda: 1.0),
        sides=[Side('wrong', lambda: lambda: 1.5, tolerance=0.1)],
        difference=lambda theirs, ours: abs(theirs - ours),
    )
    with pytest.raises(ValueError, match='wrong differs from right by 0.5, more than 0.1'):
        runs.measure_contest('sum', 0, case, Settings(quick=True))


def test_growth_is_the_slope_of_logarithms():
    assert runs.exponent([1, 2, 4], [3, 12, 48]) == pytest.approx(2)
    assert runs.exponent([10, 100], [5, 5]) == pytest.approx(0)


def test_saved_memory_counts_each_storage_once_and_no_parameters():
    weight = torch.nn.Parameter(torch.ones(8, 8))
    x = torch.ones(4, 8, requires_grad=True)

    def work():
        y = x @ weight  # keeps x (a leaf, as the weight) for nothing but gradients
        z = y.exp()  # keeps z: 4 x 8 x 4 bytes
        return (z * z).sum()  # keeps z again

    assert runs.saved_bytes(work) == 4 * 8 * 4


def test_targets_of_speed_and_memory_must_both_hold():
    row = dict(ratio=2.0, target=1.5, limit=None, memory_ratio=0.8, memory_target=0.7, fastest=1)
    assert verdict(row) == 'no'
    assert verdict({**row, 'memory_ratio': 0.6}) == 'yes'
    assert verdict({**row, 'memory_ratio': None}) == 'yes'
    assert verdict({**row, 'target': None, 'memory_target': None}) == ''


def test_a_case_that_failed_is_told_in_the_table_of_others():
    assert section('asl', {'error': 'no memory'}) == 'asl: not measured: no memory\n'
    assert table([]).count('\n') == 1


def test_rounds_take_turns():
    seen = []
    works = [lambda: seen.append('a'), lambda: seen.append('b')]
    times = runs.alternate(works, [1.0, 1.0], 3, 0.0)
    assert [len(row) for row in times] == [2, 2]  # a round takes longer than what is given
    assert ''.join(seen) == 'abba'
    assert all(math.isfinite(taken.wall) for row in times for taken in row)


def test_peak_memory_does_not_begin_at_what_the_starting_process_had():
    child = 'from egomm.testing.benchmarks.runs import peak_bytes; print(peak_bytes())'
    parent = (
        'import subprocess, sys; held = b"x" * 400_000_000; '
        'print(subprocess.check_output([sys.executable, "-c", sys.argv[1]], text=True))'
    )
    found = subprocess.check_output([sys.executable, '-c', parent, child], text=True)
    assert int(found) < 200_000_000
