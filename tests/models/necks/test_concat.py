import torch

from egomm.models.necks.concat import ConcatFusion
from egomm.structures import Stream


def test_pooled_modalities_stand_side_by_side_in_the_order_of_the_config():
    neck = ConcatFusion(in_channels=dict(audio=1, rgb=2))
    streams = dict(
        rgb=Stream(torch.ones(1, 2, 1, 2, 2)), audio=Stream(torch.full((1, 1, 1, 2, 2), 3.0))
    )
    assert neck(streams)['fused'].x.tolist() == [[3.0, 1.0, 1.0]]


def test_a_missing_modality_is_zeros_and_gets_no_gradient():
    neck = ConcatFusion(in_channels=dict(rgb=2))
    x = torch.rand(2, 2, 3, requires_grad=True)
    neck(dict(rgb=Stream(x, torch.tensor([True, False]))))['fused'].x.sum().backward()
    assert x.grad[0].abs().sum() > 0
    assert x.grad[1].abs().sum() == 0
