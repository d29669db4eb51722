"""tools/infer.py as a user calls it: an answer, or one line and an exit code that is not 0."""

import csv
import importlib.util
import json

import numpy as np
import pytest
import torch
from mmengine.config import Config

from egomm.registry import MODELS


@pytest.fixture(scope='module')
def tool(command_line):
    """tools/infer.py as a module."""
    spec = importlib.util.spec_from_file_location('infer', command_line.tools / 'infer.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='module')
def arguments(command_line, tmp_path_factory):
    """Config and checkpoint of the toy model, with random weights."""
    config = command_line.tools.parent / 'configs/toy/mimo_query.py'
    path = tmp_path_factory.mktemp('infer') / 'weights.pth'
    torch.save({'state_dict': MODELS.build(Config.fromfile(config).model).state_dict()}, path)
    return [str(config), str(path)]


@pytest.fixture
def frames(tmp_path):
    """A folder of frames, with a space in its name."""
    import cv2

    folder = tmp_path / 'my frames'
    folder.mkdir()
    for number in range(12):
        cv2.imwrite(str(folder / f'{number:02d}.png'), np.full((48, 64, 3), 20 * number, np.uint8))
    return folder


def test_a_folder_of_frames_is_recognised_and_written(tool, arguments, frames, tmp_path, capsys):
    more = ['--out', str(tmp_path / 'o'), '--format', 'json,csv,srt,html', '--frame-rate', '6']
    tool.main([*arguments, str(frames), *more, '--top', '2'])
    shown = capsys.readouterr().out
    assert 'my frames  2.0 s' in shown
    assert 'note: a toy model: its labels are those of a generated toy kitchen' in shown
    assert 'note: no audio: masked' in shown
    (result,) = json.loads((tmp_path / 'o/my frames.json').read_text())
    assert len(result['tasks']['verb']) == 2
    rows = list(csv.DictReader((tmp_path / 'o/my frames.csv').read_text().splitlines()))
    assert [row['task'] for row in rows] == ['verb', 'verb', 'noun', 'noun', 'action', 'action']
    assert '"my frames"' in (tmp_path / 'o/my frames.html').read_text()
    assert (tmp_path / 'o/my frames.srt').read_text().startswith('1\n00:00:00,000 --> 00:00:02,000')


def test_every_window_is_recognised(tool, arguments, frames, capsys):
    more = ['--frame-rate', '6', '--window', '4', '--fps', '6', '--top', '1']
    tool.main([*arguments, str(frames), *more])
    assert capsys.readouterr().out.count('\n  verb ') == 5


def test_windows_are_answered_as_they_come(tool, arguments, frames, capsys):
    more = ['--frame-rate', '6', '--window', '4', '--fps', '6', '--top', '1', '--live']
    tool.main([*arguments, str(frames), *more, '--unknown', '1'])
    shown = capsys.readouterr().out
    assert shown.count('\n  verb ') == 5
    assert shown.count('unknown') == 15
    assert 'ms (p95) after the last frame' in shown


def localizer(kind, folder, root):
    """Config and checkpoint of a toy localizer on features of eight channels, random weights."""
    config = Config.fromfile(root / f'configs/toy/asl_{kind}.py')
    config.test_dataloader.dataset.sources = dict(toy=dict(path='nowhere'))
    words = {name: part for name, part in config.model.backbones.items() if name == 'words'}
    projection = dict(type='FeatureProjection', in_channels=8, out_channels=32)
    config.model.backbones = dict(toy=projection, **words)
    config.model.neck.in_channels = dict(toy=32)
    head = config.model.heads['query' if kind == 'nlq' else 'moment']
    head.decoding = dict(min_score=0.0, min_decayed=0.0)
    torch.save(dict(state_dict=MODELS.build(config.model).state_dict()), folder / f'{kind}.pth')
    config.dump(folder / f'{kind}.py')
    return [str(folder / f'{kind}.py'), str(folder / f'{kind}.pth')]


@pytest.fixture
def features(tmp_path):
    """Those of the folder of frames, as if they had been extracted."""
    folder = tmp_path / 'features'
    folder.mkdir()
    np.save(folder / 'my frames.npy', np.random.default_rng(0).normal(size=(5, 8)))
    manifest = dict(dim=8, fps=6.0, stride=2, window=4, per='video')
    (folder / 'manifest.json').write_text(json.dumps(manifest))
    return f'toy={folder}'


def test_questions_are_answered(tool, command_line, frames, features, tmp_path, capsys):
    model = localizer('nlq', tmp_path, command_line.tools.parent)
    more = ['--features', features, '--frame-rate', '6', '--top', '2', '--out', str(tmp_path / 'o')]
    questions = ['--ask', 'Where is the cup?', '--ask', 'Who opened the door?']
    tool.main([*model, str(frames), *more, *questions])
    assert capsys.readouterr().out.count('  answer ') == 4
    results = json.loads((tmp_path / 'o/my frames.json').read_text())
    assert [result['query'] for result in results] == questions[1::2]
    with pytest.raises(ValueError, match="answers questions: --ask 'Where did I put the cup"):
        tool.main([*model, str(frames), *more])


def test_moments_are_found(tool, command_line, frames, features, tmp_path, capsys):
    model = localizer('mq', tmp_path, command_line.tools.parent)
    more = ['--features', features, '--frame-rate', '6', '--top', '3']
    tool.main([*model, str(frames), *more])
    assert capsys.readouterr().out.count('  moment ') == 3
    with pytest.raises(ValueError, match='finds moments and takes no question. Leave --ask out'):
        tool.main([*model, str(frames), *more, '--ask', 'Where?'])


def test_what_cannot_be_read_is_a_line_each_and_the_rest_is_done(
    tool, arguments, frames, tmp_path, capsys
):
    (tmp_path / 'empty.mp4').touch()
    (tmp_path / 'text.mp4').write_text('no video')
    broken = [str(tmp_path / name) for name in ('empty.mp4', 'text.mp4', 'gone.mp4')]
    with pytest.raises(ValueError, match='3 of 4 videos were left out, see above'):
        tool.main([*arguments, *broken, str(frames)])
    shown = capsys.readouterr()
    lines = shown.err.splitlines()
    assert len(lines) == 3
    assert 'empty.mp4: the file has zero bytes' in lines[0]
    assert 'text.mp4: a readable video' in lines[1]
    assert 'gone.mp4: there is no such file' in lines[2]
    assert 'my frames' in shown.out


def test_a_folder_that_cannot_be_written_is_told_at_once(tool, arguments, frames, tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(ValueError, match=r'nothing can be written there \(Not a directory\)'):
        tool.main([*arguments, str(frames), '--out', str(tmp_path / 'file/out')])


@pytest.mark.parametrize(
    'more, words',
    [
        (['--format', 'xml'], "wants some of json,csv,srt,parquet,html; got 'xml'"),
        (['--encoder', 'ego=a.py'], 'wants SOURCE=CONFIG,CHECKPOINT'),
        (['--live'], '--live wants --window FRAMES'),
        (['--unknown', '0.5'], '--unknown wants --live'),
        (['--stride', '4'], '--stride wants --window FRAMES'),
        (['--window', '4', '--start', '1'], '--start wants no --window'),
        (['--window', '0'], "argument --window: a whole number from 1 up is wanted; got '0'"),
        (['--top', '-1'], "argument --top: a whole number from 1 up is wanted; got '-1'"),
        (['--ask', 'Where?'], '--ask wants --encoder or --features'),
        (['--features', 'a=b', '--flow', 'dis'], '--flow wants no --encoder and no --features'),
        (['--format', 'csv'], '--format wants --out DIR'),
        (['b/a.mp4', '--out', 'o'], 'one file for each name; a.mp4 is given more than once'),
        (['--features', 'folder'], "--features wants SOURCE=...; got 'folder'"),
    ],
)
def test_a_mistake_of_the_command_line_is_told(tool, more, words, capsys):
    with pytest.raises(SystemExit, match='2'):
        tool.main(['config.py', 'weights.pth', 'a.mp4', *more])
    assert words in capsys.readouterr().err


def test_the_tool_ends_with_an_error_code(command_line, arguments, tmp_path):
    (tmp_path / 'empty.mp4').touch()
    output = command_line.call(
        command_line.python,
        command_line.tools / 'infer.py',
        *arguments,
        tmp_path / 'empty.mp4',
        code=2,
    )
    assert 'empty.mp4: the file has zero bytes' in output
    assert 'Traceback' not in output
