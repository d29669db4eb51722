"""Files of strangers: none runs code, and each is refused at once. More: tests/test_compat.py."""

import io
import json
import os
import pickle
import resource
import struct
import time
import zipfile
from pathlib import Path

import pytest
import torch

from egomm.apis.publish import publish
from egomm.compat import load_checkpoint
from egomm.functional.weights import differences


class Write:
    """Pickled as a call that leaves a file behind."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def torch_file(content):
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def archive(**files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as made:
        for name, content in files.items():
            made.writestr(name, content)
    return buffer.getvalue()


def replaced(old, new):
    """A file of torch whose pickle is changed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(torch_file(dict(w=torch.zeros(3))))) as source:
        with zipfile.ZipFile(buffer, 'w') as made:
            for name in source.namelist():
                made.writestr(name, source.read(name).replace(old, new))
    return buffer.getvalue()


def safetensors(header, data=b''):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack('<Q', len(text)) + text + data


def entry(start, stop, shape):
    return dict(dtype='F32', shape=shape, data_offsets=[start, stop])


def hostile_files(target):
    """Name -> content."""
    bare = pickle.dumps(Write(target))
    good = torch_file(dict(state_dict=dict(w=torch.zeros(100))))
    nan = dict(state_dict=dict(w=torch.tensor([1.0, float('nan')])))
    return {
        'side_effect.pth': torch_file(dict(state_dict={}, meta=Write(target))),
        'side_effect_in_weights.pth': torch_file(dict(state_dict=dict(w=Write(target)))),
        'bare_pickle.pth': bare,
        'truncated.pth': good[: len(good) // 2],
        'huge_number_of_elements.pth': replaced(b'K\x03\x85', b'J\xff\xff\xff\x7f\x85'),
        'path_traversal.pth': archive(**{'../../data.pkl': bare, f'{target}': bare}),
        'zip_without_pickle.pth': archive(x=b'y'),
        'nan.pth': torch_file(nan),
        'giant_header.safetensors': struct.pack('<Q', 2 << 30) + b'{}',
        'endless_header.safetensors': struct.pack('<Q', (1 << 64) - 1) + b'{}',
        'no_json.safetensors': safetensors(b'{"a": '),
        'truncated.safetensors': safetensors(dict(w=entry(0, 4000, [1000])), bytes(10)),
        'overlapping.safetensors': safetensors(
            dict(a=entry(0, 8, [2]), b=entry(4, 12, [2])), bytes(12)
        ),
        'wrong_size.safetensors': safetensors(dict(w=entry(0, 8, [1 << 40])), bytes(8)),
        'pickle.safetensors': bare,
        'nan.safetensors': safetensors(dict(w=entry(0, 4, [1])), struct.pack('<f', float('nan'))),
    }


def test_none_runs_code_and_each_is_refused_at_once_in_little_memory(tmp_path):
    target = tmp_path / 'executed'
    folder = tmp_path / 'files'
    folder.mkdir()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    slowest = 0.0
    for name, content in hostile_files(target).items():
        path = folder / name
        path.write_bytes(content)
        begun = time.process_time()
        with pytest.raises(ValueError, match=f'{name}') as caught:
            load_checkpoint(path)
        slowest = max(slowest, time.process_time() - begun)
        assert 'weights_only' not in str(caught.value), name  # no advice to switch the check off
        with pytest.raises(ValueError, match=f'{name}'):
            publish(path, folder / 'out.safetensors')
    assert not target.exists()
    assert sorted(os.listdir(tmp_path)) == ['files']
    assert not Path(folder, 'out.safetensors').exists()
    assert slowest < 1.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024  # KiB


def test_weights_of_other_shapes_are_refused_by_name():
    wanted = dict(w=torch.zeros(3, 4))
    assert differences(wanted, dict(w=torch.zeros(4, 3))) == [
        '1 of another shape: w (4, 3) instead of (3, 4)'
    ]
