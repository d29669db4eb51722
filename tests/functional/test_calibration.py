"""Temperatures and calibration errors against sums done by hand."""

import math

import pytest
import torch

from egomm.functional.calibration import (
    expected_calibration_error,
    fit_temperature,
    negative_log_likelihood,
)


def test_two_classes_that_are_right_three_times_in_four():
    # The best p is 3/4, log(p / (1 - p)) = log 3, so logits 2 log 3 apart want a temperature of 2.
    logits = torch.tensor([[2 * math.log(3), 0.0]]).repeat(4, 1)
    labels = torch.tensor([0, 0, 0, 1])
    temperature = fit_temperature(logits, labels)
    assert temperature == pytest.approx(2.0, rel=1e-6)
    by_hand = -(3 * math.log(3 / 4) + math.log(1 / 4)) / 4
    assert negative_log_likelihood(logits, labels, temperature) == pytest.approx(by_hand)
    assert expected_calibration_error(logits, labels, temperature) == pytest.approx(0, abs=1e-6)
    # Before, p = 9/10 of the first class.
    assert expected_calibration_error(logits, labels) == pytest.approx(0.9 - 0.75)


def test_no_other_temperature_has_a_smaller_likelihood_loss():
    torch.manual_seed(0)
    labels = torch.randint(0, 5, (200,))
    logits = 4 * torch.randn(200, 5) + 5 * torch.nn.functional.one_hot(labels, 5)
    best = fit_temperature(logits, labels)
    smallest = negative_log_likelihood(logits, labels, best)
    for factor in (0.5, 0.9, 0.99, 1.01, 1.1, 2.0):
        assert negative_log_likelihood(logits, labels, best * factor) > smallest


def test_bins_count_by_their_clips():
    # Confidences 0.55 (right), 0.95 (right), 0.95 (wrong), in bins of 0.1.
    share = torch.tensor([[0.55, 0.45], [0.95, 0.05], [0.95, 0.05]])
    error = expected_calibration_error(share.log(), torch.tensor([0, 0, 1]), bins=10)
    assert error == pytest.approx((1 * 0.45 + 2 * abs(0.5 - 0.95)) / 3)


def test_answers_that_are_always_right_or_never_end_at_the_bounds():
    logits = torch.tensor([[1.0, 0.0]])
    assert fit_temperature(logits, torch.tensor([0])) == pytest.approx(1e-3)
    assert fit_temperature(logits, torch.tensor([1])) == pytest.approx(1e3)


def test_nothing_to_fit_on_is_refused():
    with pytest.raises(ValueError, match=r'clips with finite logits; got \(0, 3\)'):
        fit_temperature(torch.zeros(0, 3), torch.zeros(0, dtype=torch.long))
    with pytest.raises(ValueError, match='finite logits'):
        fit_temperature(torch.tensor([[float('nan'), 0.0]]), torch.tensor([0]))
