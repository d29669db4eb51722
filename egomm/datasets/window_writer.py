"""Writes features of videos for `egomm.datasets.feature_store`, so that no window is lost.

A folder holds ``<video>.npy`` ``(N, dim)`` and ``manifest.json``, which says what the numbers are
and, for each finished video, what they are of; ``SHA256SUMS`` has a line a file, unless the folder
was begun without. A video that is not finished is a ``.part`` file, to
which rows are appended; several processes may write videos of one folder.
"""

import errno
import fcntl
import io
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from egomm.datasets.feature_store import MANIFEST, SUMS
from egomm.functional.whole_files import sha256_of_file, written_beside

_LOCK = '.lock'


class WindowWriter:
    """Features over time of several videos.

    Args:
        folder: What is there of the same extraction is continued.
        description: For the manifest: ``dim``, ``fps``, ``stride``, ``window``, ``per``,
            ``dtype``, ``modalities`` and whatever else makes the numbers what they are.

    Raises:
        ValueError: If the folder holds features of another extraction or cannot be written.
    """

    def __init__(self, folder: str | Path, description: Mapping[str, Any]) -> None:
        self.folder = Path(folder)
        self.description = json.loads(json.dumps(description))
        self._rows: io.FileIO
        self.row = np.dtype(
            [
                ('features', description['dtype'], (description['dim'],)),
                ('present', 'u1', (len(description['modalities']),)),
            ]
        )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self._manifest() as manifest:
                found = {key: value for key, value in manifest.items() if key != 'videos'}
                if not manifest:
                    manifest.update(self.description, videos={})
        except OSError as error:
            raise ValueError(
                f'{folder}: features cannot be written there ({error.strerror}). Give another '
                'folder with --out.'
            ) from error
        differing = [
            f'{key} is {found.get(key)!r:.80} there, {self.description.get(key)!r:.80} here'
            for key in sorted(found.keys() | self.description.keys())
            if found and found.get(key) != self.description.get(key)
        ]
        if differing:
            raise ValueError(
                f'{folder} holds features of another extraction: {"; ".join(differing[:3])}. Give '
                'another folder with --out, or remove that one.'
            )

    def finished(self, name: str, video: Path) -> bool:
        """Whether a video's features are there.

        Raises:
            ValueError: If they are those of another file of that name.
        """
        with self._manifest() as manifest:
            entry = manifest['videos'].get(name)
        if entry is None or not (self.folder / f'{name}.npy').is_file():
            return False
        self._part(name, video).unlink(missing_ok=True)  # a kill may have left it
        if entry['bytes'] != video.stat().st_size:
            raise ValueError(
                f'{self.folder}: {name} holds features of a video of {entry["bytes"]} bytes, but '
                f'{video} has {video.stat().st_size}. Remove {name}.npy, or rename the video.'
            )
        return True

    @contextmanager
    def writing(self, name: str, video: Path, batch: int) -> Iterator[int]:
        """Start a video, or go on with it, and let no other process write it meanwhile.

        Yields:
            How many rows are there and stay, a multiple of ``batch``.

        Raises:
            ValueError: If another process is writing it.
        """
        part = self._part(name, video)
        # Without a buffer, so that nothing is left to be written when the disk is full.
        with open(part, 'ab', buffering=0) as self._rows:
            try:
                fcntl.flock(self._rows, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise ValueError(
                    f'{self.folder}: another process is writing {name}. Wait for it, or end it.'
                ) from error
            done = os.fstat(self._rows.fileno()).st_size // self.row.itemsize // batch * batch
            self._rows.truncate(done * self.row.itemsize)
            try:
                yield done
            finally:
                if part.is_file() and not part.stat().st_size:  # nothing could be read
                    part.unlink()

    def append(self, features: np.ndarray, present: np.ndarray) -> None:
        """Add rows to the video that is being written.

        Args:
            features: ``(B, dim)``.
            present: ``(B, M)`` bool: which modalities each window has.

        Raises:
            ValueError: If a value is not finite in the dtype, or the disk is full.
        """
        rows = np.zeros(len(features), self.row)
        with np.errstate(over='ignore'):
            rows['features'] = features
        rows['present'] = present
        if not np.isfinite(rows['features']).all():
            raise ValueError(
                f'{self.folder}: features are not finite in {self.description["dtype"]}. Use '
                '--dtype float32; if it is that, look at the checkpoint.'
            )
        with _written(self.folder):
            data = rows.tobytes()
            if self._rows.write(data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def finish(self, name: str, video: Path, about: Mapping[str, Any]) -> dict[str, Any]:
        """Turn the rows of a video into its file and its entry in the manifest.

        Returns:
            The entry: file, bytes and sha256 of the video, ``positions``, in how many of them each
            modality is ``present``, and ``about``.
        """
        part = self._part(name, video)
        rows = np.memmap(part, self.row, 'r')
        entry = {
            'file': video.name,
            'bytes': video.stat().st_size,
            'sha256': sha256_of_file(video),
            'positions': len(rows),
            'present': {
                modality: int(count)
                for modality, count in zip(
                    self.description['modalities'], rows['present'].sum(0, dtype=int), strict=True
                )
            },
            **about,
        }
        with _written(self.folder):
            whole = self.folder / f'.{name}.npy'
            with open(whole, 'wb') as file:
                np.save(file, rows['features'])
                os.fsync(file.fileno())
            digest = sha256_of_file(whole)
            whole.replace(self.folder / f'{name}.npy')
            with self._manifest() as manifest:
                self._note_sum(f'{name}.npy', digest, is_first=not manifest['videos'])
                manifest['videos'] = dict(sorted({**manifest['videos'], name: entry}.items()))
            part.unlink()
        return entry

    def _note_sum(self, file: str, digest: str, is_first: bool) -> None:
        """Write a file's line; readers then want one of every file, so all have it or none."""
        path = self.folder / SUMS
        if not path.is_file() and not is_first:
            return
        lines = path.read_text(encoding='utf-8').splitlines() if path.is_file() else []
        sums = {line.partition('  ')[2]: line for line in lines}
        sums[file] = f'{digest}  {file}'
        with written_beside(path) as fresh:
            fresh.write(''.join(f'{sums[name]}\n' for name in sorted(sums)).encode())

    def _part(self, name: str, video: Path) -> Path:
        # Another file of the same name has, but for a chance, another size.
        return self.folder / f'{name}.{video.stat().st_size}.part'

    @contextmanager
    def _manifest(self) -> Iterator[dict[str, Any]]:
        """The manifest, empty where there is none; what is changed of it is written."""
        path = self.folder / MANIFEST
        with open(self.folder / _LOCK, 'a') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            text = path.read_text(encoding='utf-8') if path.is_file() else '{}'
            try:
                manifest = json.loads(text)
            except ValueError as error:
                raise ValueError(
                    f'{path}: JSON is expected, but {error}. Give another folder with --out, or '
                    'remove this one.'
                ) from error
            yield manifest
            changed = json.dumps(manifest, indent=1, ensure_ascii=False) + '\n'
            if changed != text:
                with written_beside(path) as file:
                    file.write(changed.encode())


@contextmanager
def _written(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ValueError(
            f'{folder}: {error.strerror} while writing features. What is there stays; make room '
            'and call again.'
        ) from error
