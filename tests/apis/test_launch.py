"""From arguments to a config, and which errors lose their traceback."""

import argparse
import io
import os
import re
import signal
import subprocess
import sys
import time
from functools import partialmethod
from importlib import import_module
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import OPTIMIZERS, DefaultScope

from egomm.apis import errors, launch
from egomm.compat import unformatted
from egomm.registry import MODELS

TINY = Path(__file__).resolve().parents[1] / 'tools' / 'tiny' / 'config.py'


@pytest.mark.parametrize(
    'key, words',
    [
        ('train_cfg.max_epochs', None),
        ('optim_wrapper.accumulative_counts', None),  # new, the runner will judge it
        ('load_from', None),  # the runner's, whether or not the config names it
        ('param_scheduler.0.begin', None),
        ('param_scheduler.1.begin', r"no 'param_scheduler\.1'. Close names: 0"),
        ('optim_wrapper.optimzer.lr', r"no 'optim_wrapper\.optimzer'. Close names: optimizer"),
        ('epochs', "no 'epochs'"),
        ('modle.type', "no 'modle'. Close names: model[.]$"),  # once, also if both have it
    ],
)
def test_options_have_to_exist(key, words):
    config = Config(
        dict(
            train_cfg=dict(max_epochs=1),
            model=dict(),
            optim_wrapper=dict(type='OptimWrapper', optimizer=dict()),
            param_scheduler=[dict(begin=0)],
        )
    )
    if words is None:
        launch.check_options(config, {key: 1})
        return
    with pytest.raises(ValueError, match=words):
        launch.check_options(config, {key: 1})


@pytest.mark.parametrize(
    'option, words',
    [
        ('data.keep=dict(fraction=0.2,seed=0)', r'as in data\.keep\.NAME=VALUE; one'),
        ('data.keep={"seed": 0}', 'one that is not in the config yet has to be written there'),
        ('param_scheduler=[dict(type=LinearLR)]', r"list; got '\[dict\(type=LinearLR\)\]'"),
        ('a.b=f(1,2)', r"such as \"\[a,b\]\".*got 'f\(1,2\)', whose brackets or commas"),
        ('a.b=[(1,2]', 'whose brackets or commas cannot be read'),
        ('a.b', "wants KEY=VALUE, .* got 'a.b'"),
    ],
)
def test_an_option_that_cannot_be_read_is_shown_with_what_can(option, words, capsys):
    parser = argparse.ArgumentParser()
    launch.add_common_arguments(parser)
    with pytest.raises(SystemExit, match='2'):
        parser.parse_args(['config.py', '--cfg-options', option])
    assert re.search(words, capsys.readouterr().err)


def test_options_add_up():
    parser = argparse.ArgumentParser()
    launch.add_common_arguments(parser)
    path = 'path={participant}/{video}/{index:010d}.jpg'
    options = parser.parse_args(
        ['c.py', '--cfg-options', 'a=1', path, '--cfg-options', 'b=[x,(1,2)]']
    )
    assert options.cfg_options == {'a': 1, 'path': path.partition('=')[2], 'b': ['x', (1, 2)]}


@pytest.mark.parametrize(
    'text, words',
    [
        ('model = dict(\n', 'cannot be read as a config: SyntaxError'),
        ("_base_ = './nothing.py'\n", r'FileNotFoundError: .*nothing\.py.*`egomm::toy/mimo_query'),
        (
            "_base_ = 'egomm::toy/mimo_qery.py'\n",
            r"no config 'egomm::toy/mimo_qery\.py' in .*names: egomm::toy/mimo_query\.py,",
        ),
        ('x = unknown_name\n', "NameError: name 'unknown_name'.*Correct it or what its `_base_`"),
    ],
)
def test_a_config_that_cannot_be_read_is_named(text, words, tmp_path):
    path = tmp_path / 'broken.py'
    path.write_text(text)
    parser = argparse.ArgumentParser()
    launch.add_common_arguments(parser)
    with pytest.raises(ValueError, match=rf'broken\.py .*{words}'):
        launch.load_config(parser.parse_args([str(path)]))


def test_a_config_in_any_folder_can_build_on_one_of_egomm(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path('mine.py').write_text("_base_ = 'egomm::toy/mimo_query.py'\nseed = _base_.train_cfg\n")
    config = Config.fromfile('mine.py')
    there = Config.fromfile(TINY.parents[3] / 'configs' / 'toy' / 'mimo_query.py')
    assert config.pop('seed') == there.train_cfg  # `_base_` gives its values too
    assert config.to_dict() == there.to_dict()


def test_a_config_without_model_is_refused():
    with pytest.raises(ValueError, match='has no `model`. Add one'):
        launch.build_runner(Config(dict(launcher='none')))


def test_amp_keeps_a_wrapper_of_its_own_kind():
    config = Config(dict(optim_wrapper=dict(type='Mine')))
    with pytest.raises(ValueError, match="optim_wrapper.type='Mine'"):
        launch.use_mixed_precision(config)


def raised(error, module):
    """The error as if a function of that module had raised it."""
    scope = {'__name__': module, 'error': error}
    try:
        exec('raise error', scope)
    except Exception as caught:
        return caught


@pytest.mark.parametrize(
    'error, module, speaks',
    [
        (ValueError(), 'egomm.models.multi_io', True),
        (RuntimeError(), 'egomm.datasets.media', True),
        (ValueError(), 'projects.example.neck', True),
        (ValueError(), 'numpy', False),
        (KeyError(), 'egomm.models.multi_io', False),
        (TypeError(), 'mmengine.registry.build_functions', True),  # an argument nobody takes
        (TypeError(), 'egomm.models.multi_io', False),
        (TypeError(), 'mmengine.runner.runner', True),  # `model='abc'`
        (PermissionError(13, 'Permission denied', 'out.json'), 'pathlib', True),
        (OSError('of no file'), 'pathlib', False),
    ],
)
def test_only_errors_for_the_user_lose_their_traceback(error, module, speaks):
    assert (errors.user_message(raised(error, module)) is not None) is speaks


def test_a_file_that_cannot_be_opened_is_named(tmp_path):
    with pytest.raises(OSError) as caught:
        (tmp_path / 'absent' / 'out.json').write_text('')
    message = errors.user_message(caught.value)
    assert message.startswith(f'{tmp_path}/absent/out.json: No such file or directory. Correct')


def test_error_of_a_loader_process_is_shown_without_its_traceback(capsys):
    def main(_):
        raise raised(
            ValueError(
                'Caught ValueError in DataLoader worker process 0.\nOriginal Traceback '
                '(most recent call last):\n  File "/lib/torch/worker.py", line 9, in _worker\n'
                '    fetch()\n  File "/code/egomm/datasets/epic.py", line 3, in load\n    raise X\n'
                'egomm.datasets.media.MediaError: a.MP4: no audio.\nConvert it.\n'
            ),
            'torch._utils',
        )

    with pytest.raises(SystemExit, match='2'):
        launch.run(main)
    assert capsys.readouterr().err == 'error: a.MP4: no audio.\nConvert it.\n'


def test_of_errors_that_caused_each_other_in_a_loader_process_the_last_one_is_shown():
    error = raised(
        RuntimeError(
            'Caught RuntimeError in DataLoader worker process 0.\nOriginal Traceback (most recent '
            'call last):\n  File "/code/egomm/datasets/media.py", line 3, in read\n'
            'egomm.datasets.media.MediaError: a.MP4: cut off.\n\nDuring handling of the above '
            'exception, another exception occurred:\n\n  File "/code/egomm/datasets/budget.py", '
            'line 3, in check\n    raise X\nRuntimeError: 2 of 8 clips could not be read:\n'
            '  a.MP4: cut off.\nRepair these files.\n'
        ),
        'torch._utils',
    )
    assert errors.user_message(error) == (
        '2 of 8 clips could not be read:\n  a.MP4: cut off.\nRepair these files.'
    )


def test_what_c_code_says_in_a_loader_process_is_no_message():
    error = raised(
        ValueError(
            'Caught ValueError in DataLoader worker process 0.\nOriginal Traceback (most recent '
            'call last):\n  File "/code/egomm/datasets/epic.py", line 3, in load\n'
            '    return x.reshape(2, 2)\n           ^^^^^^^\nValueError: cannot reshape\n'
        ),
        'torch._utils',
    )
    assert errors.user_message(error) is None


@pytest.mark.parametrize(
    'registry, config, words',
    [
        (
            MODELS,
            dict(type='ClassificationHead', in_channels=4, num_classes='many', source='verb'),
            r"ClassificationHead\(.*num_classes='many'.*TypeError: .*Correct the values",
        ),
        (
            OPTIMIZERS,
            dict(type='SGD', params=[torch.zeros(1)], lr='high'),
            r"SGD\(lr='high'\) cannot",
        ),
    ],
)
def test_a_value_that_a_library_chokes_on_is_shown_with_its_component(registry, config, words):
    with pytest.raises(TypeError) as caught:
        registry.build(config)
    assert re.match(words, errors.user_message(caught.value))


def test_debugging_shows_the_traceback(monkeypatch, capsys):
    def main(_):
        raise raised(ValueError('wanted 1, got 2'), 'egomm.x')

    with pytest.raises(SystemExit, match='2'):
        launch.run(main)
    assert capsys.readouterr().err == 'error: wanted 1, got 2\n'
    monkeypatch.setenv('EGOMM_DEBUG', '1')
    with pytest.raises(ValueError, match='wanted 1, got 2'):
        launch.run(main)


def test_more_processes_than_devices_is_an_error(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 1)
    monkeypatch.setenv('LOCAL_RANK', '1')
    with pytest.raises(ValueError, match='CUDA shows 1. Start at most that many'):
        launch.build_runner(Config(dict(launcher='pytorch', model=dict(type='X'))))


def test_work_dir_comes_from_the_command_line_then_the_config_then_its_name(tmp_path):
    (tmp_path / 'small.py').write_text('x = 1\n')
    (tmp_path / 'named.py').write_text("work_dir = 'here'\n")

    def work_dir(name, *more):
        parser = argparse.ArgumentParser()
        launch.add_common_arguments(parser)
        return launch.load_config(parser.parse_args([str(tmp_path / name), *more])).work_dir

    assert work_dir('small.py') == os.path.join('work_dirs', 'small')
    assert work_dir('named.py') == 'here'
    assert work_dir('named.py', '--work-dir', 'there') == 'there'


def failing(action='train', **changes):
    """A run of the tiny config that fails somewhere, and what its tool would say."""
    config = unformatted(Config.fromfile(TINY))
    config.merge_from_dict(changes)
    config.launcher = 'none'
    config.experiment_name = f'failing_{time.time_ns()}'  # else the second, of which there are two
    with pytest.raises(Exception) as caught:  # noqa: PT011, it is of any library
        getattr(launch.build_runner(config), action)()
    assert errors.user_message(caught.value) is None
    return errors.start_message(caught.value), caught.value


def test_a_library_that_fails_before_the_first_step_is_one_line_with_the_config(
    tmp_path, monkeypatch
):
    monkeypatch.syspath_prepend(str(TINY.parent))
    with DefaultScope.overwrite_default_scope('egomm'):
        said, _ = failing(work_dir=str(tmp_path), randomness=dict(seed='x'))
        assert re.match(rf'{TINY}: building the run fails: \w+Error: .*EGOMM_DEBUG=1', said)
        said, _ = failing(**{'work_dir': str(tmp_path), 'model.backbones.rgb.in_channels': 5})
        assert re.match(rf'{TINY}: the first step fails: RuntimeError: .*5', said, re.DOTALL)
        clips = import_module('random_clips').RandomClips
        monkeypatch.setattr(
            clips, '__getitem__', partialmethod(third_fails, load=clips.__getitem__)
        )
        said, error = failing(
            **{'work_dir': str(tmp_path), 'train_dataloader.sampler.shuffle': False}
        )
        assert said is None
        assert re.match(rf'{TINY}: this run was under way; .*--resume', error.__notes__[0])
        said, error = failing(
            'test', **{'work_dir': str(tmp_path), 'test_dataloader.dataset.size': 11}
        )
    assert said is None
    assert re.match(rf'{TINY}: this run was under way; .* start it again', error.__notes__[0])


def test_an_interruption_is_one_line_and_no_success(capsys):
    def main(arguments):
        raise KeyboardInterrupt

    with pytest.raises(SystemExit, match='130'):
        launch.run(main)
    assert capsys.readouterr().err == 'error: interrupted. What was written stays.\n'


def third_fails(dataset, where, load=None):
    """Item of `RandomClips`, of which the last batch of an epoch cannot be had."""
    if where.index == 10:
        raise KeyError(where.index)
    return load(dataset, where)


@pytest.mark.parametrize('flag', ['-u', '-B'])  # with and without a buffer
def test_a_tool_ends_in_silence_when_nobody_reads_its_output(flag):
    tool = 'from egomm.apis import launch; launch.run(lambda _: print("a line"))'
    with subprocess.Popen(
        [sys.executable, flag, '-c', tool], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()  # as `| head` does
        assert process.stderr.read() == b''
    assert process.returncode == 128 + signal.SIGPIPE


def test_a_tool_runs_without_standard_output(monkeypatch):
    monkeypatch.setattr(sys, 'stdout', None)  # as `>&-` makes it
    launch.run(lambda arguments: print('seen by nobody'))


@pytest.mark.parametrize('output', [None, io.StringIO()])
def test_another_pipe_that_breaks_is_an_error_of_the_program(monkeypatch, output):
    monkeypatch.setattr(sys, 'stdout', output)

    def main(arguments):
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        launch.run(main)


def test_every_tool_runs_through_this():
    tools = Path(__file__).resolve().parents[2] / 'tools'
    commands = {
        path: path.read_text().rpartition("if __name__ == '__main__':")[1:]
        for path in tools.rglob('*.py')
    }
    other = [
        path.name
        for path, (found, rest) in commands.items()
        if found and 'launch.run(main)' not in rest
    ]
    assert other == []
