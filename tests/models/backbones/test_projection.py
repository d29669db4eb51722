import pytest
import torch

from egomm.registry import MODELS
from egomm.structures import Stream


def projection():
    return MODELS.build(dict(type='FeatureProjection', in_channels=2, out_channels=3))


def test_every_step_goes_through_the_same_linear_layer():
    net = projection()
    x = torch.randn(1, 2, 4)
    expected = torch.einsum('oc,bct->bot', net.linear.weight[..., 0], x)
    torch.testing.assert_close(net(Stream(x)).x, expected)


def test_padding_is_not_read_and_stays_zero():
    net = projection()
    torch.nn.init.ones_(net.linear.bias)
    x = torch.randn(2, 2, 3)
    x[0, :, 2] = torch.nan
    x[1] = torch.nan
    mask = torch.tensor([[True, True, False], [False, False, False]])
    out = net(Stream(x, mask))
    out.x.sum().backward()
    assert not out.x[0, :, 2].any()
    assert not out.x[1].any()
    assert net.linear.weight.grad.isfinite().all()
    assert out.mask is mask


def test_a_clip_without_this_source_has_no_real_step():
    out = projection()(Stream(torch.randn(2, 2, 3), torch.tensor([True, False])))
    assert out.mask.tolist() == [[True] * 3, [False] * 3]


def test_other_channels_and_maps_are_refused():
    with pytest.raises(ValueError, match=r"wants in_channels=\{'features': 2\}"):
        projection()(Stream(torch.randn(1, 4, 3)))
    with pytest.raises(ValueError, match=r'wants features \(B, C, T\); got \(1, 2, 3, 4, 4\)'):
        projection()(Stream(torch.randn(1, 2, 3, 4, 4)))
