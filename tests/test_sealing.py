import io
import os
import random
import zipfile

import pytest
import torch

from egomm import sealing
from egomm.sealing import NotWrittenError, Seal, seal_of, write_sealed


@pytest.fixture
def content():
    buffer = io.BytesIO()
    torch.save(dict(weight=torch.arange(500.0), names=['a', 'b']), buffer)
    return buffer.getvalue()


def test_a_sealed_file_is_read_by_torch_and_zip_as_before(tmp_path, content):
    write_sealed(tmp_path / 'x.pth', content)
    assert seal_of(tmp_path / 'x.pth') is Seal.INTACT
    loaded = torch.load(tmp_path / 'x.pth', weights_only=True)
    assert loaded['names'] == ['a', 'b']
    with zipfile.ZipFile(tmp_path / 'x.pth') as archive:
        assert archive.testzip() is None
    assert os.listdir(tmp_path) == ['x.pth']


def test_every_flipped_bit_is_found(tmp_path, content):
    """At 100 places of the content, and in every byte of the last record and the seal."""
    path = tmp_path / 'x.pth'
    write_sealed(path, content)
    whole = path.read_bytes()
    places = random.Random(0)
    bits = [places.randrange(8 * len(whole)) for _ in range(100)]
    for bit in [*range(16), *bits, *range(8 * len(content) - 176, 8 * len(whole), 7)]:
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        assert seal_of(path) is Seal.DAMAGED, bit


def test_every_cut_is_found(tmp_path, content):
    path = tmp_path / 'x.pth'
    write_sealed(path, content)
    whole = path.read_bytes()
    for length in [*range(2, len(whole), 97), len(whole) - 1]:
        path.write_bytes(whole[:length])
        assert seal_of(path) is Seal.DAMAGED, length


def test_files_of_others_have_no_seal(tmp_path, content):
    for data in (b'', content, b'pickle'):
        (tmp_path / 'x.pth').write_bytes(data)
        assert seal_of(tmp_path / 'x.pth') is Seal.ABSENT


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, content, monkeypatch):
    path = tmp_path / 'x.pth'
    write_sealed(path, content)
    before = path.read_bytes()
    usage = type('Usage', (), dict(free=100))
    monkeypatch.setattr(sealing.shutil, 'disk_usage', lambda folder: usage)
    words = r'x\.pth cannot be written: .* MB wanted, 0\.0 MB free.*is intact. Make room'
    with pytest.raises(NotWrittenError, match=words):
        write_sealed(path, content)
    assert path.read_bytes() == before


def test_a_write_that_breaks_off_leaves_the_old_file_and_nothing_else(
    tmp_path, content, monkeypatch
):
    path = tmp_path / 'x.pth'
    write_sealed(path, content)
    before = path.read_bytes()

    def refuse(number):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', refuse)
    with pytest.raises(NotWrittenError, match='No space left on device'):
        write_sealed(path, content)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ['x.pth']
