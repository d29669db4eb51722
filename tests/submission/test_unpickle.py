"""Files that a stranger made: what is read, and that nothing in them runs."""

import os
import pickle
import sys

import numpy as np
import pytest
import torch

from egomm.submission.unpickle import load_pickle

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
NUMPY_CALL = np.float64(0).__reduce__()[0]  # numpy's own constructor of scalars


def saved(folder, value, protocol=4):
    path = folder / 'x.pkl'
    path.write_bytes(value if isinstance(value, bytes) else pickle.dumps(value, protocol))
    return path


class Calls:
    """Pickles as a call of a function, as hostile files do."""

    def __init__(self, function, *arguments, state=None):
        self.call = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize('protocol', PROTOCOLS)
@pytest.mark.parametrize(
    'array',
    [
        np.arange(6, dtype='f4').reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(6).astype('>i2'),
        np.array(['P01_1', 'P01_12']),
        np.array(['a', None], dtype=object),
        np.array([True, False]),
        np.zeros((0, 3)),
    ],
    ids=lambda array: str(array.dtype),
)
def test_arrays_of_every_protocol_are_read(tmp_path, protocol, array):
    path = saved(tmp_path, [array, array], protocol)
    read = load_pickle(path)[0]
    assert read.dtype == pickle.loads(path.read_bytes())[0].dtype
    np.testing.assert_array_equal(read, array)


@pytest.mark.parametrize('protocol', PROTOCOLS)
def test_plain_values_of_every_protocol_are_read(tmp_path, protocol):
    value = {'a': [1, 2.5, None, True, 'x', b'\xff', b''], 'b': ({1}, frozenset('a'), 1j)}
    assert load_pickle(saved(tmp_path, value, protocol)) == value
    scalars = [np.float32(1.5), np.int64(3), np.str_('x'), np.bool_(True)]
    assert load_pickle(saved(tmp_path, scalars, protocol)) == scalars


@pytest.mark.parametrize('protocol', PROTOCOLS)
@pytest.mark.parametrize(
    'tensor',
    [
        torch.arange(12.0).reshape(3, 4)[1:, ::2],
        torch.arange(6).reshape(2, 3).T,
        torch.tensor(3, dtype=torch.int16),
        torch.tensor([True, False]),
        torch.zeros(0, 3, dtype=torch.float64),
        torch.ones(3).half().expand(2, 3),
    ],
    ids=lambda tensor: f'{tensor.dtype} {tuple(tensor.shape)}',
)
def test_tensors_become_arrays(tmp_path, protocol, tensor):
    read = load_pickle(saved(tmp_path, {'x': tensor}, protocol))['x']
    np.testing.assert_array_equal(read, tensor.numpy())
    assert read.dtype == tensor.numpy().dtype


@pytest.mark.parametrize(
    'hostile, name',
    [
        (Calls(os.system, 'touch MARK'), 'system'),
        (Calls(eval, "open('MARK', 'w')"), 'builtins.eval'),
        (Calls(exec, "open('MARK', 'w')"), 'builtins.exec'),
        (Calls(getattr, {}, 'clear'), 'builtins.getattr'),
        (Calls(__import__, 'os'), 'builtins.__import__'),
        (Calls(print, 'x'), 'builtins.print'),
        (Calls(np.load, 'x.npy', None, True), 'numpy.load'),
        (Calls(torch.load, 'x.pt'), 'torch.serialization.load'),
        (Calls(pickle.loads, b'N.'), 'pickle.loads'),
        (type('Own', (), {}), 'Own'),
        (sys.exit, 'sys.exit'),
        (b'cnumpy.core.multiarray\n_reconstruct.__globals__\n.', '_reconstruct.__globals__'),
        (b'\x80\x04\x8c\x05numpy\x8c\x0dndarray.dtype\x93.', 'numpy.ndarray.dtype'),
    ],
)
def test_whatever_else_a_file_names_is_refused(tmp_path, monkeypatch, hostile, name):
    monkeypatch.chdir(tmp_path)
    if isinstance(hostile, type):  # what __reduce__ of an own class would name
        hostile = f'c__main__\n{name}\n.'.encode()
    path = saved(tmp_path, hostile)
    with pytest.raises(ValueError, match=f'could run code: .*{name}'):
        load_pickle(path)
    assert [file.name for file in tmp_path.iterdir()] == ['x.pkl']


@pytest.mark.parametrize(
    'hostile, words',
    [
        # Bytes declared to be pointers: NumPy's own dtype takes both, and reading them crashes.
        (Calls(np.dtype, 'O8', False, True, state=(3, '|', None, None, None, 8, 1, 0)), 'pickle'),
        (
            Calls(
                np.dtype,
                'V8',
                False,
                True,
                state=(3, '|', None, ('a',), {'a': (np.dtype('O'), 0)}, 8, 1, 0),
            ),
            r"could run code: numpy\.dtype\('V8'\)",
        ),
        (
            Calls(
                np.dtype,
                'f8',
                False,
                True,
                state=(3, '<', None, ('a',), {'a': (np.dtype('O'), 0)}, 8, 1, 0),
            ),
            'dtype of <f8 with fields',
        ),
    ],
)
def test_bytes_cannot_be_declared_to_be_objects(tmp_path, hostile, words):
    with pytest.raises(ValueError, match=words):
        load_pickle(saved(tmp_path, Calls(NUMPY_CALL, hostile, b'AAAAAAAA')))


def test_a_tensor_cannot_reach_beyond_its_numbers(tmp_path):
    good = pickle.dumps(torch.arange(5.0), 2)
    assert good.count(b'K\x05\x85') == 1  # its size, (5,)
    with pytest.raises(ValueError, match='could run code: a tensor that reaches beyond'):
        load_pickle(saved(tmp_path, good.replace(b'K\x05\x85', b'K\x06\x85')))


def test_a_tensor_of_other_things_than_numbers_is_refused(tmp_path):
    rebuild = torch._utils._rebuild_tensor_v2
    storage = np.array(['a', 'b'], dtype=object)
    with pytest.raises(ValueError, match='could run code: a tensor of a _PlainArray'):
        load_pickle(saved(tmp_path, Calls(rebuild, storage, 0, (2,), (1,), False, {})))


def test_storage_of_a_tensor_is_read_as_carefully(tmp_path):
    inner = pickle.dumps(Calls(os.system, 'touch MARK'))
    outer = Calls(torch.storage._load_from_bytes, inner)
    with pytest.raises(ValueError, match='could run code: .*system'):
        load_pickle(saved(tmp_path, outer))


def test_other_encodings_than_that_of_bytes_are_refused(tmp_path):
    hostile = b'c_codecs\nencode\n(Vx\nVzlib\ntR.'
    with pytest.raises(ValueError, match=r"could run code: _codecs\.encode\(\.\.\., 'zlib'\)"):
        load_pickle(saved(tmp_path, hostile))


@pytest.mark.parametrize('length', [0, 1, 20, -1])
def test_a_pickle_that_is_cut_short_is_named(tmp_path, length):
    whole = pickle.dumps({'a': np.arange(9.0)})
    with pytest.raises(ValueError, match=r'x\.pkl is no complete pickle \('):
        load_pickle(saved(tmp_path, whole[:length]))


def test_damaged_bytes_never_raise_anything_else(tmp_path):
    whole = pickle.dumps([{'a': np.arange(3.0), 'b': np.array(['x']), 'c': torch.ones(2)}], 2)
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(damaged), 2):
            damaged[place] = rng.integers(256)
        try:
            load_pickle(saved(tmp_path, bytes(damaged)))
        except ValueError as error:
            refused += 'x.pkl' in str(error)
    assert refused > 100
