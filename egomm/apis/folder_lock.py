"""One run a folder: who uses a work directory stands in a file there.

Importing this file loads neither torch nor MMEngine.
"""

import errno
import fcntl
import json
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

NAME = 'run.lock'
REFRESH_SECONDS = 60
# A run on another machine that has not touched its lock for so long is taken for dead.
STALE_SECONDS = 600
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@contextmanager
def folder_lock(folder: str | Path) -> Iterator[None]:
    """Hold a work directory.

    The lock of a process that is gone is taken over, with a word on stderr: at once if it ran on
    this machine or was the same job before it was requeued (Slurm) or restarted (torchrun), else
    after ten silent minutes.

    Args:
        folder: The work directory; made if absent.

    Raises:
        ValueError: If another process uses it.
    """
    path = Path(folder, NAME)
    path.parent.mkdir(parents=True, exist_ok=True)
    pid = os.getpid()
    own = dict(
        host=socket.gethostname(),
        pid=pid,
        started=_started(pid),
        job=os.environ.get('SLURM_JOB_ID') or os.environ.get('TORCHELASTIC_RUN_ID'),
    )
    with _opened(path) as file:
        owner = _owner(file)
        if owner and _is_alive(owner, own, path):
            raise ValueError(
                f'{folder} is in use by process {owner["pid"]} on {owner["host"]}. Wait for it, '
                f'name another folder with --work-dir, or, if that process is gone, remove {path}.'
            )
        if owner:
            print(
                f'{folder} was left by process {owner["pid"]} on {owner["host"]}, which is gone; '
                'it is taken over.',
                file=sys.stderr,
            )
        _write(file, json.dumps(own))
    ended = threading.Event()
    threading.Thread(target=_refresh, args=(path, ended), daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        if os.getpid() == pid and path.exists():  # not in a process that was forked meanwhile
            with _opened(path) as file:
                if _owner(file) == own:
                    _write(file, '')


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    """The lock file, for this process alone as long as it is open.

    The file stays when the lock is free: to remove it, while another process waits to open it,
    would leave two files. On a disk without locks (some mounts of NFS and Lustre) two runs that
    start in the same instant may both find it free.
    """
    with open(path, 'a+', encoding='utf-8') as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
        yield file


def _owner(file: IO[str]) -> dict | None:
    file.seek(0)
    try:
        owner = json.loads(file.read())
    except ValueError:  # empty: free; torn: whoever wrote it did not get to use it
        return None
    return owner if isinstance(owner, dict) and {'host', 'pid'} <= owner.keys() else None


def _write(file: IO[str], text: str) -> None:
    file.seek(0)
    file.truncate()
    file.write(text)
    file.flush()
    os.fsync(file.fileno())


def _is_alive(owner: dict, own: dict, path: Path) -> bool:
    if owner['host'] == own['host']:
        started = _started(owner['pid'])
        return started is not None and started == owner.get('started')
    if own['job'] not in (None, 'none') and owner.get('job') == own['job']:
        return False
    with tempfile.TemporaryFile(dir=path.parent) as probe:  # the clock of the disk, not ours
        now = os.fstat(probe.fileno()).st_mtime
    return now - path.stat().st_mtime < STALE_SECONDS


def _started(pid: int) -> str | None:
    """When a process of this machine began, or None if there is none: numbers are used again."""
    try:
        stat = Path(f'/proc/{pid}/stat').read_text()
    except OSError:
        if Path('/proc/self/stat').exists():
            return None
        try:  # a system without /proc
            os.kill(pid, 0)
        except ProcessLookupError:
            return None
        except PermissionError:
            pass
        return 'unknown'
    state, *numbers = stat.rpartition(')')[2].split()
    return None if state in 'ZX' else numbers[18]  # dead, and its parent has not yet been told


def _refresh(path: Path, ended: threading.Event) -> None:
    while not ended.wait(REFRESH_SECONDS):
        if path.exists():
            os.utime(path)
