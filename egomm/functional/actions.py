"""Actions as (verb, noun) pairs: from a distribution over listed pairs to verbs, nouns and ranks.

A list of the pairs seen in training misses some that occur later (372 of the 9,668 validation
clips of EPIC-KITCHENS-100 have one); the product of verb and noun covers all pairs but knows
nothing of which go together. `mix_pairs` joins the two.

Shapes: A = listed pairs, V = verbs, U = nouns.
"""

import torch
from torch import Tensor


def marginals(logits: Tensor, pairs: Tensor, verbs: int, nouns: int) -> tuple[Tensor, Tensor]:
    """Log-probabilities of verbs and nouns: the log of the summed probabilities of their pairs.

    Args:
        logits: ``(..., A)``.
        pairs: ``(A, 2)`` class ids (verb, noun).
        verbs: V.
        nouns: U.

    Returns:
        ``(..., V)`` and ``(..., U)``. A class of no pair has probability 0, of which the log is
        given as that of the smallest normal number (-87 in float32), so that all are finite.

    Raises:
        ValueError: If shapes disagree or a pair is outside V and U.
    """
    _check(logits, pairs, verbs, nouns)
    probabilities = logits.softmax(dim=-1)
    tiny = torch.finfo(logits.dtype).tiny
    verb, noun = (
        probabilities.new_zeros(*logits.shape[:-1], count)
        .index_add(-1, ids, probabilities)
        .clamp(min=tiny)
        .log()
        for count, ids in ((verbs, pairs[:, 0]), (nouns, pairs[:, 1]))
    )
    return verb, noun


def mix_pairs(
    logits: Tensor, pairs: Tensor, verb_logits: Tensor, noun_logits: Tensor, share: float = 0.5
) -> Tensor:
    """Log of ``share * p(pair) + (1 - share) * p(verb) * p(noun)``, for every pair.

    Args:
        logits: Over the listed pairs ``(..., A)``; an unlisted pair has p(pair) = 0.
        pairs: ``(A, 2)`` class ids (verb, noun).
        verb_logits: ``(..., V)``.
        noun_logits: ``(..., U)``.
        share: Of the listed pairs, 0..1. Below 1 no pair is ruled out.

    Returns:
        ``(..., V, U)`` in float64.

    Raises:
        ValueError: If shapes disagree, a pair is outside V and U, or ``share`` outside 0..1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f'mix_pairs wants a share within 0..1; got {share}.')
    _check(logits, pairs, verb_logits.shape[-1], noun_logits.shape[-1])
    listed, verb, noun = (
        values.double().log_softmax(dim=-1) for values in (logits, verb_logits, noun_logits)
    )
    product = verb[..., :, None] + noun[..., None, :]
    table = torch.full_like(product, -torch.inf)
    table[..., pairs[:, 0], pairs[:, 1]] = listed
    weights = torch.tensor([share, 1 - share], dtype=table.dtype, device=table.device).log()
    return torch.logaddexp(table + weights[0], product + weights[1])


def pair_place(scores: Tensor, pair: tuple[int, int]) -> int:
    """Place of a pair in the ranking of ``(V, U)`` scores, 0 = first.

    Of equal scores the larger verb, then the larger noun, ranks first (see `functional.scores`).

    Raises:
        ValueError: If the pair is outside the scores, or a score is NaN.
    """
    verbs, nouns = scores.shape
    if not (0 <= pair[0] < verbs and 0 <= pair[1] < nouns):
        raise ValueError(
            f'pair_place wants a pair within {verbs} verbs and {nouns} nouns; got {tuple(pair)}. '
            'Check the annotation file and the numbers of classes.'
        )
    if scores.isnan().any():
        raise ValueError('pair_place wants scores without NaN. Look for a diverged loss.')
    flat, index = scores.flatten(), pair[0] * nouns + pair[1]
    return int((flat > flat[index]).sum() + (flat[index + 1 :] == flat[index]).sum())


def _check(logits: Tensor, pairs: Tensor, verbs: int, nouns: int) -> None:
    if pairs.shape != (logits.shape[-1], 2):
        raise ValueError(
            f'Wanted is one pair (verb, noun) for each of {logits.shape[-1]} logits; got pairs of '
            f'shape {tuple(pairs.shape)}. Take the list of the head that gave the logits.'
        )
    highest = pairs.amax(dim=0).tolist()
    if pairs.amin() < 0 or highest[0] >= verbs or highest[1] >= nouns:
        raise ValueError(
            f'Wanted are pairs within {verbs} verbs and {nouns} nouns; got ids from '
            f'{int(pairs.amin())} to {highest}. Set the numbers of classes to those of the list.'
        )
