"""Attempts of one run under ``torchrun --max-restarts``: the next goes on where the last one was.

When a process dies, torchrun ends the others and starts all of them again with the same command
line. Which checkpoints are of this run and not of an earlier one in the same folder is written
down by its first attempt.
"""

import json
import os
import socket
from pathlib import Path

from egomm.functional.whole_files import written_beside

NAME = 'attempts.json'  # in the work directory


def earlier_attempt(folder: str | Path, resumes: bool) -> set[str] | None:
    """What an earlier attempt of this run has found in its work directory.

    Args:
        folder: The work directory. A first attempt writes down what is there.
        resumes: Whether the command line asks for the newest checkpoint of the folder; what is
            there then belongs to the run.

    Returns:
        Checkpoints of before the run, as `identity` has them, or None where there was no earlier
        attempt, or none that got so far.
    """
    if int(os.environ.get('TORCHELASTIC_MAX_RESTARTS', 0)) == 0:
        return None
    path = Path(folder, NAME)
    if int(os.environ['TORCHELASTIC_RESTART_COUNT']) > 0 and path.is_file():
        noted = json.loads(path.read_text())
        if noted['run'] == _run():
            return set(noted['before'])
    before = [] if resumes else [identity(file) for file in Path(folder).glob('*.pth')]
    with written_beside(path) as file:
        file.write(json.dumps(dict(run=_run(), before=before)).encode())
    return None


def identity(checkpoint: Path) -> str:
    """What tells a checkpoint from another one of its name."""
    return f'{checkpoint.name} {checkpoint.stat().st_mtime_ns}'


def _run() -> str:
    """Name of a run, the same in all of its attempts: that of torchrun, or its process."""
    name = os.environ.get('TORCHELASTIC_RUN_ID', 'none')
    if name != 'none':
        return name
    return f'{socket.gethostname()} {os.getppid()} {os.environ.get("MASTER_PORT")}'
