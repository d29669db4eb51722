"""From listed pairs to verbs, nouns and a ranking of all pairs."""

import math

import numpy as np
import pytest
import torch

from egomm.functional.actions import marginals, mix_pairs, pair_place
from egomm.functional.scores import rank_actions

PAIRS = torch.tensor([[0, 0], [0, 1], [2, 1]])
LOGITS = torch.tensor([0.5, 0.2, 0.3]).log()


def test_marginals_add_the_probabilities_of_the_pairs():
    verb, noun = marginals(LOGITS + 7, PAIRS, 3, 2)  # a constant changes nothing
    tiny = torch.finfo(torch.float32).tiny
    torch.testing.assert_close(verb.exp(), torch.tensor([0.7, tiny, 0.3]))
    torch.testing.assert_close(noun.exp(), torch.tensor([0.5, 0.5]))
    assert verb[1].item() == pytest.approx(math.log(tiny))  # a verb of no pair is finite


def test_marginals_take_leading_dimensions():
    logits = torch.rand(4, 5, 3, dtype=torch.float64)
    verb, noun = marginals(logits, PAIRS, 3, 2)
    assert (verb.shape, noun.shape, verb.dtype) == ((4, 5, 3), (4, 5, 2), torch.float64)
    torch.testing.assert_close(verb[..., 0], logits.log_softmax(-1)[..., :2].logsumexp(-1))


def test_mixture_by_hand():
    verb, noun = torch.tensor([0.2, 0.3, 0.5]).log(), torch.tensor([0.6, 0.4]).log()
    mixed = mix_pairs(LOGITS, PAIRS, verb, noun, share=0.25).exp()
    expected = 0.75 * torch.tensor([[0.12, 0.08], [0.18, 0.12], [0.3, 0.2]])
    expected += 0.25 * torch.tensor([[0.5, 0.2], [0, 0], [0, 0.3]])
    torch.testing.assert_close(mixed, expected.double(), rtol=1e-6, atol=0)
    assert mixed.sum().item() == pytest.approx(1)


def test_an_unlisted_pair_is_ruled_out_by_the_list_alone_and_by_no_mixture():
    verb, noun = (
        torch.tensor([0.0, 900.0, 0.0]),
        torch.tensor([0.0, 900.0]),
    )  # far below exp's range
    assert mix_pairs(LOGITS, PAIRS, verb, noun, share=1)[1, 0] == -math.inf
    assert mix_pairs(LOGITS, PAIRS, verb, noun, share=0.99).isfinite().all()


def test_without_the_list_the_ranking_is_the_official_one():
    verb, noun = torch.randn(5, 7), torch.randn(5, 9)
    pairs = torch.tensor([[0, 0]])
    mixed = mix_pairs(torch.randn(5, 1), pairs, verb, noun, share=0)
    for row, ranked in zip(mixed, rank_actions(verb.numpy(), noun.numpy(), 6)):
        assert [pair_place(row, tuple(pair)) for pair in ranked] == list(range(6))


def test_of_equal_scores_the_larger_pair_ranks_first():
    scores = torch.tensor([[1.0, 3.0], [1.0, 1.0]])
    places = [[pair_place(scores, (v, n)) for n in range(2)] for v in range(2)]
    assert places == [[3, 0], [2, 1]]
    zeros = np.zeros((1, 2))
    assert [pair_place(torch.zeros(2, 2), tuple(p)) for p in rank_actions(zeros, zeros, 4)[0]] == [
        0,
        1,
        2,
        3,
    ]


@pytest.mark.parametrize(
    'call, words',
    [
        (lambda: marginals(LOGITS[:2], PAIRS, 3, 2), r'each of 2 logits; got .*\(3, 2\)'),
        (lambda: marginals(LOGITS, PAIRS, 2, 2), r'within 2 verbs .*to \[2, 1\]'),
        (lambda: mix_pairs(LOGITS, PAIRS, torch.zeros(3), torch.zeros(1)), '1 nouns; got'),
        (lambda: mix_pairs(LOGITS, PAIRS, torch.zeros(3), torch.zeros(2), 2), '0..1; got 2'),
        (lambda: pair_place(torch.zeros(3, 2), (0, 2)), r'3 verbs and 2 nouns; got \(0, 2\)'),
        (lambda: pair_place(torch.tensor([[math.nan, 0]]), (0, 1)), 'scores without NaN'),
    ],
)
def test_mistakes_are_explained(call, words):
    with pytest.raises(ValueError, match=words):
        call()
