import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from egomm.functional.attention import (
    allocation_loss,
    entropy,
    modality_mass,
    read_tokens,
    reallocate,
    weighted_softmax,
)

GOLDEN = Path(__file__).parents[1] / 'golden' / 'mimo'
NAMES = ('uniform', 'rgb_up', 'drop_audio')


@pytest.fixture(scope='module')
def attention():
    with np.load(GOLDEN / 'attention.npz') as file:
        return {key: torch.as_tensor(file[key]) for key in file.files}


@pytest.fixture(scope='module')
def allocation():
    with np.load(GOLDEN / 'alloc_loss.npz') as file:
        return {key: torch.as_tensor(file[key]) for key in file.files}


def token_weights(attention, name):
    of_modality = torch.cat([attention[f'{name}_w'], torch.ones(1)])  # task tokens weigh 1
    return of_modality[attention['modality_of_token']]


class TestWeightedSoftmax:
    @pytest.mark.parametrize('name', NAMES)
    def test_equals_golden(self, attention, name):
        result = weighted_softmax(attention['logits_task'], token_weights(attention, name))
        torch.testing.assert_close(result, attention[f'{name}_attn_task'], rtol=0, atol=1e-12)

    def test_two_tokens_by_hand(self):
        # 3 e^0 : 1 e^(ln 2) = 3 : 2
        result = weighted_softmax(torch.tensor([0, math.log(2)]), torch.tensor([3.0, 1.0]))
        torch.testing.assert_close(result, torch.tensor([0.6, 0.4]))

    @pytest.mark.parametrize('weight', [1.0, 1e-30, 7.5, 1e30])
    def test_uniform_weights_change_nothing(self, weight):
        logits = torch.randn(2, 3, 5)
        result = weighted_softmax(logits, torch.full((5,), weight))
        torch.testing.assert_close(result, logits.softmax(-1))

    def test_common_factor_changes_nothing(self):
        logits, weights = torch.randn(4, 6).double(), torch.rand(4, 6).double()
        factor = torch.tensor([1e-6, 0.3, 1, 1e9])[:, None]
        torch.testing.assert_close(
            weighted_softmax(logits, weights * factor), weighted_softmax(logits, weights)
        )

    def test_weight_zero_equals_removing_the_token(self):
        logits = torch.randn(2, 5)
        logits[:, 3] = 1000  # however large
        weights = torch.tensor([1, 2, 0.5, 0, 1])
        keep = [0, 1, 2, 4]
        result = weighted_softmax(logits, weights)
        assert (result[:, 3] == 0).all()
        torch.testing.assert_close(
            result[:, keep], weighted_softmax(logits[:, keep], weights[keep])
        )

    def test_follows_the_closed_form_on_modality_masses(self, attention):
        # after = w p / sum(w p), with the mass of the task tokens at weight 1
        before = attention['uniform_modality_sums']
        weighted = before * attention['rgb_up_w']
        expected = weighted / (weighted.sum(-1, keepdim=True) + 1 - before.sum(-1, keepdim=True))
        torch.testing.assert_close(attention['rgb_up_modality_sums'], expected)
        result = weighted_softmax(attention['logits_task'], token_weights(attention, 'rgb_up'))
        mass = modality_mass(result, attention['tokens_per_modality'].tolist())
        torch.testing.assert_close(mass, expected)

    def test_normalises_the_named_axis(self):
        logits, weights = torch.randn(2, 4, 3), torch.rand(2, 4, 1)
        expected = weighted_softmax(logits.transpose(1, 2), weights.transpose(1, 2))
        for dim in (1, -2):
            torch.testing.assert_close(
                weighted_softmax(logits, weights, dim=dim), expected.transpose(1, 2)
            )

    def test_one_row_of_logits_takes_many_rows_of_weights(self):
        logits, weights = torch.randn(5), torch.rand(7, 5)
        result = weighted_softmax(logits, weights, dim=0)
        torch.testing.assert_close(result, weighted_softmax(logits.expand(7, 5), weights))

    @pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
    def test_half_precision_is_computed_in_float32(self, dtype):
        logits, weights = (torch.randn(3, 8) * 4).to(dtype), torch.rand(8)
        result = weighted_softmax(logits, weights)
        assert result.dtype == dtype
        expected = weighted_softmax(logits.float(), weights).to(dtype)
        torch.testing.assert_close(result, expected, rtol=0, atol=0)

    def test_gradient_is_right_and_finite_with_removed_tokens(self):
        logits = torch.randn(2, 4, dtype=torch.float64, requires_grad=True)
        weights = torch.tensor([0.5, 2, 1, 3], dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(weighted_softmax, (logits, weights))
        some = torch.tensor([0.5, 0, 1, 0], dtype=torch.float64, requires_grad=True)
        weighted_softmax(logits, some)[:, 0].sum().backward()
        assert logits.grad.isfinite().all()
        assert some.grad.isfinite().all()
        assert (logits.grad[:, [1, 3]] == 0).all()

    @pytest.mark.parametrize(
        'weights, words',
        [
            ([1, -0.5, 1], r'got -0\.5\. Pass plain weights'),
            ([1, math.nan, 1], 'got NaN or infinity'),
            ([1, math.inf, 1], 'got NaN or infinity'),
            ([0, 0, 0], 'row of zeros'),
            ([1, 1], r'logits \(2, 3\); got \(2,\)'),
        ],
    )
    def test_impossible_weights_are_refused(self, weights, words):
        with pytest.raises(ValueError, match=words):
            weighted_softmax(torch.zeros(2, 3), torch.tensor(weights))

    def test_one_empty_row_among_others_is_refused(self):
        with pytest.raises(ValueError, match='row of zeros'):
            weighted_softmax(torch.zeros(2, 3), torch.tensor([[1.0, 0, 0], [0, 0, 0]]))


class TestModalityMass:
    @pytest.mark.parametrize('name', NAMES)
    def test_equals_golden(self, attention, name):
        mass = modality_mass(
            attention[f'{name}_attn_task'], attention['tokens_per_modality'].tolist()
        )
        torch.testing.assert_close(mass, attention[f'{name}_modality_sums'], rtol=0, atol=1e-12)

    def test_rest_are_task_tokens(self):
        attention = torch.tensor([0.1, 0.2, 0.3, 0.15, 0.25]).expand(1, 2, 1, 5)
        expected = torch.tensor([0.3, 0.3]).expand(1, 2, 1, 2)
        torch.testing.assert_close(modality_mass(attention, [2, 1]), expected)

    def test_permuting_modalities_permutes_masses(self):
        parts = torch.rand(2, 4, 3, 9).softmax(-1).split([2, 4, 3], dim=-1)
        mass = modality_mass(torch.cat(parts, -1), [2, 4, 3])
        order = [2, 0, 1]
        swapped = modality_mass(torch.cat([parts[i] for i in order], -1), [3, 2, 4])
        torch.testing.assert_close(swapped, mass[..., order])

    @pytest.mark.parametrize('sizes', [[3, 3], [-1, 2]])
    def test_sizes_beyond_the_sequence_are_refused(self, sizes):
        with pytest.raises(ValueError, match=r'at most 5.*got \['):
            modality_mass(torch.rand(1, 1, 1, 5), sizes)


def loss_and_gradient(mass, uncertainty, **options):
    mass = mass.clone().requires_grad_()
    loss = allocation_loss(mass, uncertainty, **options)
    loss.sum().backward()
    return loss.detach(), mass.grad


class TestAllocationLoss:
    @pytest.mark.parametrize('task', ['verb', 'noun'])
    @pytest.mark.parametrize(
        'direction, infix, suffix',
        [
            ('text', 'described_', '_described'),
            ('as_printed', '', ''),
        ],
    )
    def test_value_and_gradient_equal_golden(self, allocation, task, direction, infix, suffix):
        loss, gradient = loss_and_gradient(
            allocation[f'{task}_s'], allocation[f'{task}_entropy_nats'], direction=direction
        )
        expected = allocation[f'{task}_loss_{infix}per_sample']
        torch.testing.assert_close(loss, expected, rtol=0, atol=1e-12)
        expected = allocation[f'{task}_grad_s{suffix}']
        torch.testing.assert_close(gradient, expected, rtol=0, atol=1e-12)

    @pytest.mark.parametrize('direction, infix', [('text', 'described_'), ('as_printed', '')])
    def test_ties_equal_golden(self, allocation, direction, infix):
        loss = allocation_loss(allocation['tie_s'], allocation['tie_u'], direction=direction)
        expected = allocation[f'tie_loss_{infix}per_sample']
        torch.testing.assert_close(loss, expected, rtol=0, atol=1e-12)

    def test_by_hand(self):
        # One head; modality 1 is 0.5 less certain and gets 0.2 less attention.
        mass, uncertainty = torch.tensor([[[0.6, 0.4]]]), torch.tensor([[1.0, 1.5]])
        text = allocation_loss(mass, uncertainty)
        torch.testing.assert_close(text, torch.tensor([0.1]))
        printed = allocation_loss(mass, uncertainty, direction='as_printed')
        torch.testing.assert_close(printed, torch.tensor([0.0]))

    def test_text_moves_attention_to_the_uncertain_modality(self):
        mass, uncertainty = torch.tensor([[[0.6, 0.4]]]), torch.tensor([[1.0, 1.5]])
        _, gradient = loss_and_gradient(mass, uncertainty, direction='text')
        torch.testing.assert_close(gradient, torch.tensor([[[0.5, -0.5]]]))

    @pytest.mark.parametrize('direction', ['text', 'as_printed'])
    def test_only_differences_of_uncertainty_count(self, direction):
        mass, uncertainty = torch.rand(3, 4, 3).double(), torch.rand(3, 3).double()
        loss = allocation_loss(mass, uncertainty, direction=direction)
        assert (loss > 0).all()
        torch.testing.assert_close(
            allocation_loss(mass, uncertainty + 17.5, direction=direction), loss
        )
        loss, gradient = loss_and_gradient(mass, torch.full((3, 3), 2.5), direction=direction)
        assert (loss == 0).all()
        assert (gradient == 0).all()

    def test_equal_masses_give_no_gradient(self):
        _, gradient = loss_and_gradient(torch.full((1, 2, 3), 0.3), torch.rand(1, 3))
        assert (gradient == 0).all()

    def test_one_modality_has_nothing_to_disagree_with(self):
        assert allocation_loss(torch.rand(2, 4, 1), torch.rand(2, 1)).tolist() == [0, 0]

    def test_uncertainty_is_a_constant(self):
        mass, uncertainty = torch.rand(2, 2, 3), torch.rand(2, 3)
        mass.requires_grad_()
        uncertainty.requires_grad_()
        allocation_loss(mass, uncertainty).sum().backward()
        assert uncertainty.grad is None

    @pytest.mark.parametrize('direction', ['text', 'as_printed'])
    def test_missing_modality_is_as_if_it_were_not_there(self, direction):
        mass, uncertainty = torch.rand(2, 4, 3), torch.rand(2, 3)
        expected = allocation_loss(mass[:, :, [0, 2]], uncertainty[:, [0, 2]], direction)
        mass[:, :, 1], uncertainty[:, 1] = math.nan, math.nan
        present = torch.tensor([True, False, True]).expand(2, 3)
        loss, gradient = loss_and_gradient(mass, uncertainty, direction=direction, present=present)
        torch.testing.assert_close(loss, expected)
        assert gradient.isfinite().all()
        assert (gradient[:, :, 1] == 0).all()

    def test_misspelt_direction_is_refused(self):
        with pytest.raises(ValueError, match="'as_printed'.*got 'printed'"):
            allocation_loss(torch.rand(1, 1, 2), torch.rand(1, 2), direction='printed')

    def test_shapes_that_do_not_belong_together_are_refused(self):
        with pytest.raises(ValueError, match=r'got \(2, 4, 5, 3\) and \(2, 3\)'):
            allocation_loss(torch.rand(2, 4, 5, 3), torch.rand(2, 3))
        with pytest.raises(ValueError, match=r'present \(B, M\); got \(2, 4, 3\) and \(2, 2\)'):
            allocation_loss(torch.rand(2, 4, 3), torch.rand(2, 3), present=torch.ones(2, 2).bool())


class TestEntropy:
    @pytest.mark.parametrize('task', ['verb', 'noun'])
    def test_equals_golden(self, allocation, task):
        logits = allocation[f'{task}_unimodal_logits']
        expected = allocation[f'{task}_entropy_nats']
        torch.testing.assert_close(entropy(logits), expected, rtol=0, atol=1e-12)
        normalised = entropy(logits) / math.log(logits.shape[-1])
        torch.testing.assert_close(normalised, allocation[f'{task}_entropy_normalised'])

    def test_known_cases(self):
        logits = torch.tensor([[0, 0, 0, 0], [0, -math.inf, -math.inf, -math.inf], [0, 5e4, 0, 0]])
        torch.testing.assert_close(entropy(logits), torch.tensor([math.log(4), 0, 0]))

    def test_gradient_is_right_and_finite(self):
        logits = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(entropy, (logits,))
        excluded = torch.tensor([0.0, 1.0, -math.inf], requires_grad=True)
        entropy(excluded).backward()
        assert excluded.grad.isfinite().all()

    def test_half_precision_is_computed_in_float32(self):
        logits = torch.randn(4, 300).half()
        result = entropy(logits)
        assert result.dtype == torch.float16
        torch.testing.assert_close(result, entropy(logits.float()).half(), rtol=0, atol=0)


class TestReallocate:
    """The golden outputs are checked in models/necks/test_query.py; here are the edges."""

    mass = torch.tensor([0.5, 0.3, 0.2]).view(1, 1, 1, 3)  # the last on the task tokens
    parts = torch.tensor([5.0, 3.0, 2.0]).view(1, 1, 1, 3, 1)

    def test_by_hand(self):
        # Z = 0.2 + 2 * 0.5 + 0 * 0.3 = 1.2
        mass, read = reallocate(self.mass, self.parts, torch.tensor([2.0, 0.0]))
        torch.testing.assert_close(mass.flatten(), torch.tensor([1 / 1.2, 0.0]))
        torch.testing.assert_close(read.flatten(), torch.tensor([12 / 1.2]))

    def test_each_task_and_each_sample_can_have_its_own_weights(self):
        mass, parts = self.mass.expand(2, 1, 2, 3), self.parts.expand(2, 1, 2, 3, 1)
        by_task = torch.tensor([[1.0, 1.0], [2.0, 0.0]])
        _, read = reallocate(mass, parts, by_task)
        torch.testing.assert_close(read[0, 0, :, 0], torch.tensor([10.0, 10.0]))
        _, read = reallocate(mass, parts, torch.stack([by_task, by_task.flip(0)]))
        torch.testing.assert_close(read[0, 0], read[1, 0].flip(0))

    def test_a_row_with_nothing_left_is_refused(self):
        mass = torch.tensor([1.0, 0.0, 0.0]).view(1, 1, 1, 3)
        with pytest.raises(ValueError, match='no attention at all in some row'):
            reallocate(mass, self.parts, torch.tensor([0.0, 1.0]))

    def test_a_negative_weight_is_refused(self):
        with pytest.raises(ValueError, match='got -1'):
            reallocate(self.mass, self.parts, torch.tensor([-1.0, 1.0]))


class TestReadTokens:
    @pytest.mark.parametrize('keep', [False, True])
    @pytest.mark.parametrize('rows', [1, 2])
    def test_gradients_of_both_orders_are_those_of_finite_differences(self, rows, keep):
        torch.manual_seed(0)
        queries = torch.randn(rows, 2, 3, dtype=torch.float64, requires_grad=True)
        offsets = torch.randn(1, 1, 6, dtype=torch.float64, requires_grad=True)
        tokens = [
            torch.randn(2, 3, size, dtype=torch.float64, requires_grad=True) for size in (4, 2)
        ]
        factors = torch.rand(2, 2, 6, dtype=torch.float64) if keep else None

        def both(queries, offsets, *tokens):
            return read_tokens(queries, offsets, tokens, factors)

        assert torch.autograd.gradcheck(both, (queries, offsets, *tokens))
        assert torch.autograd.gradgradcheck(both, (queries, offsets, *tokens))

    def test_nothing_is_computed_for_frozen_tokens(self):
        def operations(learned):
            queries = torch.randn(1, 2, 3, requires_grad=True)
            tokens = torch.randn(2, 3, 5, requires_grad=learned)
            _, read = read_tokens(queries, torch.zeros(1, 1, 5), [tokens])
            with FlopCounterMode(display=False) as counter:
                read.sum().backward()
            return counter.get_total_flops()

        assert operations(True) - operations(False) == 2 * (2 * 3 * 4 * 5)  # (B, C, 2 N, L)

    def test_a_removed_token_is_not_read_and_learns_nothing(self):
        queries, x = torch.randn(1, 2, 3), torch.randn(1, 3, 4, requires_grad=True)
        attention, read = read_tokens(queries, torch.tensor([[[0, 0, -math.inf, 0.0]]]), [x])
        read.square().sum().backward()
        assert (attention[..., 2] == 0).all()
        assert (x.grad[..., 2] == 0).all()
        torch.testing.assert_close(read[:, 0], attention @ x.mT)
