"""Processes of torchrun that are killed, and started again by it (`tools/run_reliability.sh`)."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from egomm.sealing import Seal, seal_of

pytestmark = pytest.mark.long
ROOT = Path(__file__).resolve().parents[2]
PLUGINS = (ROOT, ROOT / 'tests/tools/tiny', ROOT / 'tests/reliability/elastic')
INTERVAL = 2  # steps between two checkpoints


def start(config, work_dir, restarts):
    """`tools/dist_train.sh` with two processes; what it says goes beside the work directory."""
    environment = dict(
        os.environ,
        PYTHON=sys.executable,
        PYTHONPATH=os.pathsep.join(map(str, PLUGINS)),
        CUDA_VISIBLE_DEVICES='-1',
        MAX_RESTARTS=str(restarts),
    )
    with work_dir.with_suffix('.log').open('wb') as log:
        return subprocess.Popen(
            ['bash', ROOT / 'tools/dist_train.sh', config, '2', '--work-dir', work_dir],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def notes(folder, rank):
    """What `SlowSteps` has written: attempt, process, what, where."""
    path = folder / f'rank_{rank}'
    rows = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
    return [(int(attempt), int(pid), what, int(where)) for attempt, pid, what, where in rows]


def write_config(folder, name):
    """Twelve steps and four evaluations, a checkpoint every other step; its file and its notes."""
    noted = folder / f'{name}_notes'
    noted.mkdir()
    config = folder / f'{name}.py'
    config.write_text(
        f"_base_ = ['{ROOT}/tests/tools/tiny/config.py']\n"
        "custom_imports = dict(imports=['random_clips', 'slow_steps'])\n"
        'train_dataloader = dict(batch_size=2, num_workers=1, persistent_workers=True)\n'
        'train_cfg = dict(max_epochs=4)\n'
        "custom_hooks = [dict(type='EMAHook', momentum=0.1),\n"
        f"    dict(type='SlowSteps', folder='{noted}', seconds=0.1)]\n"
        'default_hooks = dict(checkpoint=dict(\n'
        f'    interval={INTERVAL}, by_epoch=False, max_keep_ckpts=2))\n'
    )
    return config, noted


def wait_for(folder, rank, wanted, seconds=300):
    """The process of a rank, as soon as it notes (attempt, what, where)."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for attempt, pid, what, where in notes(folder, rank):
            if (attempt, what, where) == wanted:
                return pid
        time.sleep(0.01)
    raise AssertionError(f'rank {rank} never came to {wanted}: {notes(folder, rank)}')


def is_there(pid):
    """Whether a process runs."""
    try:
        state = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0]
    except OSError:
        return False
    return state not in 'ZX'


def test_three_kills_of_two_processes_end_with_the_weights_of_a_run_never_killed(
    tmp_path, request, record_property
):
    """Killed within a step, while the other saves or waits, in an evaluation, and at the start."""
    config, noted = write_config(tmp_path, 'whole')
    assert start(config, tmp_path / 'whole', restarts=0).wait(300) == 0
    config, noted = write_config(tmp_path, 'killed')
    folder = tmp_path / 'killed'
    # An earlier run in this folder: its checkpoint must not be taken for one of this run.
    folder.mkdir()
    (folder / 'epoch_4.pth').write_bytes((tmp_path / 'whole' / 'iter_12.pth').read_bytes())
    run = start(config, folder, restarts=3)
    request.addfinalizer(run.kill)
    lost = []
    kills = ((0, 1, ('step', 4)), (1, 0, ('val', 2)), (2, 1, ('step', 12)))
    for attempt, rank, moment in kills:
        pid = wait_for(noted, rank, (attempt, *moment))
        os.kill(pid, signal.SIGKILL)
        others = {line[1] for line in notes(noted, 1 - rank) if line[0] == attempt}
        wait_for(noted, 0, (attempt + 1, 'start', 0))
        assert not any(map(is_there, {pid, *others})), 'a process of the attempt before is left'
    assert run.wait(300) == 0, (tmp_path / 'killed.log').read_text()[-5000:]
    rows = notes(noted, 0)
    for attempt in range(3):
        reached = max(at for number, _, what, at in rows if number == attempt and what == 'step')
        again = min(at for number, _, what, at in rows if number == attempt + 1 and what == 'step')
        lost.append(reached - again + 1)
    assert max(lost) <= INTERVAL
    assert {at for _, _, what, at in rows if what == 'step'} == set(range(1, 13))
    one, two = (tmp_path / name / 'iter_12.pth' for name in ('whole', 'killed'))
    assert seal_of(two) is Seal.INTACT
    one, two = (torch.load(path, weights_only=True) for path in (one, two))
    assert one['param_schedulers'] == two['param_schedulers']
    for part in ('state_dict', 'ema_state_dict', 'optimizer'):
        torch.testing.assert_close(one[part], two[part], rtol=0, atol=0)
    record_property(
        'measured',
        f'torchrun, 2 processes, 3 SIGKILL: steps done twice {lost} (a checkpoint every '
        f'{INTERVAL}), same weights as undisturbed, difference 0.0',
    )
