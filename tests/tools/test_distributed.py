"""Two processes do what one does."""

import json
import os
import shutil
import subprocess

import pytest
import torch


def test_two_processes_give_the_loss_curve_of_one(command_line, trained, tmp_path):
    """The same global batch of 4: the last one has 3 clips, and clips lack modalities and labels.

    11 clips make batches of 4, 4, 3; the second process fills the last with a clip that weighs
    nothing. Verb, noun and accuracies are means over the labels of both processes.
    """
    command_line.call(
        'bash',
        command_line.tools / 'dist_train.sh',
        command_line.config,
        '2',
        '--work-dir',
        tmp_path,
        '--cfg-options',
        'train_dataloader.batch_size=2',
        folder=tmp_path,
    )
    one, two = command_line.loss_curve(trained), command_line.loss_curve(tmp_path)
    assert len(one) == len(two) == 6
    for left, right in zip(one, two):
        assert right == pytest.approx(left, rel=1e-4, abs=1e-6)
    one, two = (
        torch.load(folder / 'epoch_2.pth', weights_only=True)['state_dict']
        for folder in (trained, tmp_path)
    )
    torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-5)


def test_scripts_explain_themselves(command_line, monkeypatch):
    for name, arguments in dict(
        dist_train='CONFIG PROCESSES',
        dist_test='CONFIG CHECKPOINT',
        slurm_train='PARTITION JOB_NAME CONFIG',
        slurm_test='PARTITION JOB_NAME CONFIG CHECKPOINT',
    ).items():
        output = command_line.call('bash', command_line.tools / f'{name}.sh', code=2)
        assert f'tools/{name}.sh {arguments}' in output
    output = command_line.call(
        'bash', command_line.tools / 'dist_train.sh', command_line.config, 'two', code=2
    )
    assert "error: the number of processes is a whole number; got 'two'" in output
    monkeypatch.setenv('MAX_RESTARTS', 'thrice')
    output = command_line.call(
        'bash', command_line.tools / 'dist_train.sh', command_line.config, '2', code=2
    )
    assert "error: MAX_RESTARTS is a whole number; got 'thrice'" in output


@pytest.fixture
def fake(tmp_path):
    """A folder with a program that prints its arguments instead of working."""

    def make(name):
        program = tmp_path / name
        program.write_text('#!/usr/bin/env bash\necho "$@" "port=${MASTER_PORT:-}"\n')
        program.chmod(0o755)
        return program

    return make


@pytest.mark.parametrize('restarts', ['0', '3'])
def test_restarts_need_a_rendezvous_that_forgets_dead_processes(
    command_line, tmp_path, monkeypatch, restarts
):
    """That of a static one, and the store that torchrun keeps, holds their addresses."""
    program = tmp_path / 'shows_arguments'
    program.write_text(
        '#!/usr/bin/env bash\necho "$@" "own store: ${TORCH_DISABLE_SHARE_RDZV_TCP_STORE:-0}"\n'
    )
    program.chmod(0o755)
    for name, value in dict(MAX_RESTARTS=restarts, PORT='1234', SLURM_JOB_ID='7').items():
        monkeypatch.setenv(name, value)
    process = subprocess.Popen(
        ['bash', command_line.tools / 'dist_train.sh', 'config.py', '2'],
        env=dict(os.environ, PYTHON=str(program)),
        stdout=subprocess.PIPE,
        text=True,
    )
    output, _ = process.communicate()
    rendezvous = '--node_rank=0 --master_addr=127.0.0.1 --master_port=1234'
    if restarts == '3':
        rendezvous = (
            f'--max-restarts=3 --rdzv-backend=c10d --rdzv-id=127.0.0.1:1234:7:{process.pid} '
            '--rdzv-endpoint=127.0.0.1:1234 --rdzv-conf=is_host=true --local-addr=127.0.0.1'
        )
    assert output == (
        f'-m torch.distributed.run --nnodes=1 --nproc_per_node=2 {rendezvous} '
        f'{command_line.tools}/train.py config.py --launcher pytorch '
        f'own store: {int(restarts != "0")}\n'
    )


def test_slurm_starts_one_task_a_device(command_line, fake, tmp_path, monkeypatch):
    program = fake('srun')
    monkeypatch.setenv('PATH', f'{program.parent}:/usr/bin:/bin')
    for name, value in dict(GPUS='2', SRUN_ARGS='--qos high', MASTER_PORT='1234').items():
        monkeypatch.setenv(name, value)
    output = command_line.call(
        'bash',
        command_line.tools / 'slurm_train.sh',
        'gpu',
        'mimo',
        'config.py',
        '--amp',
        folder=tmp_path,
    )
    assert output == (
        '-p gpu --job-name=mimo --gres=gpu:2 --ntasks=2 --ntasks-per-node=2 --cpus-per-task=5 '
        f'--kill-on-bad-exit=1 --qos high {command_line.python} -u '
        f'{command_line.tools}/train.py config.py --launcher slurm --amp port=1234\n'
    )


@pytest.mark.long
def test_two_processes_give_the_loss_curve_of_one_on_the_toy_kitchen(
    command_line, toy_world, tmp_path
):
    """Video, flow and sound from files; one video without sound; an uneven last batch."""
    world = tmp_path / 'world'
    shutil.copytree(toy_world, world)
    next(world.glob('P01/audio/*.wav')).unlink()
    root = command_line.tools.parent
    wav = "dict(type='wav',path='{participant}/audio/{video}.wav')"
    curves = []
    for processes, batch in ((1, 6), (2, 3)):
        folder = tmp_path / str(processes)
        config = tmp_path / f'{processes}.py'
        config.write_text(
            f"_base_ = ['{root}/configs/toy/mimo_query.py']\n"
            f'train_dataloader = dict(batch_size={batch}, num_workers=0,\n'
            f'    persistent_workers=False,\n'
            f"    dataset=dict(data_root='{world}/', sources=dict(audio=[{wav}])))\n"
            'model = dict(heads=dict(verb=dict(dropout=0.0), noun=dict(dropout=0.0)))\n'
            "optim_wrapper = dict(optimizer=dict(_delete_=True, type='SGD', lr=0.05))\n"
            'default_hooks = dict(logger=dict(interval=1))\n'
            'log_processor = dict(window_size=1)\n'
            'train_cfg = dict(max_epochs=2)\n'
        )
        command_line.call(
            'bash',
            command_line.tools / 'dist_train.sh',
            config,
            str(processes),
            '--work-dir',
            folder,
            '--no-validate',
            folder=tmp_path,
        )
        curves.append(command_line.loss_curve(folder))
    assert len(curves[0]) == len(curves[1]) > 2
    for one, two in zip(*curves):
        assert two == pytest.approx(one, rel=1e-4, abs=1e-6)


def test_measuring_task_conflict_changes_no_bit_and_is_the_same_on_two_processes(
    command_line, trained, tmp_path
):
    config = tmp_path / 'config.py'
    config.write_text(
        f"_base_ = ['{command_line.config}']\n"
        "custom_hooks = [dict(type='TaskConflictHook', clips=11, batch_size=4)]\n"
    )
    measured = []
    for processes, batch in ((1, 4), (2, 2)):
        folder = tmp_path / str(processes)
        command_line.call(
            'bash',
            command_line.tools / 'dist_train.sh',
            config,
            str(processes),
            '--work-dir',
            folder,
            '--cfg-options',
            f'train_dataloader.batch_size={batch}',
            folder=tmp_path,
        )
        rows = [
            json.loads(line)
            for path in folder.glob('*/vis_data/scalars.json')
            for line in path.read_text().splitlines()
        ]
        measured.append([row for row in rows if 'conflict/verb-noun/neck' in row])
    assert [row['step'] for row in measured[0]] == [1, 2]
    assert sum(name.startswith('conflict') for name in measured[0][0]) == 7
    for one, two in zip(*measured):
        assert two == pytest.approx(one, rel=1e-3, abs=1e-4)
    with_hook, without = (
        torch.load(folder / 'epoch_2.pth', weights_only=True)
        for folder in (tmp_path / '1', trained)
    )
    for part in ('state_dict', 'optimizer'):
        torch.testing.assert_close(with_hook[part], without[part], rtol=0, atol=0)
