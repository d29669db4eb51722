"""What pip installs: the pins cover the requirements, and nobody's mmcv is overwritten."""

import re
from pathlib import Path

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
    assert wanted - pins().keys() == set()


def test_the_three_opencv_builds_have_one_version():
    # They write the same package `cv2`: files of two versions in one folder do not import.
    versions = {version for name, version in pins().items() if name.startswith('opencv')}
    assert len(versions) == 1


def test_installing_egomm_never_installs_mmcv():
    assert [name for name in requirement_names('runtime.txt') if name.startswith('mmcv')] == []


def test_torch_is_pinned():
    assert pins()['torch'] == '2.13.0'
