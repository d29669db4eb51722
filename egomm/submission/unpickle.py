"""Reading pickles of strangers: arrays, tensors and plain Python values, nothing else.

Unpickling calls whatever a file names. Here a file can name the few functions below. They stand
for those of NumPy and torch, because the real ones trust the file: ``numpy.dtype`` lets it declare
bytes to be pointers to objects, and torch's ``_load_from_bytes`` unpickles without any check.
"""

import codecs
import io
import pickle
import re
import struct
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

_PLAIN_DTYPE = re.compile(r'[biufcSUO]\d*')  # bool, numbers, bytes, text, objects


def load_pickle(path: str | Path) -> Any:
    """Read a pickle that holds arrays, tensors and plain Python values.

    Tensors become arrays, without torch.

    Args:
        path: An existing file.

    Returns:
        What the file holds.

    Raises:
        ValueError: If the file is no complete pickle or names anything else.
    """
    try:
        with open(path, 'rb') as file:
            return _PlainUnpickler(file).load()
    except _RefusedError as error:
        raise ValueError(
            f'{path} holds a Python object that egomm does not load, because unpickling it could '
            f'run code: {error}. Ask its author for a file of NumPy arrays, or, where the file was '
            "made, save a dict of the arrays 'narration_id', 'verb_output' and 'noun_output'."
        ) from error
    except Exception as error:  # what a damaged pickle raises depends on its bytes
        raise ValueError(
            f'{path} is no complete pickle ({type(error).__name__}: {error}). Copy or download it '
            'again.'
        ) from error


class _RefusedError(pickle.UnpicklingError):
    """Something that a file of scores has no need of."""


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        # NumPy 1 and 2, and the old pickle protocols, write different module names.
        place = module.replace('numpy._core', 'numpy.core').replace('__builtin__', 'builtins')
        try:
            return _ALLOWED[f'{place}.{name}']
        except KeyError:
            raise _RefusedError(f'{module}.{name}') from None


class _PlainDtype:
    """Stands for ``numpy.dtype``: the simple kinds, without fields."""

    def __init__(self, code: Any, *_: Any) -> None:
        if not isinstance(code, str) or not _PLAIN_DTYPE.fullmatch(code):
            raise _RefusedError(f'numpy.dtype({code!r})')
        self.dtype = np.dtype(code)

    def __setstate__(self, state: Any) -> None:
        _, order, *fields = state
        if any(value is not None for value in fields[:3]):
            raise _RefusedError(f'numpy.dtype of {self.dtype.str} with fields')
        self.dtype = self.dtype.newbyteorder(order)


class _PlainArray(np.ndarray):
    """An array that is filled only with what its dtype can hold."""

    def __setstate__(self, state: Any) -> None:
        version, shape, dtype, is_fortran, data = state
        super().__setstate__((version, shape, _dtype(dtype), is_fortran, data))


def _dtype(value: Any) -> np.dtype:
    if not isinstance(value, _PlainDtype):
        raise _RefusedError(f'{type(value).__name__} in the place of a numpy.dtype')
    return value.dtype


def _empty_array(*_: Any) -> np.ndarray:
    return np.ndarray.__new__(_PlainArray, (0,), np.int8)


def _array_of_buffer(data: Any, dtype: Any, shape: Any, order: str) -> np.ndarray:
    return np.frombuffer(data, _dtype(dtype)).reshape(shape, order=order)


def _scalar(dtype: Any, data: Any) -> Any:
    return np.frombuffer(data, _dtype(dtype))[0]


def _bytes_of_text(text: Any, encoding: Any) -> bytes:
    if encoding != 'latin1':  # how old protocols write bytes
        raise _RefusedError(f'_codecs.encode(..., {encoding!r})')
    return codecs.latin_1_encode(text)[0]


class _StorageUnpickler(pickle.Unpickler):
    """Reads the pickles before the numbers of a storage; all that matters there is their type."""

    def find_class(self, module: str, name: str) -> Any:
        if module != 'torch' or name not in _STORAGES:
            raise _RefusedError(f'{module}.{name}')
        return _STORAGES[name]

    def persistent_load(self, pid: Any) -> Any:
        _, kind, *_ = pid
        return kind


def _torch_storage(data: Any) -> np.ndarray:
    """The numbers of a tensor, from the format of torch's files before its version 1.6.

    Tensors that are pickled one by one still have it. It is read here because torch takes 0.6 ms
    for each, 18 s for the predictions of a validation split (measured on 9,668 clips).
    """
    file = io.BytesIO(data)
    unpickler = _StorageUnpickler(file)
    _, _, system, kind, _ = (unpickler.load() for _ in range(5))
    if not system['little_endian']:
        raise _RefusedError('a tensor with the bytes of its numbers in the other order')
    [count] = struct.unpack('<q', file.read(8))
    return np.frombuffer(file.read(), kind, count)


def _torch_tensor(storage: Any, offset: int, size: Any, stride: Any, *_: Any) -> np.ndarray:
    if type(storage) is not np.ndarray:
        raise _RefusedError(f'a tensor of a {type(storage).__name__}')
    last = offset + sum((count - 1) * step for count, step in zip(size, stride, strict=True))
    if min((offset, *size, *stride)) < 0 or (0 not in size and last >= len(storage)):
        raise _RefusedError('a tensor that reaches beyond its numbers')
    steps = [step * storage.itemsize for step in stride]
    return np.ndarray(size, storage.dtype, storage, offset * storage.itemsize, steps).copy()


_STORAGES = {
    'DoubleStorage': np.float64,
    'FloatStorage': np.float32,
    'HalfStorage': np.float16,
    'LongStorage': np.int64,
    'IntStorage': np.int32,
    'ShortStorage': np.int16,
    'CharStorage': np.int8,
    'ByteStorage': np.uint8,
    'BoolStorage': np.bool_,
}
_ALLOWED: dict[str, Callable | str] = {
    'builtins.set': set,
    'builtins.frozenset': frozenset,
    'builtins.bytes': bytes,
    'builtins.bytearray': bytearray,
    'builtins.complex': complex,
    'collections.OrderedDict': OrderedDict,
    '_codecs.encode': _bytes_of_text,
    'numpy.ndarray': 'numpy.ndarray',  # only ever an argument of the next line
    'numpy.core.multiarray._reconstruct': _empty_array,
    'numpy.core.multiarray.scalar': _scalar,
    'numpy.core.numeric._frombuffer': _array_of_buffer,
    'numpy.dtype': _PlainDtype,
    'torch.storage._load_from_bytes': _torch_storage,
    'torch._utils._rebuild_tensor_v2': _torch_tensor,
}
