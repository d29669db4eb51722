"""How far two tasks pull a shared network apart.

Source: Figure 1 of "Towards Better Egocentric Action Understanding in a Multi-Input Multi-Output
View" shows the conflict as distances between features; the cosine of two tasks' gradients is
that of gradient surgery (Yu et al., 2020, arXiv:2001.06782).

Shapes: N = clips, C = channels.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


def gradient_cosine(first: Sequence[Tensor | None], second: Sequence[Tensor | None]) -> Tensor:
    """Cosine of the angle between two gradients, each a list over the same parameters.

    Args:
        first: One tensor a parameter; None where the loss does not depend on it, which is zeros.
        second: The same for the other loss.

    Returns:
        A float64 scalar: 1 the same direction, 0 unrelated, below 0 in conflict; NaN if either
        gradient is zero.

    Raises:
        ValueError: If the lists differ in length or in the shape of a tensor.
    """
    shapes = [
        [None if gradient is None else tuple(gradient.shape) for gradient in gradients]
        for gradients in (first, second)
    ]
    if len(first) != len(second) or any(
        None not in pair and pair[0] != pair[1] for pair in zip(*shapes)
    ):
        raise ValueError(
            'gradient_cosine wants two lists of gradients of the same parameters; got the shapes '
            f'{shapes[0][:4]} and {shapes[1][:4]} ({len(first)} and {len(second)} in all). Take '
            'both from one list of parameters.'
        )
    product, lengths = torch.zeros((), dtype=torch.float64), []
    for a, b in zip(first, second):
        if a is not None and b is not None:
            product = product + (a.double() * b.double()).sum().cpu()
    for gradients in (first, second):
        squares = [g.double().square().sum().cpu() for g in gradients if g is not None]
        lengths.append(sum(squares, torch.zeros((), dtype=torch.float64)).sqrt())
    return (product / (lengths[0] * lengths[1])).clamp(-1, 1)


def pair_distance(features: Tensor, same: Tensor, other: Tensor) -> Tensor:
    """Mean distance of clips that share one label and differ in another, relative to any two.

    The mean Euclidean distance of the pairs with equal ``same`` and different ``other`` label,
    divided by that of all pairs. A shift or a scale of the features changes nothing, so models can
    be compared: 1 is as far apart as any two clips, 0 is the same place.

    Args:
        features: ``(N, C)``.
        same: Integer labels ``(N,)`` that have to be equal, for example verbs.
        other: Integer labels ``(N,)`` that have to differ, for example nouns.

    Returns:
        A scalar; NaN if there is no such pair, or all features are equal.

    Raises:
        ValueError: If the shapes do not belong together.
    """
    count = (features.shape[0],) if features.dim() == 2 else None
    if count is None or same.shape != count or other.shape != count:
        raise ValueError(
            'pair_distance wants features (N, C) and two labels (N,); got '
            f'{tuple(features.shape)}, {tuple(same.shape)} and {tuple(other.shape)}. Pool the '
            'features to one vector a clip.'
        )
    dtype = torch.promote_types(features.dtype, torch.float32)
    # Without matrix products, whose rounding would make equal features differ.
    distances = torch.cdist(
        features.to(dtype), features.to(dtype), compute_mode='donot_use_mm_for_euclid_dist'
    )
    upper = torch.ones_like(distances, dtype=torch.bool).triu(diagonal=1)
    pairs = upper & (same[:, None] == same) & (other[:, None] != other)
    return distances[pairs].mean() / distances[upper].mean()
