"""From arguments to a config, and which errors lose their traceback."""

import argparse
import os

import pytest
import torch
from mmengine.config import Config

from egomm.apis import launch


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
    ],
)
def test_options_have_to_exist(key, words):
    config = Config(
        dict(
            train_cfg=dict(max_epochs=1),
            optim_wrapper=dict(type='OptimWrapper', optimizer=dict()),
            param_scheduler=[dict(begin=0)],
        )
    )
    if words is None:
        launch.check_options(config, {key: 1})
        return
    with pytest.raises(ValueError, match=words):
        launch.check_options(config, {key: 1})


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
    ],
)
def test_only_errors_for_the_user_lose_their_traceback(error, module, speaks):
    assert (launch.user_message(raised(error, module)) is not None) is speaks


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
        launch.build_runner(Config(dict(launcher='pytorch')))


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
