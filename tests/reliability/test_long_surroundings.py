"""Runs in places and settings of other people (`tools/run_reliability.sh`)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

pytestmark = pytest.mark.long
ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / 'tests' / 'tools' / 'tiny'


def train(config, work_dir, umask=0o022, without=(), **variables):
    """Two epochs of the command line; the last checkpoint."""
    environment = {name: value for name, value in os.environ.items() if name not in without}
    environment.update(
        PYTHONPATH=f'{ROOT}{os.pathsep}{config.parent}', CUDA_VISIBLE_DEVICES='-1', **variables
    )
    subprocess.run(
        [sys.executable, ROOT / 'tools' / 'train.py', config, '--work-dir', work_dir],
        env=environment,
        cwd=work_dir.parent,
        umask=umask,
        check=True,
        capture_output=True,
    )
    return torch.load(work_dir / 'epoch_2.pth', weights_only=True)['state_dict']


def test_paths_locale_clock_and_umask_change_no_bit(tmp_path, record_property):
    """Blanks and accents in paths, no locale, another time zone, files for the owner alone."""
    wanted = train(TINY / 'config.py', tmp_path / 'plain', OMP_NUM_THREADS='1')
    place = tmp_path / 'Zoë 的 files'
    shutil.copytree(TINY, place / 'configs')
    config = place / 'configs' / 'the config.py'
    text = (place / 'configs' / 'config.py').read_text()
    config.write_text(text.replace('../../..', str(ROOT)))
    odd = train(
        config,
        place / 'runs',
        umask=0o077,
        without=('TMPDIR', 'LANG', 'HOME'),
        OMP_NUM_THREADS='1',
        LC_ALL='C',
        TZ='Pacific/Kiritimati',
    )
    torch.testing.assert_close(odd, wanted, rtol=0, atol=0)
    assert (place / 'runs' / 'epoch_2.pth').stat().st_mode & 0o077 == 0
    two = train(TINY / 'config.py', tmp_path / 'two', OMP_NUM_THREADS='2')
    torch.testing.assert_close(two, wanted, rtol=1e-5, atol=1e-5)
    record_property(
        'measured',
        'blanks and accents in paths, LC_ALL=C, another time zone, umask 077, no TMPDIR: same '
        'bits in another process; two threads within 1e-5',
    )
