"""The repairs: what they allow, and that they allow nothing else."""

import collections
import importlib
import os
import pickle
import sys
import urllib.error
import warnings
import zipfile

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer, MessageHub
from mmengine.runner import checkpoint as mmengine_checkpoint

from egomm import compat


class Call:
    """Pickled as a call that happens when the file is read."""

    def __init__(self, function, *arguments, state=None):
        self.recipe = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self):
        return self.recipe


def hostile_checkpoint(path, target):
    """A file that uses only `getattr` and torch's own rebuild function, and writes `target`.

    The builtins of a function become the attributes of an OrderedDict, `eval` is read from
    there, and torch's function calls it.
    """
    builtins = Call(getattr, torch._utils._rebuild_tensor_v2, '__builtins__')
    holder = Call(collections.OrderedDict, state=builtins)
    write = f"__import__('pathlib').Path({str(target)!r}).write_text('owned')"
    code = f"({write}, __import__('torch').zeros(1))[1]"
    attack = Call(
        torch._tensor._rebuild_from_type_v2,
        Call(getattr, holder, 'eval'),
        torch.Tensor,
        (code,),
        {},
    )
    torch.save(dict(state_dict={}, meta=attack), path)


def test_hostile_file_runs_code_where_getattr_is_allowed(tmp_path):
    # The attack is real: this is what the stand-in is for.
    hostile_checkpoint(tmp_path / 'hostile.pth', tmp_path / 'written')
    with torch.serialization.safe_globals([getattr]):
        torch.load(tmp_path / 'hostile.pth', weights_only=True)
    assert (tmp_path / 'written').read_text() == 'owned'


def test_hostile_file_is_refused_and_writes_nothing(tmp_path):
    hostile_checkpoint(tmp_path / 'hostile.pth', tmp_path / 'written')
    with pytest.raises(ValueError, match=r'hostile.pth holds a Python object.*__builtins__'):
        compat.load_checkpoint(tmp_path / 'hostile.pth')
    assert not (tmp_path / 'written').exists()


@pytest.mark.parametrize('name', ['__init__', '_statistics_methods', '__class__', 'update'])
def test_buffers_give_nothing_but_their_statistics(tmp_path, name):
    torch.save(dict(x=Call(getattr, HistoryBuffer, name)), tmp_path / 'x.pth')
    with pytest.raises(ValueError, match=f'{name}'):
        compat.load_checkpoint(tmp_path / 'x.pth')


def test_any_other_class_is_refused_by_name(tmp_path):
    torch.save(dict(x=Call(zipfile.is_zipfile, 'x')), tmp_path / 'x.pth')
    with pytest.raises(ValueError, match=r'run code: zipfile.is_zipfile. Ask its author'):
        compat.load_checkpoint(tmp_path / 'x.pth')


def test_allowlist_is_gone_after_loading(tmp_path):
    torch.save(dict(x=np.float64(1)), tmp_path / 'x.pth')
    before = set(torch.serialization.get_safe_globals())
    assert compat.load_checkpoint(tmp_path / 'x.pth') == {'x': 1.0}
    assert set(torch.serialization.get_safe_globals()) == before
    with pytest.raises(pickle.UnpicklingError):
        torch.load(tmp_path / 'x.pth', weights_only=True)


def plain_mmengine_checkpoint(path):
    hub = MessageHub('written by plain mmengine')
    for value in (3.0, 1.0, 2.0):
        hub.update_scalar('train/loss', value, count=2)
    hub.update_info('best', np.float32(0.25))
    meta = dict(
        dataset_meta=dict(weights=np.arange(3), names=np.array(['a', 'b'])), good=np.bool_(True)
    )
    torch.save(dict(meta=meta, message_hub=hub.state_dict(), state_dict={}), path)


def test_checkpoint_of_plain_mmengine_loads_with_its_buffers(tmp_path):
    plain_mmengine_checkpoint(tmp_path / 'plain.pth')
    loaded = compat.load_checkpoint(tmp_path / 'plain.pth')
    buffer = loaded['message_hub']['log_scalars']['train/loss']
    assert type(buffer) is HistoryBuffer
    assert buffer.mean() == 1.0  # (3 + 1 + 2) / (2 + 2 + 2)
    np.testing.assert_array_equal(buffer.data[1], [2, 2, 2])
    assert loaded['message_hub']['runtime_info']['best'] == np.float32(0.25)
    assert loaded['meta']['dataset_meta']['names'].tolist() == ['a', 'b']
    MessageHub('resumed').load_state_dict(loaded['message_hub'])


def test_absent_and_truncated_files_are_named(tmp_path):
    with pytest.raises(ValueError, match=r'There is no checkpoint .*absent.pth'):
        compat.load_checkpoint(tmp_path / 'absent.pth')
    torch.save(dict(x=torch.zeros(1000)), tmp_path / 'cut.pth')
    content = (tmp_path / 'cut.pth').read_bytes()
    (tmp_path / 'cut.pth').write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r'cut.pth is no complete checkpoint'):
        compat.load_checkpoint(tmp_path / 'cut.pth')


@pytest.fixture
def safe_mmengine(monkeypatch):
    """MMEngine's loaders replaced for one test."""
    schemes = dict(mmengine_checkpoint.CheckpointLoader._schemes)
    monkeypatch.setattr(mmengine_checkpoint.CheckpointLoader, '_schemes', schemes)
    monkeypatch.setattr(mmengine_checkpoint, 'load_url', mmengine_checkpoint.load_url)
    compat.install_safe_checkpoint_loading()


def test_mmengine_reads_local_files_safely(tmp_path, safe_mmengine):
    plain_mmengine_checkpoint(tmp_path / 'plain.pth')
    assert 'message_hub' in mmengine_checkpoint.CheckpointLoader.load_checkpoint(
        str(tmp_path / 'plain.pth')
    )


def test_mmengine_reads_web_addresses_safely(tmp_path, safe_mmengine, monkeypatch):
    monkeypatch.setattr(
        torch.hub,
        'download_url_to_file',
        lambda url, file, progress: hostile_checkpoint(file, tmp_path / 'written'),
    )
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    with pytest.raises(ValueError, match='holds a Python object'):
        mmengine_checkpoint.CheckpointLoader.load_checkpoint('https://example.org/hostile.pth')
    assert not (tmp_path / 'written').exists()


@pytest.mark.parametrize('data', [b'', b'<!DOCTYPE html>404', b'hello world, no checkpoint' * 100])
def test_a_file_that_is_no_checkpoint_is_named(data, tmp_path):
    path = tmp_path / 'x.pth'
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r'x\.pth is no complete checkpoint \(\w+.*\)\. Copy or'):
        compat.load_checkpoint(path)


def test_a_checkpoint_cut_in_its_first_block_is_named(tmp_path):
    path = tmp_path / 'x.pth'
    torch.save(dict(state_dict=dict(weight=torch.zeros(20_000))), path)
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(ValueError, match=r'x\.pth is no complete checkpoint'):
        compat.load_checkpoint(path)


def test_an_address_that_does_not_answer_is_named(monkeypatch, tmp_path):
    def refuse(url, file, progress):
        raise urllib.error.URLError('Connection refused')

    compat.install_safe_checkpoint_loading()
    monkeypatch.setattr(torch.hub, 'download_url_to_file', refuse)
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    with pytest.raises(
        ValueError, match=r'https://example\.org/x\.pth cannot be downloaded: .*by hand'
    ):
        mmengine_checkpoint.CheckpointLoader.load_checkpoint('https://example.org/x.pth')


def test_drn_stand_in_is_found_only_where_the_files_are_not():
    compat.install_drn_stand_in()
    compat.install_drn_stand_in()
    finders = [finder for finder in sys.meta_path if type(finder).__name__ == '_DRNStandIn']
    assert len(finders) == 1
    assert sys.meta_path[-1] is finders[0] or sys.meta_path.index(finders[0]) > 0
    assert finders[0].find_spec('mmaction.models.localizers.bmn', None) is None
    with compat.quiet_dependencies():
        module = importlib.import_module('mmaction.models.localizers.drn.drn')
    if module.__spec__.origin is None:  # the wheel from PyPI
        with pytest.raises(ImportError, match='left out of the mmaction2 1.2.0 wheel'):
            module.DRN()


def test_vindlu_is_left_out_whether_or_not_transformers_is_installed():
    compat.install_vindlu_stand_in()
    compat.install_vindlu_stand_in()
    finders = [finder for finder in sys.meta_path if type(finder).__name__ == '_VindLUStandIn']
    assert len(finders) == 1
    name = 'mmaction.models.multimodal.vindlu'
    assert finders[0].find_spec(f'{name}.vindlu', None) is None
    with compat.quiet_dependencies():
        module = importlib.import_module(name)
    assert not [item for item in vars(module) if not item.startswith('__')]


def test_only_the_known_warnings_are_silenced():
    with pytest.warns(UserWarning, match='something else'), compat.quiet_dependencies():
        warnings.warn('something else', UserWarning, stacklevel=1)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        with compat.quiet_dependencies():
            warnings.warn('`torch.jit.script` is deprecated.', DeprecationWarning, stacklevel=1)


def test_gloo_group_from_a_slurm_environment(monkeypatch):
    joined = []
    monkeypatch.setattr(
        torch.distributed,
        'init_process_group',
        lambda backend, timeout: joined.append((backend, timeout.seconds)),
    )
    for name, value in dict(
        SLURM_PROCID='3',
        SLURM_NTASKS='4',
        SLURM_LOCALID='1',
        MASTER_ADDR='node7',
        RANK='',
        WORLD_SIZE='',
        LOCAL_RANK='',
        MASTER_PORT='1234',
    ).items():
        monkeypatch.setenv(name, value)
    compat.start_cpu_process_group('slurm', 60)
    assert joined == [('gloo', 60)]
    assert (os.environ['RANK'], os.environ['WORLD_SIZE'], os.environ['LOCAL_RANK']) == (
        '3',
        '4',
        '1',
    )


def test_cpu_wrapper_keeps_the_config_but_for_the_device():
    wrapper = compat.cpu_model_wrapper(dict(type='Mine', device_ids=[0], static_graph=True))
    assert wrapper == dict(
        type='Mine',
        broadcast_buffers=False,
        find_unused_parameters=False,
        static_graph=True,
        device_ids=None,
    )


@pytest.fixture
def padded(monkeypatch):
    monkeypatch.setattr(torch.nn.Conv3d, 'forward', torch.nn.Conv3d.forward)  # restored afterwards
    compat.pad_short_clips()


@pytest.mark.parametrize(
    'frames, taps, settings',
    [
        (2, 3, dict(padding=1)),
        (2, 3, dict(padding=1, groups=4, stride=(1, 2, 2))),
        (4, 5, dict(padding=(2, 0, 1))),
        (3, 3, dict(padding='same', dilation=(2, 1, 1))),
    ],
)
def test_a_kernel_longer_than_the_clip_has_its_gradient_in_bfloat16(padded, frames, taps, settings):
    last = torch.channels_last_3d
    conv = torch.nn.Conv3d(64, 64, (taps, 3, 3), **settings).to(memory_format=last)
    x = torch.randn(2, 64, frames, 6, 7).to(memory_format=last)
    exact = torch.nn.functional.conv3d(x, conv.weight, conv.bias, **settings)
    upstream = torch.randn_like(exact)
    wanted = torch.autograd.grad(exact, conv.weight, upstream)[0]
    with torch.autocast('cpu', torch.bfloat16):
        rounded = conv(x)
    for bits in range(8, 22):
        torch.full((1 << bits,), float('nan'))  # what is not written now holds NaN
    got = torch.autograd.grad(rounded, conv.weight, upstream.bfloat16())[0]
    assert (rounded - exact).norm() < 0.02 * exact.norm()
    assert (got - wanted).norm() < 0.02 * wanted.norm()


def test_other_clips_and_passes_without_gradients_are_convolved_as_ever(padded):
    conv = torch.nn.Conv3d(2, 3, 3, padding=1)
    with torch.no_grad():
        short = conv(torch.ones(1, 2, 2, 5, 5))
    reflected = torch.nn.Conv3d(2, 3, 3, padding=1, padding_mode='replicate')
    assert short.shape == reflected(torch.ones(1, 2, 2, 5, 5)).shape
    torch.testing.assert_close(conv(torch.ones(1, 2, 2, 5, 5)), short)
    with pytest.raises(RuntimeError, match='Kernel size can.t be greater than'):
        torch.nn.Conv3d(2, 3, 3, padding='valid')(torch.ones(1, 2, 2, 5, 5))
