import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from egomm.models.necks.query import QueryFusion
from egomm.structures import Stream

GOLDEN = Path(__file__).parents[2] / 'golden' / 'mimo' / 'attention.npz'
NAMES = ('rgb', 'flow', 'audio')


def golden_neck(**options):
    """The neck with the golden weights, its streams, and the golden arrays (float64)."""
    data = {key: torch.from_numpy(value) for key, value in np.load(GOLDEN).items()}
    channels = data['Wq'].shape[0]
    neck = QueryFusion(
        in_channels=dict.fromkeys(NAMES, channels),
        out_channels=channels,
        tasks=('verb', 'noun'),
        num_heads=int(data['n_heads']),
        modality_embedding=False,
        **options,
    ).double()
    with torch.no_grad():
        neck.task_tokens.copy_(data['task_tokens'])
        for linear, letter in zip((neck.query, neck.key, neck.value, neck.out), 'qkvo'):
            linear.weight.copy_(data[f'W{letter}'])
            if linear.bias is not None:  # the golden bias of the keys cancels in the softmax
                linear.bias.copy_(data[f'b{letter}'])
    # (B, L, C) tokens as a map with L steps in time.
    streams = {name: Stream(data[f'feat{i}'].transpose(1, 2)) for i, name in enumerate(NAMES)}
    return neck.eval(), streams, data


def fused(outputs):
    return torch.stack([outputs['verb'].x, outputs['noun'].x], dim=1)


def exactly(actual, expected):
    torch.testing.assert_close(actual, expected, atol=1e-12, rtol=0)


def reweighted(weights, **options):
    """Outputs of the golden neck with fixed weights by modality."""
    part = dict(type='FixedReallocation', weights=dict(zip(NAMES, weights)))
    neck, streams, _ = golden_neck(reallocation=part, **options)
    return neck(streams)


def test_task_rows_equal_the_full_attention_of_the_golden_file():
    neck, streams, data = golden_neck()
    outputs = neck(streams)
    exactly(fused(outputs), data['full_out'][:, -2:])
    exactly(outputs['attention'].x, data['uniform_modality_sums'])


def test_training_gives_what_evaluation_gives():
    neck, streams, data = golden_neck()
    outputs = neck.train()(streams)
    exactly(fused(outputs), data['full_out'][:, -2:])
    assert 'readout' not in outputs


@pytest.mark.parametrize('name', ['uniform', 'rgb_up', 'drop_audio'])
def test_reallocation_equals_the_golden_weighted_softmax(name):
    _, _, data = golden_neck()
    outputs = reweighted(data[f'{name}_w'].tolist())
    exactly(fused(outputs), data[f'{name}_out_task'])
    exactly(outputs['attention'].x, data[f'{name}_modality_sums'])


@pytest.mark.parametrize('name', ['uniform', 'rgb_up', 'drop_audio'])
def test_the_closed_form_gives_the_golden_outputs_without_the_tokens(name):
    neck, streams, data = golden_neck()
    outputs = neck(streams)
    mass, read = neck.read(outputs['readout'].x, data[f'{name}_w'])
    exactly(mass, data[f'{name}_modality_sums'])
    exactly(read, data[f'{name}_out_task'])


@pytest.mark.parametrize('options', [{}, dict(norm=True), dict(norm=True, residual=True)])
def test_the_closed_form_with_equal_weights_gives_what_the_network_gave(options):
    neck, streams = small(**options).eval(), small_streams()
    with torch.no_grad():
        neck.task_tokens.normal_()
    outputs = neck(streams)
    _, read = neck.read(outputs['readout'].x, torch.ones(2))
    torch.testing.assert_close(read, fused(outputs))


def test_weights_do_nothing_in_training():
    neck, streams, data = golden_neck(
        reallocation=dict(type='FixedReallocation', weights=dict(rgb=5.0))
    )
    exactly(fused(neck.train()(streams)), data['full_out'][:, -2:])


@given(factor=st.floats(0.01, 100))
@settings(max_examples=20, deadline=None)
def test_a_common_factor_on_all_weights_changes_nothing_without_task_keys(factor):
    plain = reweighted([1.0, 1.0, 1.0], task_tokens_as_keys=False)
    scaled = reweighted([factor] * 3, task_tokens_as_keys=False)
    torch.testing.assert_close(fused(scaled), fused(plain))


def test_permuting_modalities_permutes_the_masses():
    neck, streams, _ = golden_neck()
    outputs = neck(streams)
    order = [2, 0, 1]
    swapped = neck({name: streams[NAMES[i]] for name, i in zip(NAMES, order)})
    exactly(fused(swapped), fused(outputs))
    exactly(swapped['attention'].x, outputs['attention'].x[..., order])


def test_a_missing_modality_equals_golden_weight_zero():
    neck, streams, data = golden_neck()
    audio = streams['audio'].x
    gone = torch.zeros(len(audio), dtype=torch.bool)
    outputs = neck({**streams, 'audio': Stream(audio, gone)})
    exactly(fused(outputs), data['drop_audio_out_task'])
    exactly(outputs['attention'].x, data['drop_audio_modality_sums'])


def test_a_missing_sample_gets_exactly_no_gradient_and_its_values_do_not_matter():
    neck, streams, _ = golden_neck()
    present = torch.ones(len(streams['rgb'].x), dtype=torch.bool)
    present[0] = False
    x = streams['flow'].x.clone().requires_grad_()
    outputs = neck({**streams, 'flow': Stream(x, present)})
    outputs['verb'].x.sum().backward()
    assert x.grad[0].abs().max() == 0
    assert x.grad[1].abs().max() > 0
    other = x.detach().clone()
    other[0] = math.nan
    again = neck({**streams, 'flow': Stream(other, present)})
    torch.testing.assert_close(again['verb'].x, outputs['verb'].x)


def test_padding_steps_are_no_keys():
    neck, streams, _ = golden_neck()
    x = streams['rgb'].x
    padded = torch.cat([x, torch.full_like(x[:, :, :2], 9.0)], dim=2)
    mask = torch.ones(padded.shape[0], padded.shape[2], dtype=torch.bool)
    mask[:, -2:] = False
    plain = neck(streams)
    outputs = neck({**streams, 'rgb': Stream(padded, mask)})
    torch.testing.assert_close(outputs['noun'].x, plain['noun'].x)


def small(**options):
    settings = dict(
        in_channels=dict(rgb=6, audio=4), out_channels=8, tasks=('verb', 'noun'), num_heads=2
    )
    return QueryFusion(**(settings | options))


def small_streams():
    return dict(rgb=Stream(torch.rand(2, 6, 2, 3, 1)), audio=Stream(torch.rand(2, 4, 5)))


def reference(neck, streams):
    """The layer as printed in the paper: all tokens through one `torch.nn.MultiheadAttention`."""
    tokens = []
    for index, name in enumerate(neck.modalities):
        x = streams[name].x.flatten(2).transpose(1, 2)
        if name in neck.projections:
            x = neck.projections[name](x)
        tokens.append(x + neck.modality_embedding[index])
    tokens = torch.cat([*tokens, neck.task_tokens.expand(len(x), -1, -1)], dim=1)
    if neck.norm is not None:
        tokens = neck.norm(tokens)
    full = nn.MultiheadAttention(tokens.shape[2], neck.num_heads, batch_first=True)
    with torch.no_grad():
        full.in_proj_weight.copy_(
            torch.cat([neck.query.weight, neck.key.weight, neck.value.weight])
        )
        full.in_proj_bias.copy_(
            torch.cat([neck.query.bias, torch.zeros(tokens.shape[2]), neck.value.bias])
        )
        full.out_proj.weight.copy_(neck.out.weight)
        full.out_proj.bias.copy_(neck.out.bias)
    rows = full(tokens, tokens, tokens, need_weights=False)[0][:, -len(neck.tasks) :]
    if neck.residual:
        rows = rows + tokens[:, -len(neck.tasks) :]
    return rows


@pytest.mark.parametrize('options', [{}, dict(norm=True, residual=True), dict(num_heads=4)])
def test_absorbed_projections_equal_full_self_attention(options):
    neck, streams = small(**options), small_streams()
    with torch.no_grad():
        neck.query.bias.normal_()
        neck.value.bias.normal_()
    torch.testing.assert_close(fused(neck(streams)), reference(neck, streams))


def test_the_gradients_are_those_of_the_plain_layer():
    neck, streams = small(), small_streams()
    weight = torch.rand(2, 2, 8)
    (fused(neck(streams)) * weight).sum().backward()
    got = {name: value.grad.clone() for name, value in neck.named_parameters()}
    plain = reference_layer_gradients(neck, streams, weight)
    assert got.keys() == plain.keys()
    for name, value in plain.items():
        torch.testing.assert_close(got[name], value, msg=name)


def test_double_precision_is_kept():
    neck, weight = small().double(), torch.rand(2, 2, 8, dtype=torch.float64)
    streams = {
        name: Stream(stream.x.double(), stream.mask) for name, stream in small_streams().items()
    }
    (fused(neck(streams)) * weight).sum().backward()
    got = {name: value.grad.clone() for name, value in neck.named_parameters()}
    for name, value in reference_layer_gradients(neck, streams, weight).items():
        torch.testing.assert_close(got[name], value, rtol=1e-10, atol=1e-12, msg=name)


def reference_layer_gradients(neck, streams, weight):
    """Gradients by name with key and value projections applied to every token."""
    neck.zero_grad()
    tokens = [
        neck.projections[name](streams[name].x.flatten(2).transpose(1, 2))
        + neck.modality_embedding[index]
        for index, name in enumerate(neck.modalities)
    ]
    tokens = torch.cat([*tokens, neck.task_tokens.expand(2, -1, -1)], dim=1)
    heads = neck.num_heads
    query = neck.query(neck.task_tokens).unflatten(-1, (heads, -1))
    key, value = (part(tokens).unflatten(-1, (heads, -1)) for part in (neck.key, neck.value))
    logits = torch.einsum('thd,blhd->bhtl', query, key) / math.sqrt(query.shape[-1])
    read = torch.einsum('bhtl,blhd->bthd', logits.softmax(-1), value).flatten(2)
    (neck.out(read) * weight).sum().backward()
    return {name: value.grad for name, value in neck.named_parameters()}


def test_without_task_tokens_as_keys_all_attention_is_on_the_modalities():
    neck = small(task_tokens_as_keys=False).eval()
    outputs = neck(small_streams())
    assert outputs['verb'].x.shape == (2, 8)
    torch.testing.assert_close(outputs['attention'].x.sum(-1), torch.ones(2, 2, 2))
    weights = torch.tensor([2.0, 0.0])
    mass, _ = neck.read(outputs['readout'].x, weights)
    torch.testing.assert_close(mass[..., 0], torch.ones(2, 2, 2))


def test_several_layers_let_tokens_see_each_other_but_not_what_is_missing():
    neck = small(num_layers=2, positions=True, ffn_channels=16, residual=True).eval()
    streams = small_streams()
    mask = torch.tensor([True, False])
    outputs = neck({**streams, 'audio': Stream(streams['audio'].x, mask)})
    alone = {**streams, 'audio': Stream(torch.rand(2, 4, 5) + 7, mask)}
    torch.testing.assert_close(fused(neck(alone))[1], fused(outputs)[1])
    assert outputs['attention'].x[1, ..., 1].abs().max() == 0
    with pytest.raises(ValueError, match='no closed form for num_layers > 1 with residual=True'):
        neck.read(outputs['readout'].x, torch.ones(2))


def test_positions_tell_a_moved_token_apart():
    streams = small_streams()
    moved = {**streams, 'rgb': Stream(streams['rgb'].x.flip(3))}
    plain, placed = small().eval(), small(positions=True).eval()
    torch.testing.assert_close(fused(plain(moved)), fused(plain(streams)))
    assert not torch.allclose(fused(placed(moved)), fused(placed(streams)))


def test_one_modality_one_task_and_a_vector_are_enough():
    neck = small(in_channels=dict(rgb=8), tasks=('verb',))
    assert neck(dict(rgb=Stream(torch.rand(3, 8))))['verb'].x.shape == (3, 8)


def test_attention_dropout_leaves_the_reported_masses_alone():
    neck, streams = small(attention_dropout=0.5), small_streams()
    expected = neck.eval()(streams)
    outputs = neck.train()(streams)
    torch.testing.assert_close(outputs['attention'].x, expected['attention'].x)
    assert not torch.allclose(fused(outputs), fused(expected))


@pytest.mark.parametrize('dropout', [0.0, 0.5])
def test_half_precision_trains(dropout):
    neck, streams = small(attention_dropout=dropout), small_streams()
    with torch.autocast('cpu', torch.bfloat16):
        loss = fused(neck(streams)).float().sum()
    loss.backward()  # as training does, where autocast is over
    assert all(torch.isfinite(value.grad).all() for value in neck.parameters())


def test_heads_that_do_not_divide_the_channels_are_refused():
    with pytest.raises(ValueError, match='but 10 is not a multiple of 4. Change one'):
        QueryFusion(in_channels=dict(rgb=10), out_channels=10, tasks=('verb',), num_heads=4)


@pytest.mark.parametrize(
    'options, words',
    [
        (dict(tasks='verb'), "got tasks='verb'"),
        (dict(in_channels={}), r'in_channels=\{\}'),
        (dict(num_layers=0), 'num_layers=0'),
        (dict(num_heads=0), 'num_heads=0'),
        (dict(attention_dropout=1.0), 'below 1; got 1.0'),
        (dict(tasks=('rgb', 'attention')), r"\['attention', 'rgb'\] name other streams"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        small(**options)


def test_a_sample_whose_modalities_are_all_missing_reads_the_task_tokens_alone():
    neck, streams = small().eval(), small_streams()
    gone = torch.tensor([True, False])
    outputs = neck({name: Stream(stream.x, gone) for name, stream in streams.items()})
    assert outputs['attention'].x[1].abs().max() == 0
    assert torch.isfinite(fused(outputs)).all()


def test_nothing_to_look_at_is_an_error():
    neck, streams = small(task_tokens_as_keys=False), small_streams()
    gone = torch.tensor([True, False])
    with pytest.raises(ValueError, match='row of zeros'):
        neck({name: Stream(stream.x, gone) for name, stream in streams.items()})
