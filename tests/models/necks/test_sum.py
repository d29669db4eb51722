from pathlib import Path

import numpy as np
import torch

from egomm.models.necks.sum import SumFusion
from egomm.structures import Stream

GOLDEN = Path(__file__).parents[2] / 'golden' / 'mimo' / 'simple_fusions.npz'


def test_features_add_up_as_in_the_golden_file():
    data = {key: torch.from_numpy(value) for key, value in np.load(GOLDEN).items()}
    features = dict(rgb=data['f0'], flow=data['f1'], audio=data['f2'])
    channels = data['f0'].shape[1]
    neck = SumFusion(in_channels=dict.fromkeys(features, channels), out_channels=channels)
    fused = neck({name: Stream(x) for name, x in features.items()})['fused'].x
    torch.testing.assert_close(fused, data['sum_of_features'])


def test_other_channels_are_projected_and_the_terms_sum_to_the_fused_feature():
    neck = SumFusion(in_channels=dict(rgb=2, audio=1), out_channels=2)
    torch.nn.init.ones_(neck.projections['audio'].weight)
    torch.nn.init.constant_(neck.projections['audio'].bias, 0.5)
    outputs = neck(dict(rgb=Stream(torch.ones(1, 2, 4)), audio=Stream(torch.full((1, 1), 3.0))))
    assert outputs['fused'].x.tolist() == [[4.5, 4.5]]
    assert outputs['contributions'].x.tolist() == [[[1, 3.5], [1, 3.5]]]
    assert neck.contributors == ('rgb', 'audio')


def test_a_missing_modality_adds_nothing_not_even_the_bias_of_its_projection():
    neck = SumFusion(in_channels=dict(rgb=2, audio=1), out_channels=2)
    torch.nn.init.constant_(neck.projections['audio'].bias, 0.5)
    rgb = Stream(torch.rand(2, 2, 3), torch.tensor([True, False]))
    outputs = neck(dict(rgb=rgb, audio=Stream(torch.rand(2, 1), torch.tensor([False, False]))))
    torch.testing.assert_close(outputs['fused'].x[0], rgb.x[0].mean(-1))
    assert outputs['fused'].x[1].tolist() == [0, 0]
    assert outputs['contributions'].mask.tolist() == [[True, False], [False, False]]
    outputs['fused'].x.sum().backward()
    assert neck.projections['audio'].bias.grad.tolist() == [0, 0]
