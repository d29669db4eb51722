"""Counting unreadable clips over all workers of a loader, and stopping when there are too many.

The tables lie in shared memory, so that they are one and the same in the process that trains and
in its workers, forked or spawned. Processes of a distributed run count on their own.
"""

import torch

NOTE_BYTES = 400
MAX_NOTES = 50


class FailureBudget:
    """The clips of a dataset that could not be read, each counted once.

    Args:
        size: Number of clips in the dataset.
        share: Share of them that may fail; one clip may always.

    Raises:
        ValueError: If ``share`` is not within 0..1.
    """

    def __init__(self, size: int, share: float) -> None:
        if not 0 <= share <= 1:
            raise ValueError(
                f'failure_budget wants a share of the clips, within 0..1, such as '
                f'0.001; got {share!r}.'
            )
        self.share = share
        self.limit = max(1, int(share * size))
        self._failed = torch.zeros(size, dtype=torch.bool).share_memory_()
        self._notes = torch.zeros(
            min(self.limit + 1, MAX_NOTES), NOTE_BYTES, dtype=torch.uint8
        ).share_memory_()

    def __contains__(self, index: int) -> bool:
        return bool(self._failed[index])

    def __len__(self) -> int:
        return int(self._failed.sum())

    def record(self, index: int, note: str) -> bool:
        """Count a clip.

        Args:
            index: Position of the clip in the dataset.
            note: Its name and what is wrong with it.

        Returns:
            Whether this clip is new.

        Raises:
            RuntimeError: If too many have failed, see `check`.
        """
        is_new = index not in self
        if is_new:
            # Two workers may take the same line at the same time: one note is then lost, which
            # its worker has logged; the count itself is exact.
            line = len(self)
            self._failed[index] = True
            if line < len(self._notes):
                data = bytearray(note.encode()[:NOTE_BYTES])
                self._notes[line, : len(data)] = torch.frombuffer(data, dtype=torch.uint8)
        self.check()
        return is_new

    def check(self) -> None:
        """Stop if too much has failed.

        Raises:
            RuntimeError: If more clips have failed than the budget allows, or all; the text holds
                the notes of (the first ``MAX_NOTES`` of) them.
        """
        failed, size = len(self), len(self._failed)
        if failed > self.limit or failed == size:
            notes = '\n  '.join(self.notes())
            raise RuntimeError(
                f'{failed} of {size} clips could not be read; failure_budget={self.share} allows '
                f'{min(self.limit, size - 1)}:\n  {notes}\n'
                'Repair or fetch these files, or raise `failure_budget` of the dataset.'
            )

    def notes(self) -> list[str]:
        """The notes of the clips that failed, in the order in which they did."""
        texts = [bytes(line.tolist()).rstrip(b'\0').decode(errors='ignore') for line in self._notes]
        return [text for text in texts if text]


class ClipCounter:
    """How many distinct clips were met in which condition, over all workers.

    Args:
        size: Number of clips in the dataset.
        conditions: At most 255 names; a clip counts under the one it was met in last.
    """

    def __init__(self, size: int, conditions: tuple[str, ...]) -> None:
        self.conditions = conditions
        self._condition = torch.zeros(size, dtype=torch.uint8).share_memory_()  # 0: not met

    def record(self, index: int, condition: str) -> None:
        """Note the condition of a clip."""
        self._condition[index] = 1 + self.conditions.index(condition)

    def counts(self) -> dict[str, int]:
        """Number of clips by condition."""
        return {
            name: int((self._condition == number).sum())
            for number, name in enumerate(self.conditions, start=1)
        }
