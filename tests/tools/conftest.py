"""Runs of the command line, in processes of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / 'tests' / 'tools' / 'tiny'
CONFIG = TINY / 'config.py'


def call(*command, folder=ROOT, code=0):
    """Run a tool from some folder; its whole output."""
    environment = dict(
        os.environ,
        PYTHON=sys.executable,
        PYTHONPATH=f'{ROOT}{os.pathsep}{TINY}',
        CUDA_VISIBLE_DEVICES='-1',
        OMP_NUM_THREADS='1',
    )
    environment.pop('LOCAL_RANK', None)
    done = subprocess.run(
        [str(part) for part in command],
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout[-5000:]
    return done.stdout


def loss_curve(work_dir):
    """Every logged training value but the times: one dict a step."""
    rows = []
    for file in sorted(Path(work_dir).glob('*/vis_data/scalars.json')):
        rows += [json.loads(line) for line in file.read_text().splitlines()]
    return [
        {name: value for name, value in row.items() if 'time' not in name}
        for row in rows
        if 'loss' in row
    ]


@pytest.fixture(scope='session')
def command_line():
    """`call` and `loss_curve`, the tools' folder, and the tiny config."""

    class CommandLine:
        config, tools, python = CONFIG, ROOT / 'tools', sys.executable
        call, loss_curve = staticmethod(call), staticmethod(loss_curve)

    return CommandLine


@pytest.fixture(scope='session')
def trained(tmp_path_factory):
    """Work directory of two epochs in one process, started from a foreign folder."""
    folder = tmp_path_factory.mktemp('trained')
    call(sys.executable, ROOT / 'tools' / 'train.py', CONFIG, '--work-dir', 'run', folder=folder)
    return folder / 'run'
