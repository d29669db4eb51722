"""Gradients of several tasks at the parameters that they share, and the conflicts among them.

Source: Yu et al., "Gradient Surgery for Multi-Task Learning" (2020, arXiv:2001.06782).

Shapes: K = tasks, P = shared parameters, all numbers of them in a row.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch import distributed as dist

_SCALES = (2.0**16, 2.0**8, 1.0)  # of losses; the first one is where torch's GradScaler starts


def task_gradients(losses: Sequence[Tensor], parameters: Sequence[Tensor]) -> Tensor:
    """Gradient of each loss at the parameters; the graph stays for the backward pass to come.

    Nothing is added to ``grad``, and no hook of the parameters runs. It costs a backward pass a
    task. Of several processes it is the mean, so every process must call it equally often.

    float16 within the graph cannot hold small gradients, so the losses are scaled on the way, by
    as much as the gradients stay finite. The factor is a power of 2, which float32 takes without
    rounding.

    Args:
        losses: K scalars with a graph.
        parameters: Which the gradients are taken at; one that a loss does not use has zeros.

    Returns:
        ``(K, P)``.

    Raises:
        ValueError: If there is no loss or no parameter.
    """
    if not losses or not parameters:
        raise ValueError(
            f'task_gradients wants losses and the parameters that they share; got {len(losses)} '
            f'and {len(parameters)}. Is every backbone frozen?'
        )
    for scale in _SCALES:
        rows = []
        for loss in losses:
            parts = torch.autograd.grad(
                loss * scale, parameters, retain_graph=True, allow_unused=True
            )
            filled = [p.new_zeros(p.shape) if g is None else g for g, p in zip(parts, parameters)]
            rows.append(torch.cat([part.flatten() for part in filled]))
        gradients = torch.stack(rows)
        if dist.is_available() and dist.is_initialized():
            dist.all_reduce(gradients)
            gradients /= dist.get_world_size()
        if gradients.isfinite().all():  # the same in all processes
            break
    return gradients / scale


def inner_products(gradients: Tensor) -> Tensor:
    """Of all pairs of ``(K, P)``: ``(K, K)``, without a matrix product, which autocast rounds."""
    return torch.stack([(gradients * row).sum(dim=1) for row in gradients])


def without_conflicts(gram: Tensor, order: Tensor) -> Tensor:
    """Weights of the tasks' gradients in the sum of what PCGrad makes of them.

    Of each gradient the part that points against another task's gradient is taken away, one task
    after another; the others' gradients are the original ones. What is left are combinations of
    the K gradients, so their inner products say all.

    Args:
        gram: Inner products of the gradients ``(K, K)``.
        order: ``(K, K)`` integers; row i is the order in which task i meets the tasks. Task i
            itself in that row is skipped.

    Returns:
        ``(K,)``; all 1 without conflicts.

    Raises:
        ValueError: If the two are not square and alike.
    """
    count = len(gram)
    if gram.shape != (count, count) or order.shape != gram.shape:
        raise ValueError(
            f'without_conflicts wants two matrices (K, K); got {tuple(gram.shape)} and '
            f'{tuple(order.shape)}.'
        )
    left = torch.eye(count, dtype=gram.dtype, device=gram.device)
    for task, others in enumerate(order.tolist()):
        for other in others:
            product = left[task] @ gram[:, other]
            if other != task and product < 0:
                left[task, other] -= product / gram[other, other]
    return left.sum(dim=0)


def cosines(gram: Tensor) -> Tensor:
    """Cosines between gradients from their inner products ``(K, K)``; 0 where one is zero."""
    norms = gram.diagonal().clamp(min=0).sqrt()
    scale = norms[:, None] * norms
    return torch.where(scale > 0, gram / scale, torch.zeros_like(gram))
