"""Ending a process of a loader that is stuck inside a decoder, and knowing at which clip it was."""

import faulthandler
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.utils.data import get_worker_info

from egomm.datasets.media import LIMIT_SECONDS

# Three files of a clip may each take as long as reading one may take.
STUCK_SECONDS = 3 * LIMIT_SECONDS
MAX_PROCESSES = 256  # of a loader; those beyond are not watched
_STDERR = 2


class ClipWatch:
    """At which clip each process of a loader is, and since when, in memory that all share.

    A process that is longer at a clip than ``STUCK_SECONDS`` is ended by a thread which needs no
    lock of the interpreter, so also where C code holds that. In the process that trains nothing is
    watched: it cannot be ended.
    """

    def __init__(self) -> None:
        self._clips = torch.zeros(MAX_PROCESSES, dtype=torch.int64).share_memory_()
        self._since = torch.zeros(MAX_PROCESSES, dtype=torch.float64).share_memory_()  # 0: at none

    @contextmanager
    def at(self, clip: int) -> Iterator[None]:
        """Be at a clip of the data set."""
        worker = get_worker_info()
        if worker is None or worker.id >= MAX_PROCESSES:
            yield
            return
        self._clips[worker.id] = clip
        self._since[worker.id] = time.monotonic()
        faulthandler.dump_traceback_later(STUCK_SECONDS, exit=True, file=_STDERR)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()
            self._since[worker.id] = 0

    def stuck(self) -> list[int]:
        """Clips at which processes were ended for it; each is told once.

        A process that was killed otherwise had been at its clip for a shorter time.
        """
        late = (self._since > 0) & (self._since + STUCK_SECONDS <= time.monotonic())
        clips = self._clips[late].tolist()
        self._since.zero_()
        return clips
