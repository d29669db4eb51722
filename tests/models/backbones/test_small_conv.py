import torch

from egomm.registry import MODELS
from egomm.structures import Stream


def test_frames_become_a_map_of_tokens_and_the_mask_stays():
    net = MODELS.build(dict(type='SmallConvNet', in_channels=2, channels=(4, 6, 8)))
    mask = torch.tensor([True, False])
    stream = net(Stream(torch.rand(2, 2, 8, 32, 16), mask))
    assert stream.x.shape == (2, 8, 2, 4, 2)
    assert stream.mask is mask


def test_every_stored_token_is_encoded_by_itself():
    net = MODELS.build(dict(type='TokenEncoder', in_channels=5, hidden_channels=7, out_channels=4))
    x = torch.rand(2, 5, 2, 3, 3)
    moved = x.flip(3)
    out = net(Stream(x)).x
    assert out.shape == (2, 4, 2, 3, 3)
    torch.testing.assert_close(net(Stream(moved)).x, out.flip(3))


def test_a_stored_map_is_encoded_over_time_and_space():
    net = MODELS.build(dict(type='MapEncoder', in_channels=5, out_channels=3)).eval()
    x = torch.rand(2, 5, 4, 8, 6)
    out = net(Stream(x)).x
    assert out.shape == (2, 3, 4, 4, 3)
    x[:, :, 3] = 0
    changed = (net(Stream(x)).x - out).abs().amax(dim=(0, 1, 3, 4)) > 0
    assert changed.tolist() == [False, False, True, True]  # one kernel of three steps
