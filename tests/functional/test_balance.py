import math
from pathlib import Path

import numpy as np
import pytest
import torch

from egomm.functional.balance import (
    modulate_gradient_,
    modulation_coefficients,
    score_ratios,
    unimodal_logits,
)

GOLDEN = Path(__file__).parents[1] / 'golden' / 'mimo' / 'ogm.npz'


def golden_case(number):
    with np.load(GOLDEN) as data:
        return {
            key.removeprefix(f'case{number}_'): torch.from_numpy(data[key])
            for key in data
            if key.startswith(f'case{number}_')
        }


def golden_scores(case, order):
    rows = torch.arange(len(case['label']))
    return torch.stack(
        [case[f'logits_{name}'].softmax(1)[rows, case['label']].sum() for name in order]
    )


@pytest.mark.parametrize('number', range(4))
def test_two_modalities_are_as_in_the_golden_file(number):
    case = golden_case(number)
    scores = golden_scores(case, 'va')
    wanted = {
        kind: torch.stack([case[f'{kind}_v'], case[f'{kind}_a']])
        for kind in ('score', 'ratio', 'coeff')
    }
    torch.testing.assert_close(scores, wanted['score'])
    torch.testing.assert_close(score_ratios(scores), wanted['ratio'])
    coefficients = modulation_coefficients(scores, case['alpha'].item())
    torch.testing.assert_close(coefficients, wanted['coeff'])


@pytest.mark.parametrize('ratio', ['mean_of_pairwise', 'score_over_mean_of_others'])
@pytest.mark.parametrize('number', range(4))
def test_three_modalities_are_as_in_the_golden_file(number, ratio):
    case = golden_case(number)
    scores = golden_scores(case, 'avt')
    torch.testing.assert_close(score_ratios(scores, ratio), case[f'tri_ratio_{ratio}'])
    coefficients = modulation_coefficients(scores, case['alpha'].item(), ratio=ratio)
    torch.testing.assert_close(coefficients, case[f'tri_coeff_{ratio}'])


def test_of_two_equal_modalities_the_second_is_slowed():
    coefficients = modulation_coefficients(torch.tensor([0.3, 0.3]), 0.1)
    torch.testing.assert_close(coefficients, torch.tensor([1, 1 - math.tanh(0.1)]))


def test_of_three_equal_modalities_none_is_slowed():
    assert modulation_coefficients(torch.full((3,), 0.3), 0.1).tolist() == [1, 1, 1]


def test_an_unmeasured_modality_is_left_alone_and_not_compared_with():
    scores, mask = torch.tensor([0.2, 9.0, 0.4]), torch.tensor([True, False, True])
    coefficients = modulation_coefficients(scores, 0.5, mask)
    torch.testing.assert_close(coefficients, torch.tensor([1, 1, 1 - math.tanh(0.5 * 2)]))


def test_one_measured_modality_has_nothing_to_be_ahead_of():
    mask = torch.tensor([False, True])
    assert modulation_coefficients(torch.tensor([0.2, 0.4]), 0.5, mask).tolist() == [1, 1]


def test_a_score_of_zero_stops_the_other_modality():
    assert modulation_coefficients(torch.tensor([0.5, 0.0]), 0.1).tolist() == [0, 1]
    torch.testing.assert_close(score_ratios(torch.zeros(2)), torch.ones(2))


def test_unimodal_logits_sum_to_those_of_the_classifier():
    contributions, weight, bias = torch.rand(2, 5, 3), torch.rand(4, 5), torch.rand(4)
    parts = unimodal_logits(contributions, weight, bias)
    assert parts.shape == (2, 3, 4)
    whole = torch.nn.functional.linear(contributions.sum(-1), weight, bias)
    torch.testing.assert_close(parts.sum(1), whole)


def test_noise_has_the_spread_of_the_gradient_before_it_is_scaled():
    gradient = torch.randn(20_000) * 3
    noisy = gradient.clone()
    modulate_gradient_(noisy, 0.25, torch.Generator().manual_seed(1))
    noise = noisy - gradient * 0.25
    assert noise.std().item() == pytest.approx(3, rel=0.03)
    assert noise.mean().item() == pytest.approx(0, abs=0.1)
    again = gradient.clone()
    modulate_gradient_(again, 0.25, torch.Generator().manual_seed(1))
    assert torch.equal(again, noisy)


def test_a_gradient_of_one_element_gets_next_to_no_noise():
    gradient = torch.tensor([2.0])
    modulate_gradient_(gradient, 0.5, torch.Generator().manual_seed(0))
    torch.testing.assert_close(gradient, torch.tensor([1.0]))


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"ratio to be one of \['mean_of_pairwise', .*got 'best'"):
        score_ratios(torch.rand(2), 'best')
    with pytest.raises(ValueError, match=r'two or more modalities; got \(1,\)'):
        score_ratios(torch.rand(1))
