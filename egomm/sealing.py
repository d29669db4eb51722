"""Files that are whole or not there: written beside, sealed with a hash, synced, then renamed.

A checkpoint of torch is a zip archive. Its seal is the archive's comment, so the hash travels with
the file, and torch and any zip tool read it as before. Importing this file loads neither torch nor
MMEngine.
"""

import hashlib
import os
import shutil
from enum import Enum
from pathlib import Path

from egomm.functional.whole_files import written_beside

_END = b'PK\x05\x06'  # the last record of a zip archive, 22 bytes without a comment
_WORD = b'egomm sha256 '
_SEAL = len(_WORD) + 64
_MARGIN = 1 << 20  # bytes that writing a file takes beside its content


class Seal(Enum):
    """What the seal of a file says."""

    INTACT = 'intact'
    DAMAGED = 'damaged'
    ABSENT = 'absent'  # a file that something else has written


class NotWrittenError(RuntimeError):
    """A file that could not be written; whatever was there before is untouched."""


def write_sealed(path: str | Path, content: bytes) -> None:
    """Write a file of `torch.save` with a seal.

    Args:
        path: The file; one that is there is replaced at once, when the new one is on the disk.
        content: A zip archive without a comment.

    Raises:
        NotWrittenError: If the disk is full or the folder cannot be written to.
    """
    path = Path(path)
    assert content[-22:-18] == _END, 'a zip archive without a comment'
    head = memoryview(content)[:-2]
    length = _SEAL.to_bytes(2, 'little')
    digest = hashlib.sha256(head)
    digest.update(length)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(path.parent).free
        if free < len(content) + _MARGIN:
            raise OSError(f'{len(content) / 1e6:.1f} MB wanted, {free / 1e6:.1f} MB free')
        with written_beside(path) as file:
            for part in (head, length, _WORD, digest.hexdigest().encode()):
                file.write(part)
    except OSError as error:
        raise NotWrittenError(
            f'{path} cannot be written: {error}. What was saved before is intact. Make room on '
            'this disk, or name another one with --work-dir.'
        ) from error


def seal_of(path: str | Path) -> Seal:
    """Compare a file with its seal, if it has one.

    Raises:
        OSError: If the file cannot be read.
    """
    with open(path, 'rb') as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _SEAL))
        tail = file.read()
        file.seek(0)
        if not tail.startswith(_WORD):
            # A seal that is damaged itself: only what has none ends in the record of the archive.
            sealed = file.read(2) == b'PK' and tail[-22:-18] != _END
            return Seal.DAMAGED if sealed else Seal.ABSENT
        digest = hashlib.sha256()
        left = size - _SEAL
        while block := file.read(min(left, 1 << 20)):
            digest.update(block)
            left -= len(block)
    return Seal.INTACT if tail == _WORD + digest.hexdigest().encode() else Seal.DAMAGED
