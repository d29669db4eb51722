"""tools/extract_features.py as a user calls it, and a run on what it wrote."""

import importlib.util
import json
import re

import pytest
import torch
from mmengine.config import Config

from egomm.registry import MODELS


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
        (['--out', 'x'], 'either videos or --tokens is wanted'),
        (['a.mp4', '--tokens', '--out', 'x'], 'either videos or --tokens is wanted'),
        (['--tokens'], 'the following arguments are required: --out'),
        (
            ['--tokens', '--out', 'x', '--split', 'train,valid'],
            'wants some of train,val,test; got .valid',
        ),
        (['a.mp4', '--out', 'x', '--flow-stride', '2'], '--flow-stride wants --flow ALGORITHM'),
        (['--tokens', '--out', 'x', '--fps', '10'], '--fps is for videos, --tokens for the clips'),
    ],
)
def test_a_mistake_of_the_command_line_is_told(tool, arguments, words, capsys):
    with pytest.raises(SystemExit, match='2'):
        tool.main(['config.py', 'epoch_1.pth', *arguments])
    assert re.search(words, capsys.readouterr().err)


def test_a_config_without_a_pipeline_for_videos_is_one_line_of_error(
    command_line, trained, tmp_path
):
    output = command_line.call(
        command_line.python,
        command_line.tools / 'extract_features.py',
        command_line.config,
        trained / 'epoch_2.pth',
        'a.mp4',
        '--out',
        tmp_path / 'out',
        code=2,
    )
    assert 'error: ' in output
    assert 'has no pipeline in test_dataloader.dataset' in output


@pytest.mark.long
def test_processes_of_torchrun_share_the_videos(command_line, toy_world, tmp_path):
    config = command_line.tools.parent / 'configs/toy/mimo_query.py'
    model = MODELS.build(Config.fromfile(config).model)
    torch.save({'state_dict': model.state_dict()}, tmp_path / 'weights.pth')
    videos = sorted(toy_world.glob('*/videos/*.MP4'))
    (tmp_path / 'no video.mp4').write_text('text')
    arguments = (command_line.tools / 'extract_features.py', config, tmp_path / 'weights.pth')
    torchrun = (command_line.python, '-m', 'torch.distributed.run', '--nproc-per-node', '2')
    command_line.call(command_line.python, *arguments, *videos, '--out', tmp_path / 'one')
    command_line.call(*torchrun, *arguments, *videos, '--out', tmp_path / 'two')
    for path in (tmp_path / 'one').iterdir():
        assert (tmp_path / 'two' / path.name).read_bytes() == path.read_bytes()
    broken = (*videos, tmp_path / 'no video.mp4', '--out', tmp_path / 'one')
    output = command_line.call(command_line.python, *arguments, *broken, code=2)
    assert 'error: 1 videos were left out, see above. The others are in' in output
