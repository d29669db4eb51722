"""A run that torchrun starts again goes on from what it wrote itself."""

import pytest
import torch


@pytest.fixture
def attempt(monkeypatch):
    """Sets what torchrun tells a process."""

    def set_to(number, run='host:1234', restarts=3):
        monkeypatch.setenv('TORCHELASTIC_MAX_RESTARTS', str(restarts))
        monkeypatch.setenv('TORCHELASTIC_RESTART_COUNT', str(number))
        monkeypatch.setenv('TORCHELASTIC_RUN_ID', run)

    return set_to


class Crash(RuntimeError):
    """What ends an attempt."""


def crash():
    raise Crash


def logged(folder):
    return ''.join(path.read_text() for path in folder.glob('*/*.log'))


def config_of(runs):
    config = runs.config('mimo')
    config.default_hooks.checkpoint.update(by_epoch=False, interval=2)
    return config


def test_the_next_attempt_goes_on_though_nobody_says_resume(runs, same_state, watching, attempt):
    whole = runs.run(config_of(runs), 'whole')
    attempt(0)
    watch = watching(crash, 5)
    with pytest.raises(Crash):
        runs.run(config_of(runs), 'run', watch=watch)
    attempt(1)
    again = watching()
    same_state(runs.run(config_of(runs), 'run', watch=again), whole)
    assert [iteration for _, iteration, _ in again.seen] == [4, 5]
    assert 'torchrun has started it again; it goes on from' in logged(runs.folder / 'run')


def test_checkpoints_of_an_earlier_run_in_the_folder_are_not_its_own(runs, watching, attempt):
    runs.run(config_of(runs), 'run')  # ends with iter_6.pth
    attempt(0)
    with pytest.raises(Crash):
        runs.run(config_of(runs), 'run', watch=watching(crash, 1))
    attempt(1)
    watch = watching(crash, 3)
    with pytest.raises(Crash):
        runs.run(config_of(runs), 'run', watch=watch)
    assert [iteration for _, iteration, _ in watch.seen] == [0, 1, 2]
    assert 'it had no checkpoint yet' in logged(runs.folder / 'run')
    attempt(2)
    watch = watching()
    runs.run(config_of(runs), 'run', watch=watch)
    assert [iteration for _, iteration, _ in watch.seen] == [2, 3, 4, 5]


def test_with_resume_they_are(runs, watching, attempt):
    with pytest.raises(Crash):
        runs.run(config_of(runs), 'run', watch=watching(crash, 3))
    attempt(0)
    with pytest.raises(Crash):
        runs.run(config_of(runs), 'run', resume=True, watch=watching(crash, 3))
    attempt(1)
    watch = watching()
    runs.run(config_of(runs), 'run', resume=True, watch=watch)
    assert watch.seen[0][1] == 2


def test_an_attempt_whose_first_one_wrote_nothing_down_is_a_first_one(runs, watching, attempt):
    """The folder may hold notes of a run before."""
    attempt(0, run='other:1')
    runs.run(config_of(runs), 'run')
    attempt(1)
    watch = watching()
    runs.run(config_of(runs), 'run', watch=watch)
    assert watch.seen[0][1] == 0


def test_where_no_restart_is_allowed_nothing_is_written_down(runs, attempt):
    attempt(0, restarts=0)
    runs.run(config_of(runs), 'run')
    assert not (runs.folder / 'run' / 'attempts.json').exists()
    saved = torch.load(runs.folder / 'run' / 'iter_6.pth', weights_only=True)
    assert saved['meta']['iter'] == 6
