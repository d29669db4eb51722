"""A run that is ended within an epoch goes on as if it had not been."""

import ctypes
import importlib
import os
import signal
import time

import pytest

from egomm.datasets import watch as clip_watch


def end():
    """What a cluster does."""
    os.kill(os.getpid(), signal.SIGTERM)


def in_parts(runs, config, ends, watching):
    """Ends a run at some steps; the last runner, and the clips of all steps."""
    seen = []
    for number, step in enumerate(ends):
        part = watching(end, step)
        with pytest.raises(SystemExit, match='143'):
            runs.run(config, 'ended', resume=number > 0, watch=part)
        seen += part.seen
    last = watching()
    runner = runs.run(config, 'ended', resume=True, watch=last)
    return runner, seen + last.seen


@pytest.mark.parametrize('family, ends', [('mimo', (1, 3, 5)), ('multitask', (5,)), ('asl', (1,))])
def test_weights_optimizer_average_and_logs_are_those_of_a_run_never_ended(
    runs, same_state, watching, family, ends
):
    """The second end of the first row is that of an epoch."""
    config = runs.config(family)
    watch = watching()
    whole = runs.run(config, 'whole', watch=watch)
    again, seen = in_parts(runs, config, ends, watching)
    assert seen == watch.seen
    assert [iteration for _, iteration, _ in seen] == list(range(whole.iter))
    same_state(again, whole)


@pytest.mark.parametrize('workers', [1, 2])
def test_processes_of_the_loader_change_nothing(runs, same_state, watching, workers):
    watch = watching()
    whole = runs.run(runs.config('mimo'), 'whole', watch=watch)
    again, seen = in_parts(runs, runs.config('mimo', workers=workers), (2,), watching)
    assert seen == watch.seen
    same_state(again, whole)


@pytest.mark.long  # 20 s; tools/run_reliability.sh runs it
def test_an_evaluation_that_was_cut_off_is_made_up_for(runs, watching):
    config = runs.config('mimo', evaluate=True)
    watch = watching()
    watch.after_val_iter = lambda runner, *args, **kwargs: end()
    with pytest.raises(SystemExit, match='143'):
        runs.run(config, 'ended', watch=watch)
    assert len(watch.seen) == 3
    again = runs.run(config, 'ended', resume=True)
    whole = runs.run(config, 'whole')
    ours, theirs = (
        {
            name: buffer.data[0].tolist()
            for name, buffer in runner.message_hub.log_scalars.items()
            if name.startswith('val/epic')
        }
        for runner in (again, whole)
    )
    assert ours == theirs
    assert {len(values) for values in ours.values()} == {2}  # once an epoch


def test_another_length_of_the_epoch_is_refused_only_within_one(runs, watching):
    config = runs.config('mimo')
    with pytest.raises(SystemExit, match='143'):
        runs.run(config, 'ended', watch=watching(end, 1))
    config.train_dataloader.batch_size = 3
    words = r'after batch 1 of 3 with 4 clips each, but now an epoch has {} batches of {} clips'
    with pytest.raises(ValueError, match=words.format(4, 3)):
        runs.run(config, 'ended', resume=True)
    config.train_dataloader.batch_size = 5  # as many batches, but of other clips
    with pytest.raises(ValueError, match=words.format(3, 5)):
        runs.run(config, 'ended', resume=True)


def test_a_step_of_several_batches_ends_with_the_epoch_and_can_be_gone_on_from(
    runs, same_state, watching
):
    """Two batches a step, three an epoch: ended after an epoch, and within an evaluation."""
    config = runs.config('mimo', epochs=3, evaluate=True)
    config.optim_wrapper.accumulative_counts = 2
    steps = []
    watch = watching()
    watch.after_train_iter = lambda runner, *args, **kwargs: steps.append(
        runner.optim_wrapper.should_update()
    )
    whole = runs.run(config, 'whole', watch=watch)
    assert steps == [False, True, True] * 3
    with pytest.raises(SystemExit, match='143'):
        runs.run(config, 'ended', watch=watching(end, 3))
    watch = watching()
    watch.after_val_iter = lambda runner, *args, **kwargs: runner.epoch == 2 and end()
    with pytest.raises(SystemExit, match='143'):
        runs.run(config, 'ended', resume=True, watch=watch)
    again = runs.run(config, 'ended', resume=True)
    same_state(again, whole)
    logs = ''.join(path.read_text() for path in (runs.folder / 'ended').glob('*/*.log'))
    assert 'gradient of some iterations is lost' not in logs


def test_a_checkpoint_by_iterations_waits_for_the_step(runs):
    config = runs.config('mimo', epochs=1)
    config.optim_wrapper.accumulative_counts = 2
    config.default_hooks.checkpoint.update(by_epoch=False, interval=1, max_keep_ckpts=-1)
    runs.run(config, 'run')
    names = {path.name for path in (runs.folder / 'run').glob('*.pth')}
    assert names == {'iter_2.pth', 'iter_3.pth'}


def test_a_sampler_that_cannot_start_within_an_epoch_is_refused(runs):
    config = runs.config('mimo')
    config.train_dataloader.sampler = dict(type='DefaultSampler', shuffle=True)
    with pytest.raises(ValueError, match=r"got a DefaultSampler. Set .*type='EpochSampler'"):
        runs.run(config, 'refused')


def test_a_loader_that_hangs_is_ended_and_the_clips_are_named(runs, watching, monkeypatch):
    """The last of 11 clips in the order of the data set, so in the third batch."""
    config = runs.config('mimo', workers=1)
    config.train_dataloader.timeout = 2
    config.train_dataloader.sampler.shuffle = False
    clips = importlib.import_module('random_clips').RandomClips
    load = clips.__getitem__

    def hang(self, where):
        while where.index == 10:
            time.sleep(1)
        return load(self, where)

    monkeypatch.setattr(clips, '__getitem__', hang)
    words = r'timed out after 2 seconds Batch 3 of epoch 1 was wanted: the clips at \[8, 9, 10\]'
    with pytest.raises(RuntimeError, match=words):
        runs.run(config, 'run')


# Long: PyTorch raises wherever Python is at that moment, also in a callback of pytest's plugins.
@pytest.mark.long
def test_a_loader_that_is_killed_is_told_at_once_with_the_clips(runs, monkeypatch):
    config = runs.config('mimo', workers=1)
    config.train_dataloader.sampler.shuffle = False
    clips = importlib.import_module('random_clips').RandomClips
    load = clips.__getitem__

    def killed(self, where):
        if where.index == 10:
            os.kill(os.getpid(), signal.SIGKILL)
        return load(self, where)

    monkeypatch.setattr(clips, '__getitem__', killed)
    # The loader is ahead of the step: the end of its process is told in one of those before.
    words = r'^DataLoader worker.* Batch \d of epoch 1 was wanted: the clips at .*of memory'
    begun = time.monotonic()
    with pytest.raises(RuntimeError, match=words):
        runs.run(config, 'run')
    assert time.monotonic() - begun < 30


# Long: PyTorch raises wherever Python is at that moment, also in a callback of pytest's plugins.
@pytest.mark.long
@pytest.mark.parametrize('persistent', [False, True])
def test_a_decoder_that_is_stuck_is_ended_and_the_clip_is_left_out(
    runs, watching, monkeypatch, persistent
):
    """Clip 6, in the second batch, by two processes: each step is made once, without the clip."""
    monkeypatch.setattr(clip_watch, 'STUCK_SECONDS', 1)
    config = runs.config('mimo', epochs=1, workers=2)
    config.train_dataloader.persistent_workers = persistent
    config.train_dataloader.sampler.shuffle = False
    clips = importlib.import_module('random_clips').RandomClips
    load, at, left_out = clips.__getitem__, clip_watch.ClipWatch(), []

    def get(self, where):
        clip = 0 if where.index in left_out else where.index
        with at.at(clip):
            if clip == 6:
                ctypes.PyDLL(None).sleep(60)  # in C, with the interpreter's lock
            return load(self, where._replace(index=clip))

    def leave_out_stuck(self):
        found = at.stuck()
        left_out.extend(found)
        return bool(found)

    monkeypatch.setattr(clips, '__getitem__', get)
    monkeypatch.setattr(clips, 'leave_out_stuck', leave_out_stuck, raising=False)
    seen = watching()
    begun = time.monotonic()
    runs.run(config, 'run', watch=seen)
    assert time.monotonic() - begun < 30
    numbers = [[int(name.rpartition('_')[2]) for name in names] for _, _, names in seen.seen]
    assert numbers == [[0, 1, 2, 3], [4, 5, 0, 7], [8, 9, 10]]
    assert left_out == [6]
