from pathlib import Path

import numpy as np
import torch

from egomm.functional.balance import unimodal_logits
from egomm.models.heads.classification import ClassificationHead
from egomm.models.necks.concat import ConcatFusion
from egomm.structures import Stream

GOLDEN = Path(__file__).parents[2] / 'golden' / 'mimo' / 'simple_fusions.npz'


def golden_neck():
    """The neck, streams with the golden features, and the golden arrays (float64)."""
    data = {key: torch.from_numpy(value) for key, value in np.load(GOLDEN).items()}
    features = dict(rgb=data['f0'], flow=data['f1'], audio=data['f2'])
    neck = ConcatFusion(in_channels={name: x.shape[1] for name, x in features.items()})
    return neck, {name: Stream(x) for name, x in features.items()}, data


def linear_head(weight, bias):
    head = ClassificationHead(
        in_channels=weight.shape[1], num_classes=len(weight), source='fused', dropout=0.0
    ).double()
    with torch.no_grad():
        head.linear.weight.copy_(weight)
        head.linear.bias.copy_(bias)
    return head


def test_logits_of_all_and_of_each_modality_are_as_in_the_golden_file():
    neck, streams, data = golden_neck()
    outputs = neck(streams)
    head = linear_head(data['concat_W'], data['concat_b'])
    torch.testing.assert_close(head(outputs['fused']), data['concat_logits'])
    alone = unimodal_logits(outputs['contributions'].x, head.linear.weight, head.linear.bias)
    torch.testing.assert_close(alone.transpose(0, 1), data['concat_unimodal_logits'])


def test_a_late_sum_of_logits_is_a_linear_head_on_the_concatenation():
    neck, streams, data = golden_neck()
    head = linear_head(torch.cat(list(data['sum_W']), dim=1), data['sum_b'].sum(0))
    torch.testing.assert_close(head(neck(streams)['fused']), data['sum_logits'])


def test_pooled_modalities_stand_side_by_side_in_the_order_of_the_config():
    neck = ConcatFusion(in_channels=dict(audio=1, rgb=2))
    streams = dict(
        rgb=Stream(torch.ones(1, 2, 1, 2, 2)), audio=Stream(torch.full((1, 1, 1, 2, 2), 3.0))
    )
    assert neck(streams)['fused'].x.tolist() == [[3.0, 1.0, 1.0]]


def test_contributions_are_blocks_that_sum_to_the_fused_feature():
    neck = ConcatFusion(in_channels=dict(audio=1, rgb=2))
    streams = dict(
        rgb=Stream(torch.ones(2, 2, 1)),
        audio=Stream(torch.full((2, 1, 1), 3.0), torch.tensor([True, False])),
    )
    outputs = neck(streams)
    parts = outputs['contributions']
    assert neck.contributors == ('audio', 'rgb')
    assert parts.x.mT.tolist() == [[[3, 0, 0], [0, 1, 1]], [[0, 0, 0], [0, 1, 1]]]
    assert parts.mask.tolist() == [[True, True], [False, True]]
    assert torch.equal(parts.x.sum(-1), outputs['fused'].x)


def test_a_missing_modality_is_zeros_and_gets_no_gradient():
    neck = ConcatFusion(in_channels=dict(rgb=2))
    x = torch.rand(2, 2, 3, requires_grad=True)
    neck(dict(rgb=Stream(x, torch.tensor([True, False]))))['fused'].x.sum().backward()
    assert x.grad[0].abs().sum() > 0
    assert x.grad[1].abs().sum() == 0


def test_each_task_has_a_projection_of_its_own_beside_what_is_shared():
    neck = ConcatFusion(in_channels=dict(rgb=2, audio=1), projections=dict(verb=2, noun=1))
    with torch.no_grad():
        for linear, weight in zip(
            neck.projections.values(), ([[1.0, 0, 0], [0, 0, 1]], [[1.0, 1, 1]])
        ):
            linear.weight.copy_(torch.tensor(weight))
            linear.bias.fill_(0.5)
    rgb, audio = Stream(torch.tensor([[1.0, 2]])), Stream(torch.tensor([[4.0]]))
    outputs = neck(dict(rgb=rgb, audio=audio))
    assert outputs['verb'].x.tolist() == [[1.5, 4.5]]
    assert outputs['noun'].x.tolist() == [[7.5]]
    assert outputs['fused'].x.tolist() == [[1.0, 2, 4]]


def test_a_projection_of_a_sample_without_any_modality_is_zeros_not_its_bias():
    neck = ConcatFusion(in_channels=dict(rgb=2), projections=dict(verb=1))
    stream = Stream(torch.ones(2, 2), torch.tensor([True, False]))
    verb = neck(dict(rgb=stream))['verb'].x
    assert verb[0].item() != 0
    assert verb[1].item() == 0
