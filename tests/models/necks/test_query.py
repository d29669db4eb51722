from pathlib import Path

import numpy as np
import pytest
import torch

from egomm.models.necks.query import QueryFusion
from egomm.structures import Stream

GOLDEN = Path(__file__).parents[2] / 'golden' / 'mimo' / 'attention.npz'


def golden_neck():
    """The neck with the golden weights, its streams, and the golden arrays (float64)."""
    data = {key: torch.from_numpy(value) for key, value in np.load(GOLDEN).items()}
    channels, names = data['Wq'].shape[0], ('rgb', 'flow', 'audio')
    neck = QueryFusion(
        in_channels=dict.fromkeys(names, channels),
        out_channels=channels,
        tasks=('verb', 'noun'),
        num_heads=int(data['n_heads']),
    ).double()
    with torch.no_grad():
        neck.modality_embedding.zero_()
        neck.task_tokens.copy_(data['task_tokens'])
        for linear, letter in zip((neck.query, neck.key, neck.value, neck.out), 'qkvo'):
            linear.weight.copy_(data[f'W{letter}'])
            linear.bias.copy_(data[f'b{letter}'])
    # (B, L, C) tokens as a map with L steps in time.
    streams = {name: Stream(data[f'feat{i}'].transpose(1, 2)) for i, name in enumerate(names)}
    return neck, streams, data


def test_task_rows_equal_the_full_attention_of_the_golden_file():
    neck, streams, data = golden_neck()
    outputs = neck(streams)
    fused = torch.stack([outputs['verb'].x, outputs['noun'].x], dim=1)
    torch.testing.assert_close(fused, data['full_out'][:, -2:], atol=1e-12, rtol=0)
    torch.testing.assert_close(
        outputs['attention'].x, data['uniform_modality_sums'], atol=1e-12, rtol=0
    )


def test_a_missing_modality_equals_golden_weight_zero():
    neck, streams, data = golden_neck()
    audio = streams['audio'].x
    gone = torch.zeros(len(audio), dtype=torch.bool)
    outputs = neck({**streams, 'audio': Stream(audio, gone)})
    fused = torch.stack([outputs['verb'].x, outputs['noun'].x], dim=1)
    torch.testing.assert_close(fused, data['drop_audio_out_task'], atol=1e-12, rtol=0)
    torch.testing.assert_close(
        outputs['attention'].x, data['drop_audio_modality_sums'], atol=1e-12, rtol=0
    )


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
    other[0] += 100
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


def test_without_task_tokens_as_keys_all_attention_is_on_the_modalities():
    neck = QueryFusion(
        in_channels=dict(rgb=6, audio=4),
        out_channels=8,
        tasks=('verb',),
        num_heads=2,
        task_tokens_as_keys=False,
    )
    outputs = neck(dict(rgb=Stream(torch.rand(2, 6, 3)), audio=Stream(torch.rand(2, 4, 5))))
    assert outputs['verb'].x.shape == (2, 8)
    torch.testing.assert_close(outputs['attention'].x.sum(-1), torch.ones(2, 2, 1))


def test_heads_that_do_not_divide_the_channels_are_refused():
    with pytest.raises(ValueError, match='out_channels=10 is not a multiple of num_heads=4'):
        QueryFusion(in_channels=dict(rgb=10), out_channels=10, tasks=('verb',), num_heads=4)
