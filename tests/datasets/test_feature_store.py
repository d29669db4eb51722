import hashlib
import io
import json
import pickle

import h5py
import lmdb
import numpy as np
import pytest
import torch

from egomm.datasets.feature_store import FeatureStore, read_description

ARRAY = np.arange(12, dtype=np.float32).reshape(4, 3)


def npy(folder):
    folder.mkdir()
    np.save(folder / 'a.npy', ARRAY)
    return folder


def pt(folder):
    folder.mkdir()
    torch.save(torch.from_numpy(ARRAY), folder / 'a.pt')
    return folder


def hdf5(folder):
    path = folder.with_suffix('.h5')
    with h5py.File(path, 'w') as file:
        file['a'] = ARRAY
    return path


def lmdb_of(save):
    def write(folder):
        buffer = io.BytesIO()
        save(buffer)
        with lmdb.open(str(folder)) as environment, environment.begin(write=True) as transaction:
            transaction.put(b'a', buffer.getvalue())
        return folder

    return write


LAYOUTS = {
    'npy': npy,
    'pt': pt,
    'hdf5': hdf5,
    'lmdb': lmdb_of(lambda buffer: np.save(buffer, ARRAY)),
    'lmdb of npz': lmdb_of(lambda buffer: np.savez(buffer, features=ARRAY)),
}


@pytest.mark.parametrize('layout', LAYOUTS.values(), ids=LAYOUTS)
def test_every_layout_gives_the_same_array_also_after_pickling(layout, tmp_path):
    store = FeatureStore(layout(tmp_path / 'features'), dim=3)
    assert 'a' in store
    assert 'b' not in store
    for one in (store, pickle.loads(pickle.dumps(store))):
        assert np.array_equal(one.read('a'), ARRAY)


@pytest.mark.parametrize('stored', ['>f4', '<f8', 'i2', 'u2', 'longdouble', '>f2'])
def test_numbers_of_any_kind_become_what_torch_and_models_take(stored, tmp_path):
    folder = npy(tmp_path / 'features')
    np.save(folder / 'a.npy', ARRAY.astype(stored))
    read = FeatureStore(folder, 3).read('a')
    assert read.dtype == np.float32
    assert torch.from_numpy(read).tolist() == ARRAY.tolist()
    np.save(folder / 'a.npy', ARRAY.astype(np.float16))
    assert FeatureStore(folder, 3).read('a').dtype == np.float16


def test_what_is_missing_or_wrong_is_named(tmp_path):
    folder = npy(tmp_path / 'features')
    with pytest.raises(ValueError, match='nowhere: no such features. Correct the path'):
        FeatureStore(tmp_path / 'nowhere', 3).read('a')
    with pytest.raises(ValueError, match='features, b: no such features. Fetch them'):
        FeatureStore(folder, 3).read('b')
    with pytest.raises(ValueError, match=r'\(N, 4\) with N >= 1 is expected; got \(4, 3\)'):
        FeatureStore(folder, 4).read('a')
    np.save(folder / 'a.npy', ARRAY[:0])
    with pytest.raises(ValueError, match=r'got \(0, 3\)'):
        FeatureStore(folder, 3).read('a')
    np.save(folder / 'a.npy', np.full((2, 3), np.nan))
    with pytest.raises(ValueError, match='holds NaN or infinity'):
        FeatureStore(folder, 3).read('a')
    np.save(folder / 'a.npy', np.full((2, 3), 1e300))  # infinite for a model
    with pytest.raises(ValueError, match='holds NaN or infinity in float32'):
        FeatureStore(folder, 3).read('a')
    header = (folder / 'a.npy').read_bytes().replace(b')', b'(')  # NumPy: a TokenError
    (folder / 'a.npy').write_bytes(header)
    with pytest.raises(ValueError, match='features, a: cannot be read'):
        FeatureStore(folder, 3).read('a')
    (folder / 'a.npy').write_bytes(b'cut short')
    with pytest.raises(ValueError, match='features, a: cannot be read'):
        FeatureStore(folder, 3).read('a')


@pytest.mark.parametrize(
    'content, words',
    [
        (dict(features=torch.ones(4, 3)), 'features, a: cannot be read .*dict'),
        (torch.ones(4, 3, dtype=torch.bfloat16), 'features, a: cannot be read .*BFloat16'),
        (torch.ones(4, 3, dtype=torch.bool), 'numbers are expected; got bool. Store them as'),
    ],
)
def test_a_pt_file_of_something_else_is_refused(content, words, tmp_path):
    torch.save(content, pt(tmp_path / 'features') / 'a.pt')
    with pytest.raises(ValueError, match=words):
        FeatureStore(tmp_path / 'features', 3).read('a')


@pytest.mark.parametrize('layout', ['npy', 'pt', 'hdf5', 'lmdb', 'lmdb of npz'])
def test_a_damaged_file_gives_an_array_or_one_clear_error(layout, tmp_path):
    """Cut off, or with one byte changed. Of LMDB the value: a damaged map can end a process."""
    rng = np.random.default_rng(0)

    def damaged(data):
        data = bytearray(data)
        place = int(rng.integers(len(data)))
        if rng.random() < 0.5:
            return bytes(data[:place])
        data[place] ^= int(rng.integers(1, 256))
        return bytes(data)

    refused = 0
    for number in range(40):
        folder = tmp_path / str(number)
        if 'lmdb' in layout:
            buffer = io.BytesIO()
            (np.savez if 'npz' in layout else np.save)(buffer, ARRAY)
            broken = damaged(buffer.getvalue())
            path = lmdb_of(lambda out, broken=broken: out.write(broken))(folder)
        else:
            path = LAYOUTS[layout](folder)
            file = path if path.is_file() else next(path.iterdir())
            file.write_bytes(damaged(file.read_bytes()))
        try:
            assert FeatureStore(path, 3).read('a').shape == ARRAY.shape
        except ValueError as error:
            assert str(path) in str(error)  # noqa: PT017
            refused += 1
    assert refused >= 10


def test_an_archive_of_several_arrays_is_refused(tmp_path):
    path = lmdb_of(lambda buffer: np.savez(buffer, x=ARRAY, y=ARRAY))(tmp_path / 'features')
    with pytest.raises(ValueError, match=r"one array is expected in the .npz, not \['x', 'y'\]"):
        FeatureStore(path, 3).read('a')


@pytest.mark.parametrize('name', ['h5py', 'lmdb'])
def test_a_missing_package_is_named_with_its_command(name, tmp_path, monkeypatch):
    path = LAYOUTS['hdf5' if name == 'h5py' else 'lmdb'](tmp_path / 'features')
    monkeypatch.setitem(__import__('sys').modules, name, None)
    with pytest.raises(ValueError, match=rf'needs {name}: pip install "egomm\[features\]"'):
        FeatureStore(path, 3).read('a')


def test_the_manifest_lies_in_the_folder_or_beside_the_file(tmp_path):
    folder, path = npy(tmp_path / 'a'), hdf5(tmp_path / 'b')
    (folder / 'manifest.json').write_text(json.dumps(dict(dim=3, fps=30)))
    (tmp_path / 'b.h5.json').write_text(json.dumps(dict(dim=4)))
    assert read_description(folder, dim=None, fps=30.0) == dict(dim=3, fps=30)
    assert read_description(path, dim=4, fps=2.0) == dict(dim=4, fps=2.0)


def test_manifest_and_config_have_to_agree(tmp_path):
    folder = npy(tmp_path / 'a')
    with pytest.raises(ValueError, match=r"\['fps'\] of these features is nowhere given. Write"):
        read_description(folder, dim=3, fps=None)
    (folder / 'manifest.json').write_text('{"dim": 3}')
    with pytest.raises(ValueError, match='says dim=3, the config dim=4. Leave it'):
        read_description(folder, dim=4)
    (folder / 'manifest.json').write_text('[1')
    with pytest.raises(ValueError, match=r"a manifest is a JSON object with \['dim'\]"):
        read_description(folder, dim=3)


def test_files_are_compared_with_the_sums_beside_them(tmp_path):
    folder = npy(tmp_path / 'features')
    content = (folder / 'a.npy').read_bytes()
    (folder / 'SHA256SUMS').write_text(f'{hashlib.sha256(content).hexdigest()}  a.npy\n')
    assert np.array_equal(FeatureStore(folder, 3).read('a'), ARRAY)
    for bit in range(0, 8 * len(content), 41):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        (folder / 'a.npy').write_bytes(damaged)
        with pytest.raises(ValueError, match='a: cannot be read .it differs from its line in SHA2'):
            FeatureStore(folder, 3).read('a')
