"""tools/train.py and tools/test.py as a user calls them."""

import importlib.util
import pickle
import sys
import time

import pytest
import torch
from mmengine.logging import HistoryBuffer

from egomm.apis.folder_lock import folder_lock
from egomm.compat import load_checkpoint


def test_checkpoint_of_a_run_is_plain(trained):
    unsafe = torch.serialization.get_unsafe_globals_in_checkpoint(trained / 'epoch_2.pth')
    assert unsafe == []


def test_resumed_run_repeats_the_rest_exactly(command_line, trained, tmp_path):
    output = command_line.call(
        command_line.python,
        command_line.tools / 'train.py',
        command_line.config,
        '--work-dir',
        tmp_path,
        '--resume',
        trained / 'epoch_1.pth',
    )
    assert 'resumed epoch: 1, iter: 3' in output
    assert 'dataset metainfo from the resumed checkpoint is different' not in output
    assert command_line.loss_curve(tmp_path) == command_line.loss_curve(trained)[3:]
    ours, theirs = (
        torch.load(folder / 'epoch_2.pth', weights_only=True) for folder in (tmp_path, trained)
    )
    torch.testing.assert_close(ours['state_dict'], theirs['state_dict'], rtol=0, atol=0)
    ours, theirs = (
        loaded['message_hub']['log_scalars']['train/loss']['log_history']
        for loaded in (ours, theirs)
    )
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0)  # all six steps, three of them read


def test_plain_mmengine_checkpoint_resumes_with_bfloat16_and_is_tested(
    command_line, trained, tmp_path
):
    # Without the hook MMEngine writes what torch refuses; --amp without CUDA is bfloat16.
    command_line.call(
        command_line.python,
        command_line.tools / 'train.py',
        command_line.config,
        '--amp',
        '--work-dir',
        tmp_path,
        '--resume',
        trained / 'epoch_1.pth',
        '--no-validate',
        '--cfg-options',
        'default_hooks.plain_checkpoint=None',
    )
    written = tmp_path / 'epoch_2.pth'
    assert 'mmengine.logging.history_buffer.HistoryBuffer' in (
        torch.serialization.get_unsafe_globals_in_checkpoint(written)
    )
    buffers = load_checkpoint(written)['message_hub']['log_scalars']
    assert {type(buffer) for buffer in buffers.values()} == {HistoryBuffer}
    exact, rounded = (
        curve[-1]['loss']
        for curve in (command_line.loss_curve(trained), command_line.loss_curve(tmp_path))
    )
    assert 0 < abs(exact - rounded) < 0.02

    output = command_line.call(
        command_line.python,
        command_line.tools / 'test.py',
        command_line.config,
        written,
        '--work-dir',
        tmp_path / 'test',
        '--dump',
        tmp_path / 'predictions.pkl',
    )
    assert 'epic100/all_action_accuracy_at_1' in output
    predictions = pickle.loads((tmp_path / 'predictions.pkl').read_bytes())
    assert [row['narration_id'] for row in predictions] == [f'P01_01_{i}' for i in range(7)]
    assert predictions[0]['pred']['noun'].shape == (4,)


def test_help_is_quick(command_line):
    best = float('inf')
    for _ in range(3):  # the machine may be busy
        start = time.perf_counter()
        output = command_line.call(command_line.python, command_line.tools / 'train.py', '--help')
        best = min(best, time.perf_counter() - start)
    assert '--auto-scale-lr' in output
    assert best < 1.5


def test_a_mistake_of_the_command_line_is_one_line(command_line, tmp_path):
    output = command_line.call(
        command_line.python, command_line.tools / 'train.py', 'absent.py', folder=tmp_path, code=2
    )
    assert output == (
        'error: There is no config absent.py. Give the path of a .py file, for '
        'example configs/toy/mimo_query.py.\n'
    )


@pytest.fixture(scope='module')
def train(command_line):
    """tools/train.py as a module."""
    spec = importlib.util.spec_from_file_location('train', command_line.tools / 'train.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_option_without_a_value_is_refused(train, command_line, capsys):
    with pytest.raises(SystemExit, match='2'):
        train.main([str(command_line.config), '--cfg-options', 'lr'])
    shown = capsys.readouterr().err
    assert "wants KEY=VALUE, for example train_cfg.max_epochs=3; got 'lr'" in shown


def test_lr_scaling_needs_the_batch_size_the_rate_is_for(train, tmp_path):
    (tmp_path / 'x.py').write_text('train_dataloader = dict(batch_size=2)\n')
    with pytest.raises(ValueError, match=r'auto_scale_lr=dict\(base_batch_size=...\)'):
        train.main([str(tmp_path / 'x.py'), '--auto-scale-lr'])


@pytest.mark.parametrize('count, expected', [(1, 64), (4, 16)])
def test_lr_scaling_counts_the_batches_of_a_step(train, tmp_path, monkeypatch, count, expected):
    configs = []
    monkeypatch.setattr(train.launch, 'build_runner', lambda config: configs.append(config) or Idle)
    (tmp_path / 'x.py').write_text(
        'train_dataloader = dict(batch_size=8)\n'
        'auto_scale_lr = dict(base_batch_size=64)\n'
        'optim_wrapper = dict(accumulative_counts=1)\n'
    )
    train.main(
        [
            *(str(tmp_path / 'x.py'), '--auto-scale-lr'),
            *('--cfg-options', f'optim_wrapper.accumulative_counts={count}'),
        ]
    )
    # MMEngine's factor is batch size * processes / this.
    assert configs[0].auto_scale_lr == dict(base_batch_size=expected, enable=True)


class Idle:
    """Stands for a runner."""

    @staticmethod
    def train():
        pass


def test_a_config_without_training_data_is_refused(train, tmp_path):
    (tmp_path / 'x.py').write_text('x = 1\n')
    with pytest.raises(ValueError, match='x.py has no train_dataloader. Add one'):
        train.main([str(tmp_path / 'x.py')])


def test_custom_import_that_fails_is_named(train, tmp_path):
    (tmp_path / 'x.py').write_text("custom_imports = dict(imports=['no_such_plugin'])\n")
    with pytest.raises(
        ValueError,
        match=r'x\.py: custom_imports fails: No module named '
        r"'no_such_plugin'.*PYTHONPATH",
    ):
        train.main([str(tmp_path / 'x.py')])


def test_a_base_of_another_package_says_what_it_needs(train, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'pkg_resources', None)
    (tmp_path / 'x.py').write_text("_base_ = 'mmaction::_base_/default_runtime.py'\n")
    with pytest.raises(ValueError, match=r'x\.py: MMEngine looks up .* `pip install'):
        train.main([str(tmp_path / 'x.py')])


def test_a_folder_in_use_is_refused_before_anything_is_built(train, tmp_path, monkeypatch):
    monkeypatch.setattr(train.launch, 'build_runner', None)
    (tmp_path / 'x.py').write_text('train_dataloader = dict(batch_size=2)\n')
    arguments = [str(tmp_path / 'x.py'), '--work-dir', str(tmp_path / 'run')]
    with folder_lock(tmp_path / 'run'), pytest.raises(ValueError, match='run is in use by process'):
        train.main(arguments)


def test_a_dry_run_says_what_it_did_and_leaves_the_folder_alone(
    train, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr('egomm.apis.dry_run.dry_run', lambda config: ['train: 1 s', 'save: 2 MB'])
    (tmp_path / 'x.py').write_text('train_dataloader = dict(batch_size=2)\n')
    train.main([str(tmp_path / 'x.py'), '--work-dir', str(tmp_path / 'run'), '--dry-run'])
    assert capsys.readouterr().out == 'train: 1 s\nsave: 2 MB\n'
    assert not (tmp_path / 'run').exists()
