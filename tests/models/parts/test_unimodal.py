import math

import pytest
import torch
import torch.nn.functional as F

from egomm.registry import MODELS
from egomm.structures import Stream


def heads(**options):
    return MODELS.build(
        dict(
            type='UnimodalHeads',
            in_channels=dict(rgb=4, audio=2),
            num_classes=dict(verb=3),
            **options,
        )
    )


def streams(audio_mask=None):
    return dict(
        rgb=Stream(torch.rand(3, 4, 2, 1, 1, requires_grad=True)),
        audio=Stream(torch.rand(3, 2), audio_mask),
    )


def test_each_modality_is_classified_from_its_pooled_features():
    part, given = heads(), streams()
    outputs = part(given)
    logits = outputs['unimodal_verb']
    assert logits.x.shape == (3, 3, 2)
    assert logits.mask.all()
    classifiers = part.classifiers['verb']
    torch.testing.assert_close(
        logits.x[..., 0], classifiers['rgb'](given['rgb'].x.mean(dim=(2, 3, 4)))
    )
    torch.testing.assert_close(logits.x[..., 1], classifiers['audio'](given['audio'].x))


def test_loss_and_log_count_only_labelled_samples_that_have_the_modality():
    part = heads(loss_weight=2.0)
    given = streams(torch.tensor([True, False, True]))
    outputs = part(given)
    losses = part.loss(outputs, dict(verb=[1, 2, None]))
    x = outputs['unimodal_verb'].x
    rgb = F.cross_entropy(x[:2, :, 0], torch.tensor([1, 2]))
    audio = F.cross_entropy(x[:1, :, 1], torch.tensor([1]))
    torch.testing.assert_close(losses['verb_loss'], 2 * (rgb + audio))
    assert set(losses) == {
        'verb_loss', 'verb_rgb_top1', 'verb_rgb_entropy', 'verb_audio_top1', 'verb_audio_entropy',
    }  # fmt: skip
    p = x[0, :, 1].softmax(0)
    torch.testing.assert_close(losses['verb_audio_entropy'], -(p * p.log()).sum() / math.log(3))


@pytest.mark.parametrize('detach', [True, False])
def test_the_encoders_feel_the_loss_only_when_asked(detach):
    part, given = heads(detach=detach), streams()
    part.loss(part(given), dict(verb=[0, 1, 2]))['verb_loss'].backward()
    assert (given['rgb'].x.grad is None) is detach


def test_one_class_has_no_uncertainty():
    part = MODELS.build(
        dict(type='UnimodalHeads', in_channels=dict(rgb=4, audio=2), num_classes=dict(verb=1))
    )
    assert part.loss(part(streams()), dict(verb=[0, 0, 0]))['verb_rgb_entropy'] == 0


def test_a_task_without_any_label_is_zero_not_nan():
    part = heads()
    losses = part.loss(part(streams()), {})
    assert losses['verb_loss'].item() == 0
    losses['verb_loss'].backward()
    assert all(value.grad.abs().max() == 0 for value in part.parameters())
