"""The pages followed literally: every block that needs no data of others, in the order it stands.

Worlds are smaller than the ones readers get; nothing else differs. Pages share a folder, as a
reader's do: what `train.md` trains, others use.
"""

import os
import subprocess
import sys

import pytest

from tests.pages import ROOT, blocks

ORDER = (
    *('train', 'epic100', 'own_video', 'own_data', 'own_component'),
    *('egtea', 'ego4d_mq', 'ego4d_nlq', 'clusters', 'install'),
)
PRELUDE = """
set -euo pipefail
smaller() {
    case "$1" in
        tools/make_toy_kitchen.py) echo --videos 6 ;;
        tools/make_toy_features.py) echo --train 4 --val 4 ;;
    esac
}
python() { PYTHONPATH="$ROOT:${PYTHONPATH:-}" "$PYTHON" "$@" $(smaller "$1"); }
egomm() { python -m egomm "$@"; }
"""


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """What a checkout has, without what is made in it."""
    folder = tmp_path_factory.mktemp('reader')
    for name in ('configs', 'tools', 'projects', 'docs', 'requirements', 'README.md'):
        (folder / name).symlink_to(ROOT / name)
    return folder


def run(command, folder, place):
    environment = {**os.environ, 'PYTHON': sys.executable, 'ROOT': str(ROOT)}
    environment.update(CUDA_VISIBLE_DEVICES='-1', OMP_NUM_THREADS='1')
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f'{place}\n{done.stdout[-4000:]}'
    return done.stdout


@pytest.mark.long
@pytest.mark.parametrize('name', ORDER)
def test_a_page_can_be_followed(name, folder):
    for block in blocks(ROOT / 'docs' / f'{name}.md'):
        place = f'docs/{name}.md:{block.line}'
        if block.why:
            continue
        if block.file:
            (folder / block.file).parent.mkdir(exist_ok=True)
            (folder / block.file).write_text(block.code)
        elif block.language == 'bash':
            run(['bash', '-c', PRELUDE + block.code], folder, place)
        elif block.language == 'python':
            run(['bash', '-c', PRELUDE + 'python -c "$0"', block.code], folder, place)


def test_every_page_with_something_to_run_is_followed():
    runnable = {
        page.stem
        for page in (ROOT / 'docs').glob('*.md')
        if any(block.language in ('bash', 'python') and not block.why for block in blocks(page))
    }
    assert runnable == set(ORDER)
