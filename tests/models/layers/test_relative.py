from pathlib import Path

import numpy as np
import torch

from egomm.models.layers.relative import RelativePositionLayer

GOLDEN = Path(__file__).parents[2] / 'golden' / 'asl' / 'relpos_layer.npz'


def golden_layer():
    data = {key: torch.from_numpy(value) for key, value in np.load(GOLDEN).items()}
    channels = data['x'].shape[2]
    layer = RelativePositionLayer(channels, int(data['n_head']), int(data['d_inner'])).eval()
    inwards = {name: data[f'W{name}'].flatten(1).T for name in 'qkvr'}
    state = {
        **{f'{name}.weight': value for name, value in inwards.items()},
        'out.weight': data['Wo'].flatten(1),
        'content_bias': data['bias_content'][:, None],
        'position_bias': data['bias_position'][:, None],
        **{
            f'{ours}.{leaf}': data[f'{theirs}_{leaf}']
            for ours, theirs in (
                ('attention_norm', 'attn_ln'),
                ('ffn.0', 'fc1'),
                ('ffn.3', 'fc2'),
                ('ffn_norm', 'ffn_ln'),
            )
            for leaf in ('weight', 'bias')
        },
    }
    layer.load_state_dict(state)
    return layer, data


def test_the_layer_gives_the_golden_numbers():
    layer, data = golden_layer()
    y = layer(data['x'].mT, data['mask'].bool()).mT
    torch.testing.assert_close(y, data['out'], atol=1e-5, rtol=1e-5)


def test_padding_changes_nothing_real():
    layer, data = golden_layer()
    x = data['x'].mT
    longer = torch.cat([x, torch.randn(2, x.shape[1], 3)], dim=2)
    mask = torch.arange(x.shape[2] + 3).expand(2, -1) < x.shape[2]
    alone = layer(x, torch.ones_like(data['mask'], dtype=torch.bool))
    torch.testing.assert_close(layer(longer, mask)[..., : x.shape[2]], alone)


def test_a_row_without_anything_real_is_finite():
    layer, data = golden_layer()
    assert layer(data['x'].mT, torch.zeros(2, 12, dtype=torch.bool)).isfinite().all()


def test_a_single_step_reads_itself():
    layer, data = golden_layer()
    x = data['x'].mT[..., :1]
    mask = torch.tensor([[True], [False]])
    longer = layer(data['x'].mT[..., :2], torch.tensor([[True, False]] * 2))
    torch.testing.assert_close(layer(x, mask), longer[..., :1])
