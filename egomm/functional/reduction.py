"""Means over the labelled samples of all processes.

Under DistributedDataParallel every process holds a part of the batch, and the gradients of the
processes are averaged. Were each loss divided by the local number of labels, a label would weigh
more on a process that has few of them; dividing by the global number keeps them equal.
"""

import torch
from torch import Tensor
from torch import distributed as dist


def global_mean(values: Tensor, mask: Tensor) -> Tensor:
    """This process's part of the mean over all unmasked values of all processes.

    ``sum(values[mask]) * processes / global count``: the average over the processes is the mean
    that one process with the whole batch would compute, and so is the gradient that
    DistributedDataParallel averages. Every process must call it equally often, also with nothing
    unmasked. Without ``torch.distributed`` it is the plain masked mean.

    Args:
        values: One value for each sample ``(B,)``, or several ``(B, M)`` whose means are taken
            apart. What stands at masked places is never read and gets gradient 0; NaN is
            allowed there.
        mask: Bool of the same shape, True where the value counts.

    Returns:
        A scalar, or ``(M,)``; float32 for half-precision values. 0 (with a graph) if nothing
        counts anywhere.

    Raises:
        ValueError: If ``mask`` is not bool or has another shape than ``values``.
    """
    if values.dim() not in (1, 2) or mask.shape != values.shape or mask.dtype != torch.bool:
        raise ValueError(
            f'global_mean wants values (B,) or (B, M) and a bool mask alike; got '
            f'{tuple(values.shape)} and {mask.dtype} {tuple(mask.shape)}. Reduce a loss to one '
            'value per sample first.'
        )
    count = mask.sum(dim=0)
    processes = 1
    if dist.is_available() and dist.is_initialized():
        dist.all_reduce(count)
        processes = dist.get_world_size()
    dtype = torch.promote_types(values.dtype, torch.float32)
    total = torch.where(mask, values, 0).sum(dim=0, dtype=dtype)
    return total * processes / count.clamp(min=1)
