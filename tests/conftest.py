"""Fixtures of all tests, and what pytest says about skipped ones.

Data beside the checkout: ``EGOMM_REALDATA`` and ``EGOMM_GOLDEN`` name the folders, by default
``../shared/realdata`` and ``../shared/golden``. Where a folder is absent, tests that need it
are skipped. Once its variable is set the data is promised, and such a skip becomes a failure.
"""

import dataclasses
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parent.parent
# Words a skip reason starts with -> the variable that promises the data.
PROMISES = {'real data absent': 'EGOMM_REALDATA', 'golden data absent': 'EGOMM_GOLDEN'}


def _folder(variable, default, absent):
    path = Path(os.environ.get(variable) or ROOT.parent / 'shared' / default)
    if not path.is_dir():
        pytest.skip(f'{absent}: {path} is no folder; {variable} can name another one')
    return path


@pytest.fixture(scope='session')
def realdata():
    """Folder of real annotations, frames and videos; nothing of it is in the repository."""
    return _folder('EGOMM_REALDATA', 'realdata', 'real data absent')


@pytest.fixture(scope='session')
def golden():
    """Folder of reference outputs; the small files that tests always need are in tests/golden."""
    return _folder('EGOMM_GOLDEN', 'golden', 'golden data absent')


@pytest.fixture(scope='session')
def make_toy_world(tmp_path_factory):
    """Makes toy kitchens, each kind once: ``make_toy_world(videos=4, seed=3)`` -> its folder.

    Keyword arguments other than ``videos`` are knobs of `egomm.testing.spec.KitchenSpec`.
    Tests share the folders, so they only read them.
    """
    from egomm.testing.spec import PRESETS
    from egomm.testing.toy_kitchen import make_toy_kitchen

    root = tmp_path_factory.mktemp('toy_kitchen')

    def make(videos=4, **knobs):
        spec = dataclasses.replace(PRESETS['quick'].with_videos(videos), **knobs)
        make_toy_kitchen(root / spec.digest(), spec, processes=1)
        return root / spec.digest()

    return make


@pytest.fixture(scope='session')
def toy_world(make_toy_world):
    """Folder of a toy kitchen of four short videos."""
    return make_toy_world()


@pytest.fixture(scope='session')
def egtea_world(toy_world, tmp_path_factory):
    """Folder of the toy kitchen in the layout of EGTEA Gaze+."""
    from egomm.testing.egtea import write_egtea

    out = tmp_path_factory.mktemp('egtea')
    write_egtea(toy_world, out)
    return out


@pytest.fixture(scope='session')
def feature_world(tmp_path_factory):
    """Folder of generated features with moments and queries, two clips a split."""
    from egomm.testing.features import write_feature_world

    out = tmp_path_factory.mktemp('feature_world')
    write_feature_world(out, train=2, val=2, signal=3.0)
    return out


@pytest.fixture(scope='session')
def epic55_world(toy_world, tmp_path_factory):
    """Folder of the toy kitchen in the layout of EPIC-KITCHENS-55."""
    from egomm.testing.epic55 import write_epic55

    out = tmp_path_factory.mktemp('epic55')
    write_epic55(toy_world, out)
    return out


@pytest.fixture(scope='session')
def real_files(realdata, tmp_path_factory):
    """The real frames and videos in the layout of EPIC-KITCHENS-100, with made-up labels."""
    out = tmp_path_factory.mktemp('real_files')
    tool = ROOT / 'tools/prepare/real_files.py'
    subprocess.run([sys.executable, tool, realdata, out], check=True, capture_output=True)
    return out


@pytest.fixture(scope='session', autouse=True)
def _few_threads():
    """Tests compute small things: more threads cost more than they give."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _seed():
    """Each test starts from the same state of torch's generator, whatever ran before it."""
    torch.manual_seed(0)


def _skip_reason(report):
    """The reason of a skipped report, without pytest's own prefix."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return reason.removeprefix('Skipped: ')


def _keep_promise(report):
    """Turn a skip for want of data into a failure when the data was promised."""
    if not report.skipped or hasattr(report, 'wasxfail'):
        return
    reason = _skip_reason(report)
    for words, variable in PROMISES.items():
        if reason.startswith(words) and os.environ.get(variable):
            report.outcome = 'failed'
            report.longrepr = f'{variable} is set, so this data has to be there. {reason}'


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    _keep_promise(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    report = yield
    _keep_promise(report)
    return report


def pytest_terminal_summary(terminalreporter):
    skips = Counter(_skip_reason(report) for report in terminalreporter.stats.get('skipped', []))
    terminalreporter.section('skips by reason')
    for reason, count in skips.most_common():
        terminalreporter.line(f'{count:5d}  {reason}')
    if not skips:
        terminalreporter.line('none')
