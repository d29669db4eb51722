"""What pip installs: the pins, nobody's mmcv overwritten, and archives that run on their own."""

import functools
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

from egomm import __main__

ROOT = Path(__file__).resolve().parent.parent


def requirement_names(name):
    lines = (ROOT / 'requirements' / name).read_text().splitlines()
    lines = [line.split('#')[0].strip() for line in lines]
    names = [re.split(r'[<>=!~;\[ ]', line)[0] for line in lines if line]
    return [name.lower().replace('_', '-') for name in names]


def pins():
    lines = (ROOT / 'requirements' / 'constraints.txt').read_text().splitlines()
    pairs = [line.split('==') for line in lines if line and not line.startswith('#')]
    return {name.lower().replace('_', '-'): version for name, version in pairs}


def test_every_requirement_has_a_pin():
    wanted = {*requirement_names('runtime.txt'), *requirement_names('dev.txt'), 'mmcv-lite'}
    wanted |= set(requirement_names('docs.txt'))
    assert wanted - pins().keys() == set()


def test_the_three_opencv_builds_have_one_version():
    # They write the same package `cv2`: files of two versions in one folder do not import.
    versions = {version for name, version in pins().items() if name.startswith('opencv')}
    assert len(versions) == 1


def test_installing_egomm_never_installs_mmcv():
    assert [name for name in requirement_names('runtime.txt') if name.startswith('mmcv')] == []


def test_torch_is_pinned():
    assert pins()['torch'] == '2.13.0'


def test_the_model_index_lists_every_row_and_no_result_that_nobody_measured():
    index = yaml.safe_load((ROOT / 'model-index.yml').read_text())
    listed = {}
    for name in index['Import']:
        content = yaml.safe_load((ROOT / name).read_text())
        collections = {entry['Name'] for entry in content['Collections']}
        # As `mi check` of the package model-index looks: from the metafile's own folder.
        assert all(
            (ROOT / name).parent.joinpath(c['README']).is_file() for c in content['Collections']
        )
        for model in content['Models']:
            assert model['In Collection'] in collections
            assert model['Name'] == Path(model['Config']).stem
            listed[model['Config']] = model['Results']
    rows = [
        path for name in ('mimo', 'multitask', 'asl') for path in ROOT.glob(f'configs/{name}/*.py')
    ]
    assert set(listed) == {path.relative_to(ROOT).as_posix() for path in rows}
    assert [name for name, results in listed.items() if results] == []


def test_the_command_finds_tools_and_the_configs_of_the_package(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = __main__.resources()
    given = ['train', 'configs/toy/mimo_query.py', '--work-dir', 'configs/none']
    assert __main__.command(given, root) == [
        sys.executable,
        str(root / 'tools/train.py'),
        str(root / 'configs/toy/mimo_query.py'),
        *given[2:],
    ]
    assert __main__.command(['dist_train'], root) == ['bash', str(root / 'tools/dist_train.sh')]
    own = tmp_path / given[1]
    own.parent.mkdir(parents=True)
    own.touch()
    assert __main__.command(given, root)[2] == given[1]  # one's own comes first
    with pytest.raises(ValueError, match="no tool 'trian'. Close names: train.*`egomm` alone"):
        __main__.command(['trian'], root)


def test_the_list_of_tools_may_be_cut_off_by_its_reader():
    with subprocess.Popen(
        [sys.executable, '-m', 'egomm'], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    ) as process:
        process.stdout.close()  # as `egomm | head -1` does
        assert process.stderr.read() == b''
    assert process.returncode == 0


def test_every_tool_says_in_a_line_what_it_does():
    tools = __main__.find_tools(__main__.resources())
    assert {'train', 'prepare/hands', 'slurm_train'} <= set(tools)
    assert 'torchrun' not in tools  # for other scripts alone
    assert [name for name, path in tools.items() if len(__main__.summary(path)) < 10] == []


def build(folder, kind):
    """An archive of a copy of what git would have, made without the network."""
    source = folder / 'source'
    skipped = ('.git', '.venv', 'data', 'work_dirs', 'build', 'dist', '*.egg-info', '__pycache__')
    skipped += ('.mim', '.*_cache', '.hypothesis', 'site')
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(*skipped), dirs_exist_ok=True)
    code = f'from setuptools import build_meta as b; print(b.build_{kind}({str(folder)!r}))'
    done = subprocess.run(
        [sys.executable, '-c', code], cwd=source, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folder / done.stdout.split()[-1]


def sources(*folders):
    return {
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in (ROOT / folder).rglob('*')
        if path.suffix in ('.py', '.sh', '.yml') and '__pycache__' not in path.parts
    }


def test_the_wheel_has_modules_configs_tools_and_projects_and_its_command_runs(tmp_path):
    wheel = zipfile.ZipFile(build(tmp_path, 'wheel'))
    names = set(wheel.namelist())
    assert sources('egomm') <= names
    beside = {name for name in sources('configs', 'tools', 'projects') if '/test_' not in name}
    assert {f'egomm/.mim/{name}' for name in beside} == {
        name
        for name in names
        if name.startswith('egomm/.mim/') and name.endswith(('.py', '.sh', '.yml'))
    } - {'egomm/.mim/model-index.yml'}
    assert {'egomm/.mim/model-index.yml', 'egomm/py.typed'} <= names
    assert not any(name.startswith(('tests/', 'tools/', 'configs/')) for name in names)
    wheel.extractall(tmp_path / 'site')
    done = subprocess.run(
        [sys.executable, '-m', 'egomm', 'train', 'configs/toy/none.py'],
        cwd=tmp_path,
        env={**os.environ, 'PYTHONPATH': str(tmp_path / 'site')},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith('error: There is no config configs/toy/none.py')


def test_the_sdist_has_all_that_a_wheel_and_the_tests_need(tmp_path):
    with tarfile.open(build(tmp_path, 'sdist')) as archive:
        names = {name.partition('/')[2] for name in archive.getnames()}
    wanted = sources('egomm', 'configs', 'tools', 'projects', 'tests')
    wanted |= {'setup.py', 'README.md', 'LICENSE', 'requirements/runtime.txt', 'CITATION.cff'}
    pages = [path for path in (ROOT / 'docs').rglob('*') if path.is_file()]
    wanted |= {p.relative_to(ROOT).as_posix() for p in pages if p.suffix != '.pyc'}
    assert wanted - names == set()


@pytest.mark.long
def test_a_wheel_in_an_environment_of_its_own_trains_far_from_the_checkout(tmp_path):
    """The environment has egomm from the wheel alone; what it imports is this environment's."""
    wheel = build(tmp_path, 'wheel')
    subprocess.run([sys.executable, '-m', 'venv', '--without-pip', tmp_path / 'env'], check=True)
    site = next((tmp_path / 'env').glob('lib/python*/site-packages'))
    pip = [sys.executable, '-m', 'pip', '--python', tmp_path / 'env/bin/python', 'install']
    pip += ['--no-deps', '--no-index', '--quiet', wheel]
    subprocess.run(pip, check=True, env=bare_environment())
    assert (site / 'egomm' / '.mim').is_dir()
    # After its own folder; of this one no editable egomm is found, which only a .pth names.
    (site / 'libraries.pth').write_text(f'{sysconfig.get_path("purelib")}\n')
    work = tmp_path / 'elsewhere'
    work.mkdir()

    def egomm(*arguments):
        return said_in(work, tmp_path / 'env/bin/egomm', *arguments)

    assert str(site) in egomm()
    egomm('make_toy_kitchen', 'data/toy_kitchen', '--videos', '4')
    egomm('train', 'configs/toy/mimo_query.py', '--cfg-options', 'train_cfg.max_epochs=1')
    checkpoint = work / 'work_dirs/mimo_query/epoch_1.pth'
    said = egomm('test', 'configs/toy/mimo_query.py', checkpoint)
    assert 'epic100/all_action_accuracy_at_1' in said


def bare_environment():
    """What a stranger's shell has: nothing of this environment's Python, and one thread."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith('PYTHON')}
    return {**bare, 'OMP_NUM_THREADS': '1'}


def said_in(folder, *words):
    """What a command that must succeed prints, run by a stranger in a folder."""
    done = subprocess.run(
        words,
        cwd=folder,
        env=bare_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


@pytest.mark.long
@pytest.mark.skipif(
    os.environ.get('EGOMM_PACKAGE_INDEX') != '1',
    reason='installs all libraries anew: EGOMM_PACKAGE_INDEX=1 says that an index may be used',
)
@pytest.mark.parametrize('kind', ['wheel', 'sdist'])
def test_an_archive_in_an_empty_environment_trains_with_what_the_index_gives(tmp_path, kind):
    """The pins of the checkout, so that torch is the build that was tried."""
    archive = build(tmp_path, kind)
    work = tmp_path / 'elsewhere'
    work.mkdir()
    bin_ = tmp_path / 'env/bin'

    run = functools.partial(said_in, work)
    run(sys.executable, '-m', 'venv', tmp_path / 'env')
    pins = ROOT / 'requirements' / 'constraints.txt'
    run(bin_ / 'pip', 'install', '-c', pins, f'{archive}[lite]')
    try:
        run(bin_ / 'python', '-c', 'import cv2')
    except AssertionError:  # no display libraries: what docs/install.md says
        headless = 'opencv-contrib-python-headless'
        run(bin_ / 'pip', 'install', '-c', pins, '--no-deps', '--force-reinstall', headless)
    assert str(tmp_path / 'env') in run(bin_ / 'egomm', '--help')
    config = 'configs/toy/mimo_query.py'
    run(bin_ / 'egomm', 'make_toy_kitchen', 'data/toy_kitchen', '--videos', '4')
    run(bin_ / 'egomm', 'train', config, '--cfg-options', 'train_cfg.max_epochs=1')
    checkpoint = 'work_dirs/mimo_query/epoch_1.pth'
    run(bin_ / 'egomm', 'test', config, checkpoint, '--results', 'val.pkl')
    truth = 'data/toy_kitchen/annotations/EPIC_100_validation.csv'
    scores = run(bin_ / 'egomm', 'score', 'epic100', 'val.pkl', '--annotations', truth)
    assert 'all accuracy_at_1' in scores
