"""Runs and files that are killed, many times (`tools/run_reliability.sh`)."""

import gc
import io
import logging
import os
import random
import signal
import time
import warnings
from collections import Counter
from functools import partial

import numpy as np
import pytest
import torch

from egomm.apis.launch import leave_process_group
from egomm.datasets.feature_store import FeatureStore
from egomm.datasets.window_writer import WindowWriter
from egomm.functional.whole_files import PARTS
from egomm.hooks.preemption import end_children
from egomm.hooks.sealed_checkpoint import newest_intact
from egomm.sealing import Seal, seal_of, write_sealed
from egomm.testing.features import write_feature_world
from tests.reliability.fleet import fork, wait

pytestmark = pytest.mark.long
ENDS = (1, 7, 29, 30, 31, 59)


def long_config(runs, family, workers=0):
    """At least 60 steps in three epochs or more."""
    config = runs.config(family, workers=workers)
    loader = config.train_dataloader
    epochs = 3
    if family == 'mimo':
        loader.dataset.size = 80
    elif family == 'multitask':
        loader.batch_size, epochs = 1, 5
    else:
        world = runs.folder / 'world'
        write_feature_world(world, train=20, val=2, signal=3.0)
        loader.dataset.data_root = str(world)
    config.train_cfg.max_epochs = epochs
    return config


def end():
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize('family', ['mimo', 'multitask', 'asl'])
def test_resume_after_each_of_six_ends_with_0_1_and_2_processes_of_the_loader(
    runs, watching, same_state, record_property, family
):
    watch = watching()
    whole = runs.run(long_config(runs, family), 'whole', watch=watch)
    assert whole.iter >= 60
    for workers in (0, 1, 2):
        config = long_config(runs, family, workers)
        seen = []
        for number, step in enumerate(ENDS):
            part = watching(end, step)
            with pytest.raises(SystemExit, match='143'):
                runs.run(config, f'ended_{workers}', resume=number > 0, watch=part)
            seen += part.seen
        last = watching()
        again = runs.run(config, f'ended_{workers}', resume=True, watch=last)
        seen += last.seen
        assert seen == watch.seen
        same_state(again, whole)
    for epoch in range(3):
        counts = Counter(name for at, _, names in watch.seen if at == epoch for name in names)
        assert set(counts.values()) == {1}, 'a clip is repeated'
        assert len(counts) == len(whole.train_dataloader.dataset), 'a clip is left out'
    record_property(
        'measured',
        f'{family}: {whole.iter} steps, 6 ends, 0/1/2 workers: difference 0.0, 0 clips repeated '
        'or left out',
    )


def together(runs, config, folder, processes, resume, watches):
    """Train with several processes over gloo, each with its watch; their exit codes."""
    port = random.randrange(20_000, 30_000)
    gc.collect()
    end_children()  # of loaders of tests before: a forked process would take them for its own

    def work(rank):
        os.environ.update(
            RANK=str(rank),
            LOCAL_RANK=str(rank),
            WORLD_SIZE=str(processes),
            MASTER_ADDR='127.0.0.1',
            MASTER_PORT=str(port),
        )
        warnings.simplefilter('ignore')  # as outside of tests
        try:
            runs.run(config, folder, resume=resume, watch=watches[rank])
        finally:
            leave_process_group()

    pids = [fork(partial(work, rank)) for rank in range(processes)]
    return [wait(pid, 300) for pid in pids]


class Diary:
    """A hook's before_train_iter that writes down the clips of each step of this process."""

    def __init__(self, path):
        self.path = path

    def __call__(self, runner, batch_idx, data_batch=None):
        samples = data_batch['data_samples']
        with open(self.path, 'a') as file:
            for sample in samples:
                file.write(f'{runner.iter + 1} {sample.metainfo["narration_id"]}\n')


@pytest.mark.parametrize('accumulated', [1, 2])
def test_one_process_two_and_one_again_take_the_same_clips_and_learn_the_same(
    runs, watching, record_property, accumulated
):
    """Four clips a batch of all processes; ended within the first epoch, and within the second."""
    config = runs.config('mimo', epochs=3)
    config.train_dataloader.dataset.size = 24
    config.optim_wrapper.accumulative_counts = accumulated
    for head in config.model.heads.values():
        head.dropout = 0.0  # each process draws numbers of its own
    config.optim_wrapper.optimizer.lr = 0.05  # with 0.5, 18 steps make 6e-6 of the last bit
    config.launcher = 'pytorch'
    plans = dict(whole=((1, None),), changed=((1, 2), (2, 8), (1, None)))
    for name, parts in plans.items():
        for number, (processes, step) in enumerate(parts):
            config.train_dataloader.batch_size = 4 // processes
            watches = [watching(end, step) for _ in range(processes)]
            for watch in watches:
                watch.before_train_iter = Diary(runs.folder / f'{name}.txt')
            codes = together(runs, config, name, processes, number > 0, watches)
            assert codes == [143 if step else 0] * processes
    whole, changed = (
        sorted((runs.folder / f'{name}.txt').read_text().splitlines()) for name in plans
    )
    assert len(whole) == 3 * 24
    assert changed == whole
    one, two = (torch.load(runs.folder / name / 'epoch_3.pth', weights_only=True) for name in plans)
    losses = [
        each['message_hub']['log_scalars']['train/loss']['log_history'] for each in (one, two)
    ]
    apart = float(((losses[0] - losses[1]) / losses[0]).abs().max())
    assert len(losses[0]) == len(losses[1]) == 18
    assert apart <= 1e-6
    torch.testing.assert_close(one['state_dict'], two['state_dict'], rtol=1e-5, atol=1e-6)
    record_property(
        'measured',
        f'1, 2, 1 processes, {accumulated} batches a step: same clips in all 18 batches, losses '
        f'{apart:.0e} apart (relative)',
    )


def test_one_of_two_processes_is_asked_to_end_and_both_leave_after_the_same_step(
    runs, watching, record_property
):
    """Then both go on, and end with the weights of two that were never asked."""
    config = runs.config('mimo')
    config.launcher, config.train_dataloader.batch_size = 'pytorch', 2

    def pair(folder, resume=False, step=None):
        return together(runs, config, folder, 2, resume, [None, watching(end, step)])

    assert pair('whole') == [0, 0]
    assert pair('ended', step=2) == [143, 143]
    saved = torch.load(runs.folder / 'ended' / 'preempted.pth', weights_only=True)
    assert saved['meta']['iter'] == 2
    assert pair('ended', resume=True) == [0, 0]
    one, two = (
        torch.load(runs.folder / name / 'epoch_2.pth', weights_only=True)
        for name in ('whole', 'ended')
    )
    for part in ('state_dict', 'ema_state_dict', 'optimizer'):
        torch.testing.assert_close(one[part], two[part], rtol=0, atol=0)
    record_property('measured', '2 processes, SIGTERM to one: both left with 143, difference 0.0')


class Progress:
    """A hook's after_train_iter that writes down how far a run is, and takes its time."""

    def __init__(self, path):
        self.path = path

    def __call__(self, runner, batch_idx, data_batch=None, outputs=None):
        time.sleep(0.02)
        self.path.write_text(str(runner.iter + 1))


def test_fifty_requests_to_end_at_random_moments(runs, watching, same_state, record_property):
    """In training, evaluation, saving and the start; then the run ends with the same weights."""
    config = runs.config('mimo', workers=1, evaluate=True)
    config.train_dataloader.dataset.size = 400
    config.train_cfg.max_epochs = 3
    whole = runs.run(config, 'whole')
    end_children()  # of its loader: a forked process would take them for its own
    places = random.Random(0)
    progress = runs.folder / 'progress'
    lost, codes, slowest, finished = [], Counter(), 0.0, 0
    progress.write_text('0')
    while sum(codes.values()) < 50:

        def work():
            watch = watching()
            watch.after_train_iter = Progress(progress)
            runs.run(config, 'ended', resume=True, watch=watch)

        pid = fork(work)
        time.sleep(places.uniform(0.0, 1.5))
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            assert os.waitstatus_to_exitcode(status) == 0
            finished += 1
            os.rename(runs.folder / 'ended', runs.folder / f'finished_{finished}')
            progress.write_text('0')
            continue
        os.kill(pid, signal.SIGTERM)
        begun = time.monotonic()
        code = wait(pid, 10)
        slowest = max(slowest, time.monotonic() - begun)
        codes[code] += 1
        reached = int(progress.read_text() or 0)
        newest = newest_intact(runs.folder / 'ended', logging.getLogger('test'))
        saved = 0 if newest is None else torch.load(newest, weights_only=True)['meta']['iter']
        lost.append(max(0, reached - saved))
        progress.write_text(str(saved))
    # A process that had not begun to listen ends by the signal itself.
    assert codes.keys() <= {143, -signal.SIGTERM, 0}, codes
    assert codes[143] >= 25, codes
    assert max(lost) <= 1
    same_state(runs.run(config, 'ended', resume=True), whole)
    record_property(
        'measured',
        f'50 SIGTERM: {codes[143]} saved and left with 143, {codes[-signal.SIGTERM]} had not '
        f'begun, {codes[0]} were done; slowest {slowest:.1f} s, most steps lost {max(lost)}, same '
        'weights in the end',
    )


def test_two_hundred_kills_while_saving(tmp_path, record_property):
    """Each leaves a valid checkpoint, at most one older than the one that was being written."""
    buffer = io.BytesIO()
    torch.save(dict(state_dict=dict(w=torch.randn(250_000))), buffer)
    content = buffer.getvalue()
    progress, folder = tmp_path / 'progress', tmp_path / 'run'
    progress.write_text('0')
    first = 1

    def save_all():
        for number in range(first, 1_000_000):
            write_sealed(folder / f'epoch_{number}.pth', content)
            progress.write_text(str(number))
            (folder / f'epoch_{number - 2}.pth').unlink(missing_ok=True)

    places = random.Random(0)
    logger = logging.getLogger('test')
    for _ in range(200):
        pid = fork(save_all)
        time.sleep(places.uniform(0.01, 0.1))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        newest = newest_intact(folder, logger) if folder.is_dir() else None
        reached = int(progress.read_text() or 0)
        if newest is None:
            assert reached == 0
            continue
        number = int(newest.rpartition('_')[2].removesuffix('.pth'))
        assert number >= reached
        assert len(torch.load(newest, weights_only=True)['state_dict']['w']) == 250_000
        for part in folder.glob(PARTS):
            part.unlink()
        first = number + 1
    record_property('measured', f'200 SIGKILL in {first - 1} saves: 200 valid checkpoints chosen')


def test_five_hundred_flipped_bits(runs, record_property):
    """In a real checkpoint, and in features as they are extracted."""
    runs.run(runs.config('mimo', epochs=1), 'run')
    path = runs.folder / 'run' / 'epoch_1.pth'
    folder, video = runs.folder / 'features', runs.folder / 'a.mp4'
    video.write_bytes(b'a video')
    about = dict(dim=8, fps=30.0, stride=16, window=32, per='video', dtype='float32')
    writer = WindowWriter(folder, dict(about, modalities=['rgb']))
    with writer.writing('a', video, 40):
        features = np.random.default_rng(0).random((40, 8), np.float32)
        writer.append(features, np.ones((40, 1), bool))
        writer.finish('a', video, {})
    store = FeatureStore(folder, 8)
    store.read('a')
    found = 0
    places = random.Random(0)
    for file, is_found in ((path, lambda: seal_of(path) is Seal.DAMAGED), (folder / 'a.npy', None)):
        whole = file.read_bytes()
        for _ in range(500):
            bit = places.randrange(8 * len(whole))
            damaged = bytearray(whole)
            damaged[bit // 8] ^= 1 << bit % 8
            file.write_bytes(damaged)
            if is_found is None:
                with pytest.raises(ValueError, match='differs from its line'):
                    store.read('a')
                found += 1
            else:
                found += is_found()
        file.write_bytes(whole)
    assert found == 1000
    record_property(
        'measured', f'{found} of 1000 flipped bits found (500 checkpoint, 500 features)'
    )
