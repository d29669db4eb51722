"""Points from heat maps by differentiable means (DSNT: Nibali et al., 2018, arXiv:1801.07372).

Axes of a map are (row, column); points are (x, y), column first. Normalised coordinates reach from
-1 to 1 over the image, so the centre of cell i of n lies at ``(2 i + 1) / n - 1``::

    n = 4:   -1 |  -3/4  |  -1/4  |  1/4  |  3/4  | 1

A mean of cell centres cannot get closer to the border than the outermost centre: with 7 cells it
stays within 6/7. kornia's functions of the same name put the outermost centres at -1 and 1.

Every function keeps the dtype. Half precision cannot hold the constant that guards the logarithm:
compute in float32 or float64.

Shapes: H, W = rows and columns of a map.
"""

import torch
from torch import Tensor

_TINY = 1e-24  # keeps the logarithm of an empty cell finite


def spatial_softmax(logits: Tensor) -> Tensor:
    """Softmax over rows and columns.

    Args:
        logits: ``(..., H, W)``.

    Returns:
        Heat maps of the same shape, each of which sums to 1.

    Raises:
        ValueError: If the input has fewer than two dimensions.
    """
    _check_map('spatial_softmax', logits)
    return logits.flatten(-2).softmax(dim=-1).reshape(logits.shape)


def expectation(heatmap: Tensor) -> Tensor:
    """Mean position of each heat map.

    Args:
        heatmap: Non-negative maps ``(..., H, W)`` that sum to 1 over H and W.

    Returns:
        Normalised x and y, ``(..., 2)``.

    Raises:
        ValueError: If the input has fewer than two dimensions.
    """
    _check_map('expectation', heatmap)
    height, width = heatmap.shape[-2:]
    x = (heatmap.sum(dim=-2) * cell_centres(width, heatmap)).sum(dim=-1)
    y = (heatmap.sum(dim=-1) * cell_centres(height, heatmap)).sum(dim=-1)
    return torch.stack([x, y], dim=-1)


def gaussian(mean: Tensor, size: tuple[int, int], sigma: float) -> Tensor:
    """Bell around each point, the wanted heat map.

    Of a point outside the image the map shows the part of the bell that reaches the image, scaled
    up to sum to 1, which is most of it in the nearest cells.

    Args:
        mean: Normalised x and y, ``(..., 2)``.
        size: H and W.
        sigma: Standard deviation in cells.

    Returns:
        ``(..., H, W)``, each summing to 1.

    Raises:
        ValueError: If the last axis is not x and y, or ``sigma`` is not above 0.
    """
    if mean.dim() < 1 or mean.shape[-1] != 2 or not sigma > 0:
        raise ValueError(
            f'gaussian wants means (..., 2) as x and y, and sigma > 0 cells; got '
            f'{tuple(mean.shape)} and {sigma}.'
        )
    # The bell is a product over the axes, and a softmax is the quotient that cannot underflow.
    rows, columns = (
        (-((cell_centres(cells, mean) - centre[..., None]) * cells / sigma).square() / 8).softmax(
            -1
        )
        for cells, centre in zip(size, (mean[..., 1], mean[..., 0]))
    )
    return rows[..., :, None] * columns[..., None, :]


def js_divergence(p: Tensor, q: Tensor) -> Tensor:
    """Jensen-Shannon divergence of heat maps: 0 for equal ones, at most ln 2.

    Args:
        p: ``(..., H, W)``, each map summing to 1.
        q: The same.

    Returns:
        Nats, ``(...)``.

    Raises:
        ValueError: If the shapes differ or have fewer than two dimensions.
    """
    _check_map('js_divergence', p)
    if p.shape != q.shape:
        raise ValueError(
            f'js_divergence wants two maps of the same shape; got {tuple(p.shape)} and '
            f'{tuple(q.shape)}. Make the target with the size of the prediction.'
        )
    middle = (p + q) / 2
    return (_kl_divergence(p, middle) + _kl_divergence(q, middle)) / 2


def cell_centres(cells: int, like: Tensor) -> Tensor:
    """Normalised coordinates of the centres ``(cells,)``, of the dtype and device of ``like``."""
    return (2 * torch.arange(cells, dtype=like.dtype, device=like.device) + 1) / cells - 1


def _kl_divergence(p: Tensor, q: Tensor) -> Tensor:
    return (p * ((p + _TINY).log() - (q + _TINY).log())).sum(dim=(-2, -1))


def _check_map(name: str, values: Tensor) -> None:
    if values.dim() < 2:
        raise ValueError(f'{name} wants maps (..., H, W); got {tuple(values.shape)}.')
