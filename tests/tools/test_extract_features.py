"""tools/extract_features.py as a user calls it, and a run on what it wrote."""

import importlib.util
import json
import re

import pytest
import torch


@pytest.fixture(scope='module')
def tool(command_line):
    """tools/extract_features.py as a module."""
    path = command_line.tools / 'extract_features.py'
    spec = importlib.util.spec_from_file_location('extract_features', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.long
def test_two_processes_on_tokens_give_the_loss_curve_of_one(command_line, trained, tmp_path):
    """Extraction, then training and validation of the cached twin of the tiny config."""
    output = command_line.call(
        command_line.python,
        command_line.tools / 'extract_features.py',
        command_line.config,
        trained / 'epoch_2.pth',
        '--tokens',
        '--out',
        'tokens',
        folder=tmp_path,
    )
    assert 'train: 11 clips in tokens/train' in output
    assert 'val: 7 clips in tokens/val' in output
    twin = tmp_path / 'twin.py'
    text = (command_line.tools.parent / 'configs/toy/mimo_query_tokens.py').read_text()
    text = text.replace("'./mimo_query.py'", repr(str(command_line.config)))
    twin.write_text(text.replace('data/toy_kitchen/tokens/', 'tokens/'))
    curves = []
    for processes, batch in ((1, 4), (2, 2)):
        command_line.call(
            'bash',
            command_line.tools / 'dist_train.sh',
            twin,
            str(processes),
            '--work-dir',
            tmp_path / str(processes),
            '--cfg-options',
            f'train_dataloader.batch_size={batch}',
            folder=tmp_path,
        )
        curves.append(command_line.loss_curve(tmp_path / str(processes)))
    assert len(curves[0]) == len(curves[1]) == 6
    for one, two in zip(*curves):
        assert two == pytest.approx(one, rel=1e-4, abs=1e-6)


def test_one_split_in_float16(tool, command_line, trained, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(command_line.config.parent))  # its data set is a plugin
    monkeypatch.setattr(torch, 'set_num_threads', lambda count: None)
    arguments = [command_line.config, trained / 'epoch_2.pth', '--tokens', '--out', tmp_path]
    tool.main([*map(str, arguments), '--split', 'val', '--dtype', 'float16'])
    manifest = json.loads((tmp_path / 'val/manifest.json').read_text())
    assert manifest['encoders']['dtype'] == 'float16'
    assert not (tmp_path / 'train').exists()


@pytest.mark.parametrize(
    'arguments, words',
    [
        (['--out', 'x'], 'one of the arguments --tokens is required'),
        (['--tokens'], 'the following arguments are required: --out'),
        (
            ['--tokens', '--out', 'x', '--split', 'train,valid'],
            'wants some of train,val,test; got .valid',
        ),
    ],
)
def test_a_mistake_of_the_command_line_is_told(tool, arguments, words, capsys):
    with pytest.raises(SystemExit, match='2'):
        tool.main(['config.py', 'epoch_1.pth', *arguments])
    assert re.search(words, capsys.readouterr().err)
