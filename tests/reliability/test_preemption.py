"""A run that is asked to end saves, leaves with code 143, and is queued again."""

import multiprocessing
import os
import signal
import subprocess
from pathlib import Path

import pytest

from egomm.hooks.preemption import StopRequest

TOOLS = Path(__file__).resolve().parents[2] / 'tools'


def send(number):
    """What asks this process to end."""
    return lambda: os.kill(os.getpid(), number)


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGUSR1])
def test_either_signal_saves_after_the_step_and_says_how_to_go_on(runs, watching, number):
    before = signal.getsignal(number)
    config = runs.config('mimo')
    config.log_level = 'INFO'
    watch = watching(send(number), 2)
    with pytest.raises(SystemExit, match='143'):
        runs.run(config, 'run', watch=watch)
    assert len(watch.seen) == 2  # no step was lost
    logs = ''.join(path.read_text() for path in (runs.folder / 'run').glob('*/*.log'))
    name = signal.Signals(number).name
    assert f'{name} asked to end: the run is saved after iteration 2 in' in logs
    assert 'Go on with --resume.' in logs
    assert signal.getsignal(number) == before


def test_it_waits_for_the_step_of_the_optimizer(runs, watching, same_state):
    config = runs.config('mimo', epochs=4)
    config.optim_wrapper.accumulative_counts = 2
    whole = runs.run(config, 'whole')
    watch = watching(send(signal.SIGTERM), 4)  # the first batch of the second epoch
    with pytest.raises(SystemExit, match='143'):
        runs.run(config, 'run', watch=watch)
    assert len(watch.seen) == 5
    same_state(runs.run(config, 'run', resume=True), whole)


def test_a_signal_to_the_whole_job_does_not_end_the_loader_first(runs, watching):
    """Slurm signals every process of a step, also those of the loader."""

    def send_to_all():
        children = multiprocessing.active_children()
        assert len(children) >= 2
        for process in (*(child.pid for child in children), os.getpid()):
            os.kill(process, signal.SIGTERM)

    watch = watching(send_to_all, 1)
    with pytest.raises(SystemExit, match='143'):
        runs.run(runs.config('mimo', workers=2), 'run', watch=watch)
    assert (runs.folder / 'run' / 'preempted.pth').is_file()
    assert not multiprocessing.active_children()
    # By this PyTorch learns that a process of a later loader has died.
    assert callable(signal.getsignal(signal.SIGCHLD))


def test_signals_go_back_to_who_had_them():
    before = signal.getsignal(signal.SIGUSR1)
    with StopRequest() as request:
        assert not request
        os.kill(os.getpid(), signal.SIGUSR1)
        assert request
        assert request.name == 'SIGUSR1'
    assert signal.getsignal(signal.SIGUSR1) == before


@pytest.fixture
def slurm(tmp_path):
    """Runs tools/slurm_train.sh with an ``srun`` that ends with some code; what was called."""

    def run(code, **variables):
        for name, end in (('srun', code), ('scontrol', 0)):
            program = tmp_path / name
            program.write_text(
                f'#!/usr/bin/env bash\necho "{name} $@" >> {tmp_path}/calls\nexit {end}\n'
            )
            program.chmod(0o755)
        (tmp_path / 'calls').write_text('')
        done = subprocess.run(
            ['bash', TOOLS / 'slurm_train.sh', 'gpu', 'job', 'config.py', '--amp'],
            env=dict(PATH=f'{tmp_path}:/usr/bin:/bin', **variables),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return done.returncode, (tmp_path / 'calls').read_text()

    return run


def test_a_batch_job_that_was_asked_to_end_is_queued_again(slurm):
    code, calls = slurm(143, SLURM_JOB_ID='17')
    assert code == 143
    assert calls.endswith('config.py --launcher slurm --amp\nscontrol requeue 17\n')


def test_a_job_that_was_queued_again_goes_on(slurm):
    code, calls = slurm(0, SLURM_JOB_ID='17', SLURM_RESTART_COUNT='1')
    assert code == 0
    assert calls.endswith('--launcher slurm --amp --resume\n')


@pytest.mark.parametrize('code, variables', [(143, {}), (2, dict(SLURM_JOB_ID='17'))])
def test_neither_an_error_nor_a_run_outside_of_a_job_is_queued_again(slurm, code, variables):
    ended, calls = slurm(code, **variables)
    assert ended == code
    assert 'scontrol' not in calls
