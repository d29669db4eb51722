import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from egomm.functional.classification import focal_loss, presence_loss
from egomm.functional.segments import assign_points, diou_loss
from egomm.functional.sensitivity import boundary_weight, gaussian_sensitivity, mean_one

GOLDEN = Path(__file__).parents[1] / 'golden' / 'asl'
CLOSE = dict(atol=1e-5, rtol=0)


def load(name):
    with np.load(GOLDEN / f'{name}.npz') as file:
        return {key: torch.as_tensor(file[key]) for key in file.files}


@pytest.mark.parametrize('video', [0, 1])
@pytest.mark.parametrize(
    'distance, suffix', [('stride_length', ''), ('length', '_nostride_derived')]
)
@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_every_pair_weighs_what_it_does_in_the_reference(video, distance, suffix, dtype):
    data = load('label_assign_gaussian')
    weight = gaussian_sensitivity(
        data['points'].to(dtype),
        data[f'v{video}_segments'].to(dtype),
        data[f'v{video}_labels'],
        data['mu'].to(dtype),
        data['sigma'].to(dtype),
        distance=distance,
    )
    assert weight.dtype == dtype
    expected = data[f'v{video}_h_cls_full{suffix}']
    torch.testing.assert_close(weight.float(), expected, **CLOSE)


def weights_of(data, video, parameters):
    """Targets and the three Gaussian weights at the segment that each point was given."""
    segments, labels = data[f'v{video}_segments'], data[f'v{video}_labels']
    result = assign_points(data['points'], segments, labels, int(data['num_classes']))
    chosen = result.segment.clamp(min=0)[:, None]
    weights = [
        gaussian_sensitivity(data['points'], segments, labels, mu, sigma, distance='stride_length')
        .gather(1, chosen)
        .squeeze(1)
        for mu, sigma in parameters
    ]
    return result, weights


def parameters_of(data):
    names = [('mu', 'sigma')]
    names += [(f'mu_reg_{side}', f'sigma_reg_{side}') for side in ('left', 'right')]
    return [tuple(data[name].requires_grad_() for name in pair) for pair in names]


@pytest.mark.parametrize('video', [0, 1])
def test_weights_of_the_positive_points_are_those_of_the_reference(video):
    data = load('label_assign_gaussian')
    result, weights = weights_of(data, video, parameters_of(data))
    positive = result.segment >= 0
    for name, weight in zip(('h_cls', 'h_loc_a', 'h_loc_b'), weights):
        expected = data[f'v{video}_{name}'][positive]
        torch.testing.assert_close(weight[positive], expected, **CLOSE)


@pytest.mark.parametrize('case', ['a', 'b'])
def test_the_losses_put_together_are_those_of_the_reference(case):
    data, inputs = load('label_assign_gaussian'), load(f'total_loss_{case}')
    parameters = parameters_of(data)
    mask = inputs['level_masks']
    logits, offsets = inputs['logits'].requires_grad_(), inputs['offsets'].requires_grad_()
    smoothing, classes = float(inputs['label_smoothing']), int(data['num_classes'])

    cls = reg = 0
    num_positive, present = 0, torch.zeros(len(mask), classes)
    for row in range(len(mask)):
        target, (h_cls, h_first, h_second) = weights_of(data, row, parameters)
        positive = (target.segment >= 0) & mask[row]
        num_positive += int(positive.sum())
        present[row, data[f'v{row}_labels']] = 1
        smooth = target.classes * (1 - smoothing) + smoothing / (classes + 1)
        point_loss = focal_loss(logits[row], smooth).sum(dim=1)
        cls += (point_loss * torch.where(positive, h_cls, 1))[mask[row]].sum()
        weight = boundary_weight(h_first, h_second, h_cls)[positive]
        reg += (weight * diou_loss(offsets[row][positive], target.offsets[positive])).sum()
    momentum = float(inputs['momentum'])
    norm = momentum * float(inputs['init_loss_norm']) + (1 - momentum) * max(num_positive, 1)
    cls, reg = cls / norm, reg / norm
    clip = presence_loss(logits, mask, present).sum() / norm
    weight = float(inputs['loss_weight'])
    if weight <= 0:
        weight = cls.detach() / max(reg.item(), 0.01)
    final = cls + weight * reg + float(inputs['al_loss_weight']) * clip

    assert norm == pytest.approx(float(inputs['loss_norm_after']))
    for name, value in zip(('cls', 'reg', 'al', 'final'), (cls, reg, clip, final)):
        torch.testing.assert_close(value, inputs[f'{name}_loss'], **CLOSE)
    final.backward()
    (mu, sigma), (mu_first, sigma_first), _ = parameters
    for name, value in (
        ('logits', logits),
        ('offsets', offsets),
        ('mu', mu),
        ('sigma', sigma),
        ('mu_reg_left', mu_first),
    ):
        expected = inputs[f'grad_{name}'].reshape(value.shape)
        torch.testing.assert_close(value.grad, expected, **CLOSE)


def pair(t, start, end, mu=0.0, sigma=1.0, stride=1, distance='length'):
    return gaussian_sensitivity(
        torch.tensor([[t, 0, 4, stride]], dtype=torch.float64),
        torch.tensor([[start, end]], dtype=torch.float64),
        torch.tensor([0]),
        torch.tensor([mu], dtype=torch.float64),
        torch.tensor([sigma], dtype=torch.float64),
        distance,
    ).item()


def test_distance_is_positive_before_the_centre():
    assert pair(2, 2, 6, mu=0.5) == 1  # the start
    assert pair(6, 2, 6, mu=-0.5) == 1  # the end
    assert pair(3, 2, 6, mu=0.5, sigma=0.25) == pytest.approx(math.exp(-0.5))
    assert pair(3, 2, 6, sigma=0.25, stride=2, distance='stride_length') == pytest.approx(
        math.exp(-((1 / 8) ** 2) / (2 * 0.25**2))
    )


def test_a_segment_without_length_gives_finite_weights_and_gradients():
    points = torch.tensor([[3.0, 0, 4, 1], [4, 0, 4, 1]])
    mu, sigma = torch.zeros(1, requires_grad=True), torch.ones(1, requires_grad=True)
    weight = gaussian_sensitivity(points, torch.tensor([[3.0, 3]]), torch.tensor([0]), mu, sigma)
    weight.sum().backward()
    assert weight.squeeze(1).tolist() == [1, 0]
    assert mu.grad.isfinite().all()
    assert sigma.grad.isfinite().all()


def test_gradients_of_the_gaussian_are_right():
    points = torch.tensor([[2.0, 0, 4, 1], [5, 0, 4, 2]], dtype=torch.float64)
    segments = torch.tensor([[1.0, 4], [2, 9]], dtype=torch.float64)
    mu = torch.tensor([0.1, -0.2], dtype=torch.float64, requires_grad=True)
    sigma = torch.tensor([0.7, 1.3], dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([1, 0])
    assert torch.autograd.gradcheck(
        lambda m, s: gaussian_sensitivity(points, segments, labels, m, s), (mu, sigma)
    )


def test_boundary_weight_is_the_mean_and_optionally_scaled():
    first, second, h_cls = torch.tensor([0.2]), torch.tensor([0.6]), torch.tensor([0.5])
    torch.testing.assert_close(boundary_weight(first, second), torch.tensor([0.4]))
    torch.testing.assert_close(boundary_weight(first, second, h_cls), torch.tensor([0.2]))


@given(st.lists(st.tuples(st.floats(0.01, 1), st.booleans()), min_size=1, max_size=8))
@settings(max_examples=50, deadline=None)
def test_positive_weights_average_to_1(rows):
    weights = torch.tensor([row[0] for row in rows], dtype=torch.float64)
    positive = torch.tensor([row[1] for row in rows])
    scaled = mean_one(weights, positive)
    assert (scaled[~positive] == 1).all()
    if positive.any():
        assert scaled[positive].mean().item() == pytest.approx(1)
        ratio = scaled[positive] / weights[positive]
        assert ratio.tolist() == pytest.approx([ratio[0].item()] * len(ratio))


def test_lowering_all_weights_together_gains_nothing():
    factor = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    weights = factor * torch.tensor([0.5, 0.9, 0.1], dtype=torch.float64)
    scaled = mean_one(weights, torch.tensor([True, True, False]))
    (scaled * torch.tensor([3.0, 1, 2])).sum().backward()
    assert abs(factor.grad) < 1e-12


def test_weights_that_are_all_0_stay_finite():
    weights = torch.zeros(2, requires_grad=True)
    scaled = mean_one(weights, torch.tensor([True, False]))
    scaled.sum().backward()
    assert scaled.tolist() == [0, 1]
    assert weights.grad.isfinite().all()


@pytest.mark.parametrize(
    'change, words',
    [
        (dict(distance='frames'), "'length'.*'stride_length'.*got 'frames'"),
        (dict(mu=torch.zeros(2, 1)), r'got \(3, 4\), \(2, 2\), \(2,\), \(2, 1\), \(2,\)'),
        (dict(points=torch.zeros(3)), r'got \(3,\), \(2, 2\)'),
        (dict(segments=torch.zeros(3, 2)), r'got \(3, 4\), \(3, 2\), \(2,\)'),
    ],
)
def test_what_does_not_belong_together_is_refused(change, words):
    arguments = dict(
        points=torch.zeros(3, 4),
        segments=torch.zeros(2, 2),
        labels=torch.zeros(2).long(),
        mu=torch.zeros(2),
        sigma=torch.ones(2),
    )
    with pytest.raises(ValueError, match=words):
        gaussian_sensitivity(**{**arguments, **change})


def test_mean_one_refuses_another_mask():
    with pytest.raises(ValueError, match=r'got \(2,\) and torch\.float32 \(2,\)'):
        mean_one(torch.ones(2), torch.ones(2))
