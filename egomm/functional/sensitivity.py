"""Action sensitivity: how much a point near the middle or the ends of an action counts.

Source: Action Sensitivity Learning (Shao et al., 2023, arXiv:2305.15701 and 2306.09172) and its
code, github.com/JonnyS1226/ego4d_asl. Each class learns where in an action it looks.

Shapes: P = points, N = segments, C = classes.
"""

import torch
from torch import Tensor

DISTANCES = ('length', 'stride_length')
TINY = 1e-6  # a segment without length is taken as this long


def gaussian_sensitivity(
    points: Tensor,
    segments: Tensor,
    labels: Tensor,
    mu: Tensor,
    sigma: Tensor,
    distance: str = 'length',
) -> Tensor:
    """Weight of every point for every segment: ``exp(-(d - mu)^2 / (2 sigma^2))``.

    ``d`` is positive BEFORE the centre: ``(centre - t) / length`` within -0.5..0.5 inside the
    segment, as in the paper, or ``(centre - t) / (stride * length)`` as in the released code, where
    the Gaussian flattens from level to level. A ``mu`` of +0.5 with ``'length'`` is therefore
    the start of the action.

    Args:
        points: t, range min, range max, stride ``(P, 4)``.
        segments: (start, end) in the unit of ``t``, ``(N, 2)``.
        labels: Integer class of each segment ``(N,)``.
        mu: Centre of each class ``(C,)``.
        sigma: Width of each class ``(C,)``; its sign is of no importance.
        distance: ``'length'`` or ``'stride_length'``.

    Returns:
        ``(P, N)`` within 0..1, differentiable in ``mu`` and ``sigma``.

    Raises:
        ValueError: If the distance is unknown or the shapes do not belong together.
    """
    if distance not in DISTANCES:
        raise ValueError(
            f"gaussian_sensitivity wants distance 'length' (the paper) or 'stride_length' (the "
            f'released code); got {distance!r}.'
        )
    shapes = [tuple(value.shape) for value in (points, segments, labels, mu, sigma)]
    (classes,) = shapes[3] if len(shapes[3]) == 1 else (None,)
    if (
        shapes[0][1:] != (4,)
        or shapes[1] != (len(labels), 2)
        or shapes[2] != (len(labels),)
        or shapes[4] != (classes,)
    ):
        raise ValueError(
            'gaussian_sensitivity wants points (P, 4), segments (N, 2), labels (N,), mu (C,) and '
            f'sigma (C,); got {", ".join(map(str, shapes))}. Pass one video at a time.'
        )
    start, end = segments.unbind(1)
    length = (end - start).clamp(min=TINY)
    d = ((start + end) / 2 - points[:, :1]) / length
    if distance == 'stride_length':
        d = d / points[:, 3:]
    return torch.exp(-((d - mu[labels]) ** 2) / (2 * sigma[labels] ** 2))


def boundary_weight(first: Tensor, second: Tensor, h_cls: Tensor | None = None) -> Tensor:
    """Weight of the regression loss: the mean of the Gaussians at the two ends.

    Args:
        first: `gaussian_sensitivity` with the ``mu`` of one end, any shape.
        second: The same of the other end.
        h_cls: The weight of the classification loss, by which the released code multiplies;
            None leaves it out, as in the paper.

    Returns:
        Weights of that shape.
    """
    weight = (first + second) / 2
    return weight if h_cls is None else weight * h_cls


def mean_one(weights: Tensor, positive: Tensor) -> Tensor:
    """Scale weights so that they average to 1 over the positive points.

    Nothing else keeps a model from lowering its loss by lowering all weights. The mean is part of
    the graph, so only differences between points are left to learn.

    Args:
        weights: ``(P,)``, above 0.
        positive: ``(P,)`` bool. What stands elsewhere is not read.

    Returns:
        ``(P,)``, 1 at points that are not positive.

    Raises:
        ValueError: If ``positive`` is not bool or has another shape.
    """
    if positive.dtype != torch.bool or positive.shape != weights.shape:
        raise ValueError(
            f'mean_one wants weights and a bool mask of the same shape; got '
            f'{tuple(weights.shape)} and {positive.dtype} {tuple(positive.shape)}. Mark the points '
            'with a segment.'
        )
    kept = torch.where(positive, weights, 0)
    mean = kept.sum() / positive.sum().clamp(min=1)
    # Widths that shrank to nothing give weights that are all 0, which no factor repairs.
    scale = torch.where(mean > 0, 1 / torch.where(mean > 0, mean, 1), 0)
    return torch.where(positive, weights * scale, 1)
