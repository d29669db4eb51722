"""Files of pre-extracted features behind one reader: .npy, .pt, HDF5 and LMDB.

A source of features is a folder of ``<id>.npy`` or ``<id>.pt`` files, an LMDB folder
(``data.mdb``), or one ``.h5`` / ``.hdf5`` file with a dataset an id; each entry is an array
``(N, dim)``. The values of an LMDB are ``.npy`` files, or ``.npz`` files of one array.

Beside it a manifest says what the numbers are: ``manifest.json`` in a folder, ``<file>.json`` next
to a file, with ``dim`` and, for features over time, ``fps``, ``stride``, ``window`` and ``per``.

A folder may hold ``SHA256SUMS``, as ``sha256sum *.npy > SHA256SUMS`` writes it; every file is then
compared with it when it is read.
"""

import hashlib
import io
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

MANIFEST = 'manifest.json'
SUMS = 'SHA256SUMS'


def manifest_of(path: str | Path) -> Path:
    """Where the manifest of a source is, or would be."""
    path = Path(path)
    return path / MANIFEST if path.is_dir() else path.with_name(f'{path.name}.json')


def read_description(path: str | Path, **given: Any) -> dict[str, Any]:
    """What the manifest beside a source says, or the config where there is no manifest.

    Args:
        path: The source.
        **given: Values of the config by name; None where the config says nothing.

    Returns:
        A value for each name in ``given``.

    Raises:
        ValueError: If manifest and config differ, or neither has a value.
    """
    place = manifest_of(path)
    found = {}
    if place.is_file():
        try:
            found = dict(json.loads(place.read_text(encoding='utf-8')))
        except (ValueError, TypeError, RecursionError) as error:
            raise ValueError(
                f'{place}: a manifest is a JSON object with {list(given)}; got {error}. Correct it.'
            ) from error
    values = {}
    for name, value in given.items():
        if value is not None and name in found and found[name] != value:
            raise ValueError(
                f'{place} says {name}={found[name]!r}, the config {name}={value!r}. Leave it '
                'out of the config, or correct the manifest.'
            )
        values[name] = found.get(name, value)
    missing = [name for name, value in values.items() if value is None]
    if missing:
        raise ValueError(
            f'{path}: {missing} of these features is nowhere given. Write {place}, or name it in '
            'the config.'
        )
    return values


class FeatureStore:
    """Arrays ``(N, dim)`` by id.

    Files are opened on first use, by each process for itself: an open HDF5 or LMDB file does not
    survive a fork.

    Args:
        path: The source, see the head of this file.
        dim: Length of the vectors.

    Raises:
        ValueError: On first use: if there is no such source, or it cannot be opened.
    """

    def __init__(self, path: str | Path, dim: int) -> None:
        self.path = Path(path)
        self.dim = dim
        self._opened: tuple[int, _Folder | _Hdf5 | _Lmdb] | None = None

    def check_there(self) -> None:
        """Look whether there is such a source.

        Raises:
            ValueError: If there is none.
        """
        if not self.path.exists():
            raise ValueError(
                f'{self.path}: no such features. Correct the path, or extract them first.'
            )

    def __contains__(self, name: str) -> bool:
        return self._file().has(name)

    def read(self, name: str) -> np.ndarray:
        """Features of an id ``(N, dim)``, float32 or, if they are stored so, float16.

        Raises:
            ValueError: If there are none, they have another shape, or are not all finite numbers
                of float32.
        """
        place = f'{self.path}, {name}'
        if name not in self:
            raise ValueError(f'{place}: no such features. Fetch them, or leave the clip out.')
        try:
            array = np.asarray(self._file().read(name))
        except Exception as error:  # what a reader raises on a damaged file depends on its bytes
            raise ValueError(f'{place}: cannot be read ({error}). Fetch it again.') from error
        if array.ndim != 2 or array.shape[1] != self.dim or not len(array):
            raise ValueError(
                f'{place}: (N, {self.dim}) with N >= 1 is expected; got {array.shape}. Correct '
                '`dim`, or store time first.'
            )
        if array.dtype.kind not in 'fiu':
            raise ValueError(
                f'{place}: numbers are expected; got {array.dtype}. Store them as float32.'
            )
        if array.dtype != np.float16:
            with np.errstate(over='ignore'):
                array = array.astype(np.float32, copy=False)
        if not np.isfinite(array).all():
            raise ValueError(
                f'{place}: holds NaN or infinity in float32. Extract these features again.'
            )
        return array

    def stamp(self, name: str) -> tuple[int, int]:
        """Size and time of the last change, in ns, of the file that has the features of an id."""
        status = self._file().file_of(name).stat()
        return status.st_size, status.st_mtime_ns

    def __getstate__(self) -> dict:
        """Without open files."""
        return {**self.__dict__, '_opened': None}

    def _file(self) -> '_Folder | _Hdf5 | _Lmdb':
        if self._opened is None or self._opened[0] != os.getpid():
            self.check_there()
            kind = _Hdf5 if self.path.is_file() else _Folder
            if (self.path / 'data.mdb').is_file():
                kind = _Lmdb
            try:
                self._opened = os.getpid(), kind(self.path)
            except ValueError:
                raise  # of a package that is not installed
            except Exception as error:  # of HDF5 or LMDB, each with classes of its own
                raise ValueError(
                    f'{self.path}: cannot be opened ({error}). Fetch it again.'
                ) from error
        return self._opened[1]


class _Folder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.sums: dict[str, str] = {}
        if (path / SUMS).is_file():
            for line in (path / SUMS).read_text(encoding='utf-8').splitlines():
                digest, _, file = line.partition(' ')
                self.sums[file.lstrip(' *')] = digest  # a star marks binary mode

    def has(self, name: str) -> bool:
        return self.file_of(name).is_file()

    def file_of(self, name: str) -> Path:
        array = self.path / f'{name}.npy'
        return array if array.is_file() else self.path / f'{name}.pt'

    def read(self, name: str) -> np.ndarray:
        path = self.file_of(name)
        content = path.read_bytes()
        known = self.sums.get(f'{name}{path.suffix}')
        if self.sums and hashlib.sha256(content).hexdigest() != known:
            raise ValueError(f'it differs from its line in {SUMS}, or has none')
        if path.suffix == '.npy':
            return np.load(io.BytesIO(content), allow_pickle=False)
        return torch.load(io.BytesIO(content), map_location='cpu', weights_only=True).numpy()


class _Hdf5:
    def __init__(self, path: Path) -> None:
        try:
            import h5py
        except ImportError as error:
            raise ValueError(f'{path}: HDF5 needs h5py: pip install "egomm[features]".') from error
        self.path = path
        self.file = h5py.File(path, 'r')

    def file_of(self, name: str) -> Path:
        return self.path

    def has(self, name: str) -> bool:
        return name in self.file

    def read(self, name: str) -> np.ndarray:
        return self.file[name][()]


@cache
def _lmdb_environment(path: Path, process: int) -> Any:
    """LMDB refuses to open a file twice in one process, as data sets of two splits would."""
    try:
        import lmdb
    except ImportError as error:
        raise ValueError(f'{path}: LMDB needs lmdb: pip install "egomm[features]".') from error
    return lmdb.open(str(path), readonly=True, lock=False, readahead=False)


class _Lmdb:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.environment = _lmdb_environment(path.resolve(), os.getpid())

    def file_of(self, name: str) -> Path:
        return self.path / 'data.mdb'

    def has(self, name: str) -> bool:
        with self.environment.begin(buffers=True) as transaction:
            return transaction.get(name.encode()) is not None

    def read(self, name: str) -> np.ndarray:
        with self.environment.begin() as transaction:
            loaded = np.load(io.BytesIO(transaction.get(name.encode())), allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        arrays = list(loaded.values())
        if len(arrays) != 1:
            raise ValueError(f'one array is expected in the .npz, not {list(loaded)}')
        return arrays[0]
