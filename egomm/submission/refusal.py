"""What all writers and validators of submissions say no with."""

from collections.abc import Sequence
from pathlib import Path

from egomm.submission.challenges import Challenge


def refuse_faults(subject: str, challenge: Challenge, faults: Sequence[str], advice: str) -> None:
    """Raise a ValueError that holds all faults, if there are any.

    Args:
        subject: What has them, with its verb: ``'x.zip is'``.
        challenge: Of which it is no valid submission.
        faults: One line a kind.
        advice: What to do.
    """
    if faults:
        lines = '\n  - '.join(faults)
        raise ValueError(
            f'{subject} no valid submission to {challenge.name}; {len(faults)} kinds of fault:\n'
            f'  - {lines}\n{advice}'
        )


def refuse_existing(path: str | Path, force: bool) -> None:
    """Raise a ValueError if the file exists, unless it may be overwritten."""
    if Path(path).exists() and not force:
        raise ValueError(
            f'{path} exists. Choose another name, or overwrite it with --force (`force=True`).'
        )
