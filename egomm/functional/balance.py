"""On-the-fly gradient modulation: slow the modality that learns faster than the others.

Source: Peng et al. (2022), "Balanced Multimodal Learning via On-the-fly Gradient Modulation",
arXiv:2203.15332 (OGM, and OGM-GE with noise), and the authors' code GeWu-Lab/OGM-GE_CVPR2022 for
two modalities. More than two: the mean of the pairwise ratios, as they advise in its issue 16.

Shapes: B = batch, M = modalities, D = fused channels, K = classes.
"""

import torch
from torch import Tensor

RATIOS = ('mean_of_pairwise', 'score_over_mean_of_others')


def unimodal_logits(contributions: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """What a linear classifier of the fused feature says of each modality alone.

    Args:
        contributions: ``(B, D, M)``; their sum over M is the fused feature.
        weight: ``(K, D)`` of the classifier.
        bias: ``(K,)`` of the classifier; every modality gets the M-th part of it.

    Returns:
        ``(B, M, K)``; their sum over M are the classifier's logits.
    """
    return torch.einsum('bdm,kd->bmk', contributions, weight) + bias / contributions.shape[-1]


def score_ratios(scores: Tensor, ratio: str = 'mean_of_pairwise') -> Tensor:
    """How far each modality is ahead of the others; above 1 is ahead.

    Args:
        scores: Probability of the true class ``(M,)``, M > 1, as sums or as means: a common factor
            changes nothing.
        ratio: 'mean_of_pairwise' is the mean over j of ``s_i / s_j``, 'score_over_mean_of_others'
            is ``s_i`` over the mean of the ``s_j``. For two modalities both are ``s_i / s_j``.

    Returns:
        ``(M,)``. A score of 0 counts as the smallest positive number, so two zeros are equal.

    Raises:
        ValueError: If ``ratio`` is another word, or there are fewer than two scores.
    """
    if ratio not in RATIOS:
        raise ValueError(
            f'score_ratios wants ratio to be one of {list(RATIOS)}; got {ratio!r}. They '
            'differ for three or more modalities only.'
        )
    if scores.dim() != 1 or len(scores) < 2:
        raise ValueError(
            f'score_ratios wants scores (M,) of two or more modalities; got {tuple(scores.shape)}. '
            'One modality needs no balance.'
        )
    scores = scores.clamp(min=torch.finfo(scores.dtype).tiny)
    others = len(scores) - 1
    if ratio == 'mean_of_pairwise':
        return (scores[:, None] / scores).fill_diagonal_(0).sum(dim=1) / others
    return scores * others / scores.expand(len(scores), -1).clone().fill_diagonal_(0).sum(dim=1)


def modulation_coefficients(
    scores: Tensor,
    alpha: float,
    mask: Tensor | None = None,
    ratio: str = 'mean_of_pairwise',
) -> Tensor:
    """Factor for the gradients of each modality's encoder.

    ``1 - tanh(alpha * ratio)`` for a ratio above 1, else 1. Of two modalities exactly one is
    slowed, the second one if they are equal, as in the authors' code.

    Args:
        scores: Probability of the true class ``(M,)``, as in `score_ratios`.
        alpha: Strength, above 0.
        mask: ``(M,)`` bool, True where a score was measured. The others get 1 and are not compared
            with. None means all.
        ratio: As in `score_ratios`.

    Returns:
        ``(M,)`` in 0..1; all 1 if fewer than two scores were measured.
    """
    coefficients = torch.ones_like(scores)
    mask = torch.ones_like(scores, dtype=torch.bool) if mask is None else mask
    if mask.sum() < 2:
        return coefficients
    ratios = score_ratios(scores[mask], ratio)
    ahead = ratios > 1
    if len(ratios) == 2:
        ahead[1] = ~ahead[0]
    coefficients[mask] = torch.where(ahead, 1 - torch.tanh(alpha * ratios), 1)
    return coefficients


def modulate_gradient_(
    gradient: Tensor, coefficient: float, generator: torch.Generator | None = None
) -> None:
    """Scale a gradient in place; with a generator, add OGM-GE's noise as well.

    The noise is normal with the standard deviation that the gradient had before it was scaled,
    plus 1e-8. (A gradient of one element has none.)

    Args:
        gradient: Of any shape.
        coefficient: The modality's factor.
        generator: Source of the noise, on the gradient's device.
    """
    if generator is None:
        gradient.mul_(coefficient)
        return
    spread = gradient.std() if gradient.numel() > 1 else gradient.new_zeros(())
    noise = torch.empty_like(gradient).normal_(generator=generator)
    gradient.mul_(coefficient).add_(noise.mul_(spread + 1e-8))
