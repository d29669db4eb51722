from pathlib import Path

import numpy as np
import pytest
import torch

from egomm.models.necks.gated import GATES, GatedFusion
from egomm.structures import Stream

GOLDEN = Path(__file__).parents[2] / 'golden' / 'mimo' / 'gating.npz'


def golden():
    return {key: torch.from_numpy(value) for key, value in np.load(GOLDEN).items()}


def set_weights(linears, weights):
    for linear, weight in zip(linears, weights, strict=True):
        with torch.no_grad():
            linear.weight.copy_(weight)


@pytest.mark.parametrize('gate, name', [('tied', 'bi'), ('tied_projections', 'bicode')])
def test_two_modalities_under_one_gate_are_as_in_the_golden_file(gate, name):
    data = golden()
    streams = dict(rgb=Stream(data['bi_x1']), audio=Stream(data['bi_x2']))
    neck = GatedFusion(
        in_channels={name: stream.x.shape[1] for name, stream in streams.items()},
        out_channels=data['bi_h'].shape[1],
        gate=gate,
    ).double()
    set_weights(neck.projections.values(), [data['bi_W1'], data['bi_W2']])
    set_weights(neck.gates.values(), [data[f'{name}_Wz']])
    torch.testing.assert_close(neck(streams)['fused'].x, data[f'{name}_h'])


@pytest.mark.parametrize('gate, mode', [('all_inputs', 0), ('own_and_rest', 1)])
def test_three_modalities_are_as_in_the_golden_file(gate, mode):
    data = golden()
    names = ('rgb', 'flow', 'audio')
    streams = {name: Stream(data[f'tri_x{i}']) for i, name in enumerate(names, start=1)}
    neck = GatedFusion(
        in_channels={name: stream.x.shape[1] for name, stream in streams.items()},
        out_channels=data[f'tri{mode}_out'].shape[1],
        gate=gate,
    ).double()
    for i, name in enumerate(names, start=1):
        for letter, linear in dict(h=neck.projections[name], z=neck.gates[name]).items():
            prefix = f'tri{mode}_fc_{letter}{i}'
            linear.load_state_dict({key: data[f'{prefix}.{key}'] for key in ('weight', 'bias')})
    torch.testing.assert_close(neck(streams)['fused'].x, data[f'tri{mode}_out'])


def random_neck(gate, names):
    neck = GatedFusion(in_channels=dict.fromkeys(names, 4), out_channels=5, gate=gate)
    for linear in (*neck.projections.values(), *neck.gates.values()):
        torch.nn.init.normal_(linear.bias)
    return neck


def test_a_missing_modality_leaves_the_fusion_of_the_others():
    neck = random_neck('own_and_rest', ('rgb', 'flow', 'audio'))
    streams = {name: Stream(torch.rand(2, 4, 3)) for name in neck.in_channels}
    streams['flow'] = Stream(streams['flow'].x, torch.zeros(2, dtype=torch.bool))
    less = random_neck('own_and_rest', ('rgb', 'audio'))
    less.load_state_dict({k: v for k, v in neck.state_dict().items() if 'flow' not in k})
    torch.testing.assert_close(neck(streams)['fused'].x, less(streams)['fused'].x)


def test_a_missing_modality_is_zeros_to_the_gate_and_its_term_is_gone():
    neck = random_neck('all_inputs', ('rgb', 'audio'))
    rgb = torch.rand(1, 4)
    gone = Stream(torch.full((1, 4), float('nan')), torch.tensor([False]))
    fused = neck(dict(rgb=Stream(rgb), audio=gone))['fused'].x
    gate = neck.gates['rgb'](torch.cat([rgb, torch.zeros(1, 4)], dim=1)).sigmoid()
    torch.testing.assert_close(fused, gate * neck.projections['rgb'](rgb).tanh())


@pytest.mark.parametrize('gate', GATES)
def test_values_of_what_is_missing_do_not_matter_and_without_any_modality_it_is_zeros(gate):
    neck = random_neck(gate, ('rgb', 'audio'))
    mask = torch.tensor([True, False])
    rgb, audio = torch.rand(2, 4, 3), torch.rand(2, 4, requires_grad=True)
    fused = neck(dict(rgb=Stream(rgb), audio=Stream(audio, mask)))['fused'].x
    fused.sum().backward()
    assert audio.grad[0].abs().sum() > 0
    assert audio.grad[1].abs().sum() == 0
    none = neck(dict(rgb=Stream(rgb, mask), audio=Stream(audio, mask)))['fused'].x
    torch.testing.assert_close(none[0], fused[0])
    assert none[1].tolist() == [0] * 5


@pytest.mark.parametrize('gate', ['all_inputs', 'own_and_rest'])
def test_one_modality_gates_itself(gate):
    neck = GatedFusion(in_channels=dict(rgb=4), out_channels=5, gate=gate)
    assert neck(dict(rgb=Stream(torch.rand(2, 4))))['fused'].x.shape == (2, 5)


@pytest.mark.parametrize(
    'gate, channels, words',
    [
        ('open', dict(rgb=4), r"wants a gate of \['all_inputs', .*got 'open'"),
        ('tied', dict(rgb=4), r"gate between two modalities; got \['rgb'\]\. Use gate='all_inp"),
        ('own_and_rest', dict(rgb=4, audio=3), r"equal channels; got .*'audio': 3}\. Use gate="),
    ],
)
def test_a_gate_that_does_not_fit_is_refused(gate, channels, words):
    with pytest.raises(ValueError, match=words):
        GatedFusion(in_channels=channels, out_channels=5, gate=gate)
