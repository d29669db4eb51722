"""Checkpoints survive what happens to disks and processes."""

import errno
import os
import resource

import pytest
import torch

from egomm import sealing
from egomm.sealing import NotWrittenError, Seal, seal_of


@pytest.fixture
def trained(runs):
    """Folder of a run of two epochs."""
    runs.run(runs.config('mimo'), 'run')
    return runs.folder / 'run'


def test_a_damaged_newest_checkpoint_is_named_and_the_one_before_is_taken(runs, trained, caplog):
    newest = trained / 'epoch_2.pth'
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    runner = runs.run(runs.config('mimo', epochs=3), 'run', resume=True)
    assert runner._load_from == str(trained / 'epoch_1.pth')
    logs = ''.join(path.read_text() for path in trained.glob('*/*.log'))
    assert 'epoch_2.pth is no complete checkpoint (its content differs from its seal)' in logs
    assert 'The checkpoint before it is taken instead.' in logs
    assert sorted(path.name for path in trained.glob('*.pth')) == ['epoch_2.pth', 'epoch_3.pth']
    assert seal_of(newest) is Seal.INTACT


def test_where_no_checkpoint_is_whole_nothing_is_trained_over_them(runs, trained):
    for path in trained.glob('*.pth'):
        path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r'holds 2 checkpoints, and none is whole. Start anew'):
        runs.run(runs.config('mimo'), 'run', resume=True)


def test_resume_in_an_empty_folder_starts_anew(runs):
    assert runs.run(runs.config('mimo', epochs=1), 'run', resume=True).iter == 3


class FullDisk:
    """A disk that is full at the checkpoints of some numbers."""

    def __init__(self, monkeypatch, full_at):
        self.full_at, self.count = full_at, 0
        self._sync = os.fsync
        monkeypatch.setattr(sealing.os, 'fsync', self)

    def __call__(self, number):
        if '.pth' in os.path.basename(os.readlink(f'/proc/self/fd/{number}')):
            self.count += 1
            if self.count in self.full_at:
                raise OSError(errno.ENOSPC, 'No space left on device')
        self._sync(number)


def test_a_full_disk_keeps_the_old_checkpoint_and_the_run_goes_on(runs, monkeypatch):
    """The second of four cannot be written: of two that are kept, none is removed for it."""
    config = runs.config('mimo', epochs=4)
    config.default_hooks.checkpoint.max_keep_ckpts = 1
    FullDisk(monkeypatch, full_at={2})
    runner = runs.run(config, 'run')
    assert runner.epoch == 4
    logs = ''.join(path.read_text() for path in (runs.folder / 'run').glob('*/*.log'))
    assert 'epoch_2.pth cannot be written: [Errno 28] No space left on device' in logs
    assert 'Training goes on' in logs
    assert [path.name for path in (runs.folder / 'run').glob('*.pth')] == ['epoch_4.pth']


def test_a_system_that_writes_half_a_file_leaves_the_old_one_and_the_run_goes_on(runs, watching):
    """A real limit on the size of files, from the second epoch to the third of four."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    watch = watching()

    def limit(runner, *args, **kwargs):
        if runner.iter + 1 in (4, 9):
            size = (runs.folder / 'run/epoch_1.pth').stat().st_size // 2
            full = runner.iter + 1 == 4
            resource.setrlimit(resource.RLIMIT_FSIZE, (size if full else before[0], before[1]))

    watch.after_train_iter = limit
    config = runs.config('mimo', epochs=4)
    config.default_hooks.checkpoint.max_keep_ckpts = -1
    try:
        runs.run(config, 'run', watch=watch)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    logs = ''.join(path.read_text() for path in (runs.folder / 'run').glob('*/*.log'))
    assert 'epoch_2.pth cannot be written: [Errno 27] File too large' in logs
    left = sorted((runs.folder / 'run').glob('.*.part')) + sorted(runs.folder.glob('run/*.pth'))
    assert [path.name for path in left] == ['epoch_1.pth', 'epoch_3.pth', 'epoch_4.pth']
    assert all(seal_of(path) is Seal.INTACT for path in left)


def test_a_full_disk_at_the_end_is_an_error_and_the_old_checkpoint_is_there(runs, monkeypatch):
    config = runs.config('mimo')
    config.default_hooks.checkpoint.max_keep_ckpts = 1
    FullDisk(monkeypatch, full_at={2})
    with pytest.raises(NotWrittenError, match=r'epoch_2.pth cannot be written.*Make room'):
        runs.run(config, 'run')
    [left] = (runs.folder / 'run').glob('*.pth')
    assert left.name == 'epoch_1.pth'
    assert seal_of(left) is Seal.INTACT


def test_a_new_file_under_a_name_that_is_to_go_stays(tmp_path):
    """The best checkpoint may be replaced by one of the same name."""
    from mmengine.fileio import get_file_backend

    hook_side = get_file_backend(backend_args=dict(backend='sealed'))
    writer = get_file_backend(backend_args=dict(backend='sealed'))
    import io

    buffer = io.BytesIO()
    torch.save({}, buffer)
    path, other = tmp_path / 'best.pth', tmp_path / 'old.pth'
    for target in (path, other):
        writer.put(buffer.getvalue(), target)
        hook_side.remove(target)
    writer.put(buffer.getvalue(), path)
    hook_side.tidy()
    assert path.is_file()
    assert not other.exists()
