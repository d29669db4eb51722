"""A model whose two tasks want opposite things of their one backbone."""

import pytest
import torch

from egomm.registry import MODELS
from egomm.structures import EgoSample


@pytest.fixture
def opposed():
    """``opposed(weighting)`` -> float64 model, batch for ``train_step``."""

    def make(weighting=None):
        torch.manual_seed(0)
        head = dict(
            type='ClassificationHead', in_channels=4, num_classes=3, source='rgb', dropout=0.0
        )
        model = MODELS.build(
            dict(
                type='MultiIOModel',
                data_preprocessor=dict(
                    type='EgoDataPreprocessor', modalities=dict(rgb=dict(mean=[0.0], std=[1.0]))
                ),
                backbones=dict(
                    rgb=dict(
                        type='WrappedBackbone',
                        model=dict(
                            type='torch.nn.Conv3d', in_channels=1, out_channels=4, kernel_size=1
                        ),
                    )
                ),
                neck=dict(type='torch.nn.Identity'),
                heads=dict(verb=head, noun=head),
                weighting=weighting,
            )
        ).double()
        weight = 0.3 * torch.randn(3, 4)  # small, so that both answers are far from sure
        model.heads.verb.linear.weight.data = weight.double()
        model.heads.noun.linear.weight.data = -weight.double() + 0.05 * torch.randn(3, 4)
        clips = list(torch.rand(2, 1, 2, 2, 2))
        batch = dict(
            inputs=dict(rgb=clips),
            present=dict(rgb=[True, True]),
            data_samples=[EgoSample(gt=dict(verb=1, noun=1)), EgoSample(gt=dict(verb=2, noun=2))],
        )
        return model, batch

    return make
