"""From a dump to a config with weights, on the command line."""

import importlib.util
import json
import re

import pytest
from mmengine.config import Config

from egomm.registry import MODELS


@pytest.fixture(scope='module')
def dump(command_line, trained):
    path = trained / 'readout.pkl'
    command_line.call(
        command_line.python,
        command_line.tools / 'test.py',
        command_line.config,
        trained / 'epoch_2.pth',
        '--work-dir',
        trained / 'plain',
        '--dump',
        path,
        '--cfg-options',
        'model.record=["readout"]',
    )
    return path


def search(command_line, trained, dump, *options, code=0):
    return command_line.call(
        command_line.python,
        command_line.tools / 'search_reallocation.py',
        command_line.config,
        trained / 'epoch_2.pth',
        dump,
        *options,
        code=code,
    )


def test_the_written_config_tests_as_the_search_said(command_line, trained, dump, tmp_path):
    out = tmp_path / 'deeper' / 'weights.py'
    said = search(
        command_line, trained, dump, '--steps', 6, '--out', out, '--json', tmp_path / 'found.json'
    )
    assert 'held out' in said
    assert '7 clips of 3 participants' in said
    command_line.call(
        command_line.python,
        command_line.tools / 'test.py',
        out,
        trained / 'epoch_2.pth',
        '--work-dir',
        tmp_path / 'test',
    )
    (scores_file,) = (tmp_path / 'test').glob('*/2*.json')  # named by time, beside the run card
    scores = json.loads(scores_file.read_text())
    for task in ('verb', 'noun', 'action'):
        row = re.search(rf'^{task} +[\d.]+ +[\d.]+ +\S+ +([\d.]+)', said, re.MULTILINE)
        assert float(row.group(1)) == pytest.approx(
            scores[f'epic100/all_{task}_accuracy_at_1'], abs=0.01
        )
    found = json.loads((tmp_path / 'found.json').read_text())
    assert (found['clips'], found['participants']) == (7, 3)
    for kind, column in (('without', 0), ('held_out', 1), ('in_sample', 3)):
        for task, value in found['top1'][kind].items():
            row = re.search(rf'^{task} +(.*[+-].*)', said, re.MULTILINE).group(1).split()
            assert float(row[column]) == pytest.approx(value, abs=0.01)


def test_no_steps_gain_nothing(command_line, trained, dump):
    said = search(command_line, trained, dump, '--steps', 0)
    assert re.findall(r'[+-]\d+\.\d\d', said) == ['+0.00'] * 6


def test_bad_requests_are_one_line(command_line, trained, dump, tmp_path):
    for name, words in (
        ('weights.json', 'wants a name that ends in .py; got weights.json'),
        (command_line.config, 'is the config that the new one builds on'),
    ):
        assert words in search(command_line, trained, dump, '--out', name, code=2)
    (tmp_path / 'bad.pkl').write_bytes(b'no pickle')
    for name, words in (('absent.pkl', 'There is no dump'), ('bad.pkl', 'bad.pkl')):
        said = search(command_line, trained, tmp_path / name, code=2)
        assert said.startswith('error: ')
        assert words in said
    config = tmp_path / 'weighted.py'
    config.write_text(
        f'_base_ = {str(command_line.config)!r}\n'
        "model = dict(neck=dict(reallocation=dict(type='FixedReallocation', weights={})))\n"
    )
    said = command_line.call(
        command_line.python,
        command_line.tools / 'search_reallocation.py',
        config,
        trained / 'epoch_2.pth',
        dump,
        code=2,
    )
    assert said.startswith('error: ')
    assert 're-allocates already' in said


def test_a_head_of_pairs_is_refused(command_line):
    path = command_line.tools / 'search_reallocation.py'
    spec = importlib.util.spec_from_file_location('search_reallocation', path)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    pairs = dict(type='ActionHead', pairs=[[0, 0], [1, 1]], in_channels=8, source='action')
    config = Config(
        dict(
            model=dict(
                type='MultiIOModel',
                backbones=dict(rgb=dict(type='torch.nn.Identity')),
                neck=dict(
                    type='QueryFusion', in_channels=dict(rgb=8), out_channels=8, tasks=('action',)
                ),
                heads=dict(action=pairs),
            )
        )
    )
    with pytest.raises(ValueError, match=r"The heads of \['action'\] classify pairs"):
        tool.check(config, MODELS.build(config.model))
