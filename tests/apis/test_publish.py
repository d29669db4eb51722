import pytest
import torch

from egomm.apis.publish import publish
from egomm.compat import load_checkpoint


@pytest.fixture
def checkpoint(tmp_path):
    shared = torch.arange(6.0).reshape(2, 3)
    torch.save(
        dict(
            state_dict={'a': shared, 'b': shared.t(), 'count': torch.tensor(3)},
            optimizer=dict(state={}),
            meta=dict(cfg='x = 1', dataset_meta=dict(classes=dict(verb=['open', 'close']))),
        ),
        tmp_path / 'run.pth',
    )
    return tmp_path / 'run.pth'


def test_published_weights_are_those_of_the_run_with_config_and_classes(checkpoint, tmp_path):
    digest = publish(checkpoint, tmp_path / 'out' / 'x.safetensors')
    loaded = load_checkpoint(tmp_path / 'out' / 'x.safetensors')
    wanted = torch.load(checkpoint, weights_only=True)['state_dict']
    torch.testing.assert_close(loaded['state_dict'], wanted, rtol=0, atol=0)
    assert loaded['meta']['config'] == 'x = 1'
    assert loaded['meta']['classes'] == '{"verb": ["open", "close"]}'
    assert loaded['meta']['sha256'] == digest
    assert 'optimizer' not in loaded


def test_a_changed_tensor_is_found(checkpoint, tmp_path):
    path = tmp_path / 'x.safetensors'
    publish(checkpoint, path)
    content = bytearray(path.read_bytes())
    content[-3] ^= 4
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r'tensors differ from the hash in its header'):
        load_checkpoint(path)


def test_another_ending_and_a_file_without_weights_are_refused(checkpoint, tmp_path):
    with pytest.raises(ValueError, match=r'writes a .safetensors file; got .*x.pth'):
        publish(checkpoint, tmp_path / 'x.pth')
    torch.save(dict(state_dict={}), tmp_path / 'empty.pth')
    with pytest.raises(ValueError, match=r'empty.pth holds no weights'):
        publish(tmp_path / 'empty.pth', tmp_path / 'x.safetensors')
