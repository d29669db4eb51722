"""Class activation maps of several backbones, whose mean is the logit."""

import numpy as np
import pytest
import torch

from egomm.apis.saliency import class_activations
from egomm.registry import MODELS
from egomm.structures import Stream


def build(backbone, channels, neck=None, **head):
    settings = dict(
        type='ClassificationHead', in_channels=channels, num_classes=5, source='rgb', dropout=0.0
    )
    model = dict(
        type='MultiIOModel',
        backbones=dict(rgb=backbone),
        neck=neck or dict(type='torch.nn.Identity'),
        heads=dict(verb={**settings, **head}),
    )
    return MODELS.build(model).eval()


@pytest.mark.parametrize(
    'backbone, channels',
    [
        (dict(type='SmallConvNet', in_channels=3), 96),
        (dict(type='MFNet3D'), 768),
        (
            dict(
                type='WrappedBackbone',
                model=dict(type='mmaction.X3D', gamma_w=1, gamma_b=2.25, gamma_d=2.2),
            ),
            432,
        ),
    ],
)
def test_the_mean_over_cells_is_the_logit_without_bias_for_any_backbone(backbone, channels):
    model = build(backbone, channels)
    with torch.no_grad():
        outputs = model.extract(dict(rgb=Stream(torch.rand(2, 3, 4, 64, 64))))
        logits = model.heads.verb(outputs['rgb']) - model.heads.verb.linear.bias
    classes, activations = class_activations(model, outputs, 'verb')
    assert classes == logits.argmax(dim=1).tolist()
    assert activations.shape == (2, *outputs['rgb'].x.shape[2:])
    np.testing.assert_allclose(activations.mean((1, 2, 3)), logits.amax(dim=1), rtol=1e-4)
    classes, activations = class_activations(model, outputs, 'verb', classes=[4, 0])
    assert classes == [4, 0]
    np.testing.assert_allclose(
        activations.mean((1, 2, 3)), logits[[0, 1], [4, 0]], rtol=1e-4, atol=1e-6
    )


def test_what_cannot_be_looked_into_is_named():
    model = build(dict(type='SmallConvNet', in_channels=3), 96)
    with pytest.raises(ValueError, match=r"task='noun', but the model has heads for \['verb'\]"):
        class_activations(model, {}, 'noun')
    vectors = {'rgb': Stream(torch.rand(2, 96))}
    with pytest.raises(ValueError, match=r'a ClassificationHead that reads \(2, 96\). Only heads'):
        class_activations(model, vectors, 'verb')
