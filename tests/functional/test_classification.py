import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from egomm.functional.classification import focal_loss, presence_loss

GOLDEN = Path(__file__).parents[1] / 'golden' / 'asl'
CLOSE = dict(atol=1e-5, rtol=0)


def load(name):
    with np.load(GOLDEN / f'{name}.npz') as file:
        return {key: torch.as_tensor(file[key]) for key in file.files}


def test_focal_loss_and_its_gradient_are_those_of_the_reference():
    data = load('focal')
    logits = data['logits'].requires_grad_()
    loss = focal_loss(logits, data['targets'], float(data['alpha']), float(data['gamma']))
    torch.testing.assert_close(loss, data['loss'], **CLOSE)
    loss.sum().backward()
    torch.testing.assert_close(logits.grad, data['grad_of_sum'], **CLOSE)


def test_focal_loss_without_class_balance_is_that_of_the_reference():
    data = load('focal')
    loss = focal_loss(data['logits'], data['targets'], alpha=None, gamma=1.5)
    torch.testing.assert_close(loss, data['loss_noalpha_gamma1_5'], **CLOSE)


def test_focal_loss_with_gamma_0_is_cross_entropy():
    logits, targets = torch.randn(5, 3, dtype=torch.float64), torch.rand(5, 3, dtype=torch.float64)
    expected = binary_cross_entropy_with_logits(logits, targets, reduction='none')
    torch.testing.assert_close(focal_loss(logits, targets, alpha=None, gamma=0), expected)


def test_focal_loss_by_hand():
    # p = 1/2: ln 2 * (1/2)^2, times 1/4 for a positive and 3/4 for a negative.
    loss = focal_loss(torch.zeros(2), torch.tensor([1.0, 0]))
    assert loss.tolist() == pytest.approx([math.log(2) / 16, math.log(2) * 3 / 16])


def test_focal_loss_of_a_sure_mistake_is_finite_in_half_precision():
    logits = torch.tensor([-200.0, 200], dtype=torch.bfloat16, requires_grad=True)
    loss = focal_loss(logits, torch.tensor([1.0, 0]))
    loss.sum().backward()
    assert loss.dtype == torch.bfloat16
    assert loss.tolist() == [50, 150]
    assert logits.grad.isfinite().all()


def test_focal_loss_refuses_class_numbers():
    with pytest.raises(ValueError, match=r'got \(4, 3\) and \(4,\)'):
        focal_loss(torch.zeros(4, 3), torch.zeros(4))


def test_presence_loss_by_hand():
    # Softmax at the first two points: (1/2, 1/2) and (1/5, 4/5); the third is padding.
    logits = torch.tensor([[[0.0, 0], [0, math.log(4)], [9, 0]]], dtype=torch.float64)
    loss = presence_loss(logits, torch.tensor([[True, True, False]]), torch.tensor([[True, False]]))
    torch.testing.assert_close(loss, torch.tensor([math.log(2) + math.log(5)], dtype=loss.dtype))


def test_presence_loss_of_a_saturated_class_is_finite():
    logits = torch.tensor([[[500.0, 0, 0]]], requires_grad=True)
    loss = presence_loss(logits, torch.tensor([[True]]), torch.tensor([[0, 1, 0]]))
    loss.sum().backward()
    assert loss.item() == pytest.approx(1000 - math.log(2), rel=1e-5)
    assert logits.grad.isfinite().all()
    assert logits.grad[0, 0, 0] > 0


def test_presence_loss_of_padding_is_0_and_passes_no_gradient():
    logits = torch.randn(2, 3, 4, requires_grad=True)
    mask = torch.tensor([[True, True, False], [False] * 3])
    loss = presence_loss(logits, mask, torch.ones(2, 4))
    loss.sum().backward()
    assert loss[1] == 0
    assert logits.grad[0, :2].any()
    assert not logits.grad[~mask].any()


def test_gradient_of_presence_loss_is_right():
    logits = torch.randn(2, 5, 3, dtype=torch.float64, requires_grad=True)
    mask = torch.tensor([[True] * 5, [True, True, False, False, False]])
    present = torch.tensor([[1, 0, 1], [0, 0, 1]])
    assert torch.autograd.gradcheck(lambda x: presence_loss(x, mask, present), logits)


def test_presence_loss_refuses_a_single_class():
    with pytest.raises(ValueError, match=r'C >= 2.*got \(1, 2, 1\), \(1, 2\) and \(1, 1\)'):
        presence_loss(torch.zeros(1, 2, 1), torch.ones(1, 2).bool(), torch.ones(1, 1))
    with pytest.raises(ValueError, match=r'got \(2, 4\), \(2,\) and \(4,\)'):
        presence_loss(torch.zeros(2, 4), torch.ones(2).bool(), torch.ones(4))
