from pathlib import Path

import numpy as np
import torch

from egomm.models.heads.classification import ClassificationHead
from egomm.models.necks.mid_level import MidLevelFusion
from egomm.structures import Stream

GOLDEN = Path(__file__).parents[2] / 'golden' / 'mimo' / 'simple_fusions.npz'
NAMES = ('rgb', 'flow', 'audio')


def golden_neck():
    """The neck with the golden weights, its streams, and the golden arrays (float64)."""
    data = {key: torch.from_numpy(value) for key, value in np.load(GOLDEN).items()}
    channels = data['f0'].shape[1]
    neck = MidLevelFusion(
        in_channels=dict.fromkeys(NAMES, channels), out_channels=len(data['mid_W'])
    )
    copy(neck.double().linear, data['mid_W'], data['mid_b'])
    return neck.eval(), {name: Stream(data[f'f{i}']) for i, name in enumerate(NAMES)}, data


def copy(linear, weight, bias):
    with torch.no_grad():
        linear.weight.copy_(weight)
        linear.bias.copy_(bias)


def test_hidden_units_and_both_heads_are_as_in_the_golden_file():
    neck, streams, data = golden_neck()
    fused = neck(streams)['fused']
    torch.testing.assert_close(fused.x, data['mid_hidden'])
    for task, letter in dict(verb='v', noun='n').items():
        weight, bias = data[f'mid_W{letter}'], data[f'mid_b{letter}']
        head = ClassificationHead(
            in_channels=weight.shape[1], num_classes=len(weight), source='fused', dropout=0.0
        ).double()
        copy(head.linear, weight, bias)
        torch.testing.assert_close(head(fused), data[f'mid_{task}_logits'])


def test_a_missing_modality_is_zeros_and_without_any_the_bias_goes_as_well():
    neck, streams, data = golden_neck()
    flow, missing = streams['flow'].x, torch.arange(len(data['f1'])) > 0
    masked = neck({**streams, 'flow': Stream(flow, ~missing)})['fused'].x
    zeros = neck({**streams, 'flow': Stream(flow.masked_fill(missing[:, None], 0))})['fused'].x
    torch.testing.assert_close(masked, zeros)
    nothing = neck({name: Stream(stream.x, ~missing) for name, stream in streams.items()})
    torch.testing.assert_close(nothing['fused'].x[0], data['mid_hidden'][0])
    assert not nothing['fused'].x[1:].any()


def test_training_drops_hidden_units():
    neck = MidLevelFusion(in_channels=dict(rgb=2))
    torch.nn.init.ones_(neck.linear.bias)
    fused = neck(dict(rgb=Stream(torch.zeros(8, 2))))['fused'].x
    assert fused.shape == (8, 512)
    assert set(fused.unique().tolist()) == {0.0, 2.0}  # dropped, or scaled by 1 / 0.5
