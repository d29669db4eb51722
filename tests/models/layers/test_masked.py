import torch

from egomm.models.layers.masked import ChannelNorm, ConvNormRelu, readable, step_mask
from egomm.structures import Stream


def test_a_mask_of_samples_and_no_mask_become_masks_of_steps():
    x = torch.zeros(2, 3, 4)
    assert step_mask(Stream(x)).all()
    assert step_mask(Stream(x, torch.tensor([True, False]))).tolist() == [[True] * 4, [False] * 4]


def test_the_norm_is_over_channels():
    x = torch.randn(2, 3, 4)
    expected = torch.nn.functional.layer_norm(x[1, :, 2], (3,))
    torch.testing.assert_close(ChannelNorm(3)(x)[1, :, 2], expected)


def test_only_rows_with_nothing_to_read_become_readable():
    mask = torch.tensor([[True, False], [False, False]])
    assert readable(mask).tolist() == [[True, False], [True, True]]


def test_padding_stays_zero_whatever_the_norm_adds():
    layer = ConvNormRelu(2, 3)
    torch.nn.init.ones_(layer.norm.bias)
    y = layer(torch.randn(1, 2, 4), torch.tensor([[True, True, False, False]]))
    assert y[..., :2].any()
    assert not y[..., 2:].any()
