"""Files that are whole or not there, and their hash."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

PARTS = '.*.part'  # pattern of files that are not yet whole


@contextmanager
def written_beside(path: Path, synced: bool = True) -> Iterator[BinaryIO]:
    """A file to write to, which becomes ``path`` when all of it is written.

    Processes that write the same file at once do not meet; the last one stays.

    Args:
        path: The file; its folder is made. What is there and no file of a disk, such as
            /dev/stdout, is written to as it is.
        synced: Wait until it is on the disk, so that a power cut leaves it whole or as it was.
            False is for many small files that can be made again.

    Raises:
        OSError: As the system does; nothing is left behind then.
    """
    if path.exists() and not path.is_file():  # it would be replaced for everybody
        with path.open('wb') as file:
            yield file
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f'.{path.name}.{os.getpid()}.part')
    try:
        with part.open('wb') as file:
            yield file
            if synced:
                file.flush()
                os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    if not synced:
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the new name, too, has to survive a power cut
    finally:
        os.close(folder)


def sha256_of_file(path: str | Path) -> str:
    """Hash of a file of any size, in hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
