from pathlib import Path

import numpy as np
import pytest
import torch

from egomm.models.layers.temporal import ChannelAttention, PyramidBlock, TemporalAttention

GOLDEN = Path(__file__).parents[2] / 'golden' / 'asl' / 'transformer_block.npz'


def golden_block(prefix, **options):
    """The reference's block ``s1`` or ``s2`` with its weights, and the golden arrays."""
    data = {key: torch.from_numpy(value) for key, value in np.load(GOLDEN).items()}
    block = PyramidBlock(data['x'].shape[1], int(data['n_head']), leaky_padding=True, **options)
    own = {
        'attention_layer_scale': 'layer_scale_attn',
        'ffn_layer_scale': 'layer_scale_ffn',
        'attention_norm': 'pre_attn_ln',
        'ffn_norm': 'pre_ffn_ln',
        'ffn.0': 'ffn_fc1',
        'ffn.3': 'ffn_fc2',
        'attention.out': 'tattn.out_proj',
        'channel_attention.qkv': 'cattn.qkv_linear',
        'channel_attention.out': 'cattn.out_linear',
        'channel_attention.ffn_norm': 'cattn.ffn_ln',
        'channel_attention.ffn.0': 'cattn.ffn_fc1',
        'channel_attention.ffn.2': 'cattn.ffn_fc2',
        **{
            f'attention.{part}.{index}': f'tattn.{letter}_{theirs}'
            for index, letter in enumerate('qkv')
            for part, theirs in (('convs', 'dwconv'), ('norms', 'ln'), ('linears', 'proj'))
        },
    }
    state = {}
    for name, value in block.state_dict().items():
        path, _, leaf = name.rpartition('.')
        theirs = own[name] if name in own else f'{own[path]}.{leaf}'
        state[name] = data[f'{prefix}_w__{theirs}'].reshape(value.shape)
    block.load_state_dict(state)
    return block.eval(), data


def test_a_stem_block_gives_the_golden_numbers():
    block, data = golden_block('s1', temporal_share=0.8)
    y = block(data['x'], data['mask'][:, 0])
    torch.testing.assert_close(y, data['s1_out'], atol=1e-5, rtol=1e-5)


def test_a_branch_block_gives_the_golden_numbers():
    block, data = golden_block('s2', stride=2)
    mask = data['mask'][:, 0]
    torch.testing.assert_close(block(data['x'], mask), data['s2_out'], atol=1e-5, rtol=1e-5)
    assert torch.equal(mask[:, ::2], data['s2_outmask'][:, 0])


def test_no_matrix_of_weights_over_time_is_kept_for_the_gradient():
    attention = TemporalAttention(16, 4)
    x = torch.randn(2, 16, 256, requires_grad=True)
    mask = torch.arange(256) < torch.tensor([[256], [200]])
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(kept.append, lambda x: x):
        attention(x, mask)
    assert max(tensor.numel() for tensor in kept) == x.numel()  # weights: 2 * 4 * 256 * 256


@pytest.mark.parametrize('stride, share', [(1, 0.8), (1, None), (2, None)])
def test_padding_changes_nothing_real_and_stays_zero(stride, share):
    block = PyramidBlock(8, 2, stride=stride, temporal_share=share).eval()
    for value in block.parameters():  # norms and scales that make a leak visible
        torch.nn.init.normal_(value)
    x = torch.randn(1, 8, 12)
    mask = torch.ones(1, 12, dtype=torch.bool)
    alone = block(x, mask)
    padded = block(torch.cat([x, torch.zeros(1, 8, 4)], 2), torch.arange(16)[None] < 12)
    torch.testing.assert_close(padded[..., : 12 // stride], alone, atol=1e-4, rtol=1e-4)
    assert not padded[..., 12 // stride :].any()


def test_a_row_without_anything_real_gives_zeros_and_finite_gradients():
    for window in (None, 3):
        block = PyramidBlock(8, 2, temporal_share=0.8, window=window)
        x = torch.randn(2, 8, 8)
        mask = torch.tensor([[True] * 8, [False] * 8])
        y = block(x.masked_fill(~mask[:, None], 0), mask)
        y.sum().backward()
        assert not y[1].any()
        assert all(value.grad.isfinite().all() for value in block.parameters())


def test_a_window_hides_what_is_farther_away():
    attention = TemporalAttention(4, 2, window=3).eval()
    x = torch.randn(1, 4, 12, requires_grad=True)
    attention(x, torch.ones(1, 12, dtype=torch.bool))[0, :, 6].sum().backward()
    # One step by the window and one by the convolution, on each side.
    assert x.grad[0].abs().sum(0).nonzero().flatten().tolist() == [4, 5, 6, 7, 8]


def test_a_wide_window_sees_all():
    narrow, wide = TemporalAttention(4, 2, window=99), TemporalAttention(4, 2)
    wide.load_state_dict(narrow.state_dict())
    x, mask = torch.randn(2, 4, 6), torch.arange(6) < torch.tensor([[6], [4]])
    torch.testing.assert_close(narrow(x, mask)[0], wide(x, mask)[0])
    torch.testing.assert_close(narrow(x, mask)[1, :, :4], wide(x, mask)[1, :, :4])


def test_attention_over_channels_sums_over_steps():
    # One head of one channel: the softmax over a single channel is 1, so q passes.
    layer = ChannelAttention(1, 1)
    with torch.no_grad():
        layer.qkv.weight.copy_(torch.tensor([[2.0], [5.0], [7.0]]))
        layer.out.weight.fill_(1.0)
        layer.out.bias.zero_()
        layer.ffn[2].weight.zero_()
        layer.ffn[2].bias.zero_()
    x = torch.tensor([[[1.0, -3.0]]])
    assert layer(x).tolist() == [[[3.0, -9.0]]]
