from pathlib import Path

import numpy as np
import pytest
import torch

from egomm.functional.segments import pyramid_points
from egomm.models.losses.localization import LocalizationLoss

GOLDEN = Path(__file__).parents[2] / 'golden' / 'asl'
KEYS = ('mu', 'sigma'), ('mu_reg_left', 'sigma_reg_left'), ('mu_reg_right', 'sigma_reg_right')


def load(name):
    with np.load(GOLDEN / f'{name}.npz') as file:
        return {key: torch.as_tensor(file[key]) for key in file.files}


def golden_case(case):
    data, inputs = load('label_assign_gaussian'), load(f'total_loss_{case}')
    weight = float(inputs['loss_weight'])
    net = LocalizationLoss(
        num_classes=int(data['num_classes']),
        sensitivity=dict(form='official_repo'),
        label_smoothing=float(inputs['label_smoothing']),
        offset_weight=weight if weight > 0 else None,
        presence_weight=float(inputs['al_loss_weight']),
        start=float(inputs['init_loss_norm']),
        momentum=float(inputs['momentum']),
    )
    with torch.no_grad():
        for row, (mu, sigma) in enumerate(KEYS):
            net.sensitivity.centres[row] = data[mu]
            net.sensitivity.raw_widths[row] = data[sigma].expm1().log()
    targets = [
        dict(segments=data[f'v{video}_segments'], labels=data[f'v{video}_labels'])
        for video in range(len(inputs['logits']))
    ]
    logits, offsets = inputs['logits'].requires_grad_(), inputs['offsets'].requires_grad_()
    losses = net(logits, offsets, inputs['level_masks'], data['points'], targets)
    return net, losses, inputs


@pytest.mark.parametrize('case', ['a', 'b'])
def test_losses_gradients_and_normaliser_are_those_of_the_reference(case):
    net, losses, inputs = golden_case(case)
    close = dict(atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(losses['loss_class'], inputs['cls_loss'], **close)
    weight = float(inputs['loss_weight'])
    if weight > 0:
        torch.testing.assert_close(losses['loss_offset'], weight * inputs['reg_loss'], **close)
    total = sum(value for key, value in losses.items() if key.startswith('loss'))
    torch.testing.assert_close(total, inputs['final_loss'], **close)
    assert net.normaliser.item() == pytest.approx(float(inputs['loss_norm_after']))
    total.backward()
    for name in ('logits', 'offsets'):
        torch.testing.assert_close(inputs[name].grad, inputs[f'grad_{name}'], **close)
    centres, raw = net.sensitivity.centres.grad, net.sensitivity.raw_widths
    torch.testing.assert_close(centres[0], inputs['grad_mu'][:, 0], **close)
    torch.testing.assert_close(centres[1], inputs['grad_mu_reg_left'][:, 0], **close)
    # d width / d raw = sigmoid(raw)
    torch.testing.assert_close(raw.grad[0] / raw[0].sigmoid(), inputs['grad_sigma'][:, 0], **close)


POINTS = torch.cat(pyramid_points(8, [(0, 4), (2, 100)]))


def small(targets, logits=None, offsets=None, mask=None, training=True, **options):
    net = LocalizationLoss(num_classes=3, **options).train(training)
    size = len(targets), len(POINTS)
    logits = torch.zeros(*size, 3) if logits is None else logits
    offsets = torch.ones(*size, 2) if offsets is None else offsets
    mask = torch.ones(size, dtype=torch.bool) if mask is None else mask
    return net, net(logits, offsets, mask, POINTS, targets)


def one(start=2.0, end=5.0, label=1):
    return dict(segments=torch.tensor([[start, end]]), labels=torch.tensor([label]))


NONE = dict(segments=torch.zeros(0, 2), labels=torch.zeros(0, dtype=torch.long))


def test_focal_loss_of_background_by_hand():
    # p = 0.5 everywhere: 0.75 * 0.25 * ln 2 for each of 12 points and 3 classes.
    _, losses = small([NONE], training=False)
    assert losses['loss_class'].item() == pytest.approx(36 * 0.75 * 0.25 * np.log(2) / 100)
    assert losses['loss_offset'].item() == 0


def test_unlabelled_clips_and_padding_weigh_nothing():
    mask = torch.ones(3, len(POINTS), dtype=torch.bool)
    mask[2] = False
    logits = torch.zeros(3, len(POINTS), 3, requires_grad=True)
    _, among = small([one(), None, one()], logits=logits, mask=mask, presence_weight=0.2)
    _, alone = small([one()], presence_weight=0.2)
    torch.testing.assert_close(among, alone, check_stride=False)
    sum(among.values()).backward()
    assert not logits.grad[1:].any()


def test_a_batch_without_segments_has_a_graph_and_no_nan():
    logits = torch.zeros(1, len(POINTS), 3, requires_grad=True)
    offsets = torch.ones(1, len(POINTS), 2, requires_grad=True)
    for target in (NONE, None):
        _, losses = small([target], logits, offsets, sensitivity=dict(mean_one=True))
        sum(losses.values()).backward()
        assert logits.grad.isfinite().all()
        assert not offsets.grad.any()


def test_mean_one_leaves_the_mean_of_the_weights_at_one():
    _, losses = small([one(), one(0, 8, 2)], sensitivity=dict(mean_one=True))
    assert losses['h_mean'].item() == pytest.approx(1)
    _, losses = small([one(), one(0, 8, 2)], sensitivity={})
    assert losses['h_mean'].item() < 1


def test_constants_weigh_both_losses_of_positive_points():
    constant = dict(type='ConstantSensitivity', whole=0.25, ends=0.5)
    _, plain = small([one()])
    _, losses = small([one()], sensitivity=constant)
    assert losses['h_mean'].item() == pytest.approx(0.25)
    assert losses['h_ends'].item() == pytest.approx(0.5)
    assert losses['loss_offset'].item() == pytest.approx(0.5 * plain['loss_offset'].item())
    assert losses['loss_class'].item() < plain['loss_class'].item()


def test_the_histogram_counts_every_positive_point_once():
    _, losses = small([one(), one(0, 8, 2)], sensitivity={})
    shares = {key: value.item() for key, value in losses.items() if key.count('_') == 2}
    assert list(shares) == ['h_0_20', 'h_20_40', 'h_40_60', 'h_60_80', 'h_80_100']
    assert sum(shares.values()) == pytest.approx(1)


def test_the_normaliser_moves_in_training_alone_and_is_saved():
    net, _ = small([one()])
    positives = round((net.normaliser.item() - 90) / 0.1)
    assert 0 < positives < len(POINTS)
    assert 'normaliser' in net.state_dict()
    assert small([one()], training=False)[0].normaliser.item() == 100


def test_a_label_out_of_range_is_refused():
    with pytest.raises(ValueError, match=r'labels within 0..2; got 3..3'):
        small([one(label=3)])


def test_diverged_offsets_are_refused():
    with pytest.raises(ValueError, match='offsets >= 0; pred_offsets has NaN'):
        small([one()], offsets=torch.full((1, len(POINTS), 2), torch.nan))


def test_a_quality_weighs_beside_the_gaussians_and_learns_what_it_is():
    net = LocalizationLoss(num_classes=2, sensitivity={}, start=1.0, momentum=0.0).eval()
    points = torch.cat(pyramid_points(3, [(0, 100)]))
    target = dict(segments=torch.tensor([[-1.0, 3.0]]), labels=torch.tensor([1]))
    logits = torch.zeros(1, 3, 2, requires_grad=True)
    offsets = torch.tensor([[[1.0, 3.0], [2.0, 2.0], [3.0, 0.5]]], requires_grad=True)
    mask = torch.tensor([[True, True, False]])
    quality = torch.tensor([[[0.3, 0.2], [0.9, 0.4], [0.5, 0.5]]], requires_grad=True)
    plain = net(logits, offsets, mask, points, [target])
    losses = net(logits, offsets, mask, points, [target], quality)
    assert 'loss_quality' not in plain
    # Probability of the class 0.5 everywhere; both real points meet the segment exactly.
    wanted = (0.3 - 0.5) ** 2 + (0.9 - 0.5) ** 2 + (0.2 - 1) ** 2 + (0.4 - 1) ** 2
    assert losses['loss_quality'].item() == pytest.approx(wanted)
    h = net.sensitivity(points[:2], target['segments'], target['labels'], torch.zeros(2).long())
    assert plain['h_mean'].item() == pytest.approx(h[0].mean().item())
    assert losses['h_mean'].item() == pytest.approx((h[0].mean().item() + 0.6) / 2)
    assert losses['loss_class'] < plain['loss_class']
    sum(value for name, value in losses.items() if name != 'loss_quality').backward()
    assert quality.grad is None
    losses = net(logits, offsets, mask, points, [target], quality)
    losses['loss_quality'].backward()
    assert quality.grad[0, :2].abs().min() > 0
    assert not quality.grad[0, 2].any()


def test_a_quality_without_segments_teaches_nothing():
    net = LocalizationLoss(num_classes=2, sensitivity={})
    points = torch.cat(pyramid_points(3, [(0, 100)]))
    nothing = dict(segments=torch.zeros(0, 2), labels=torch.zeros(0, dtype=torch.long))
    mask = torch.ones(2, 3, dtype=torch.bool)
    inputs = torch.zeros(2, 3, 2), torch.ones(2, 3, 2), mask, points, [nothing, None]
    assert net(*inputs, torch.rand(2, 3, 2))['loss_quality'] == 0
