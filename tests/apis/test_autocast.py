import pytest
import torch

from egomm.apis.autocast import BFloat16OptimWrapper


def test_the_forward_pass_is_in_bfloat16_and_the_update_in_float32():
    layer = torch.nn.Linear(2, 1, bias=False)
    before = layer.weight.detach().clone()
    wrapper = BFloat16OptimWrapper(torch.optim.SGD(layer.parameters(), lr=0.5))
    with wrapper.optim_context(layer):
        output = layer(torch.ones(1, 2))
    assert output.dtype == torch.bfloat16
    wrapper.update_params(output.float().sum())
    torch.testing.assert_close(layer.weight.detach(), before - 0.5)


def test_a_gradient_that_is_not_finite_stops_training_before_the_update():
    layers = torch.nn.Sequential(torch.nn.Linear(2, 2, bias=False), torch.nn.Linear(2, 1))
    before = [parameter.detach().clone() for parameter in layers.parameters()]
    layers[0].weight.register_hook(lambda gradient: gradient * float('nan'))
    optimizer = torch.optim.SGD(layers.parameters(), lr=0.5)
    wrapper = BFloat16OptimWrapper(optimizer, clip_grad=dict(max_norm=1.0))
    with pytest.raises(ValueError, match='1 of 3 gradients are not finite.*train without --amp'):
        wrapper.update_params(layers(torch.ones(1, 2)).sum())
    for parameter, value in zip(layers.parameters(), before, strict=True):
        assert torch.equal(parameter, value)
