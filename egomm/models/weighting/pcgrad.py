"""Take the conflicts out of the tasks' gradients (PCGrad).

Source: Yu et al., "Gradient Surgery for Multi-Task Learning" (2020, arXiv:2001.06782). The
projections are in ``egomm.functional.gradients``.
"""

from collections.abc import Sequence

import torch
from mmengine import dist
from torch import Tensor, nn

from egomm.functional.gradients import (
    cosines,
    inner_products,
    task_gradients,
    without_conflicts,
)
from egomm.registry import MODELS


@MODELS.register_module()
class PCGrad(nn.Module):
    """Give the shared parameters the sum of the projected gradients, the heads their own.

    It acts on the loss, so any optimizer wrapper takes it: a term of value 0 is added whose
    gradient is the difference between the projected and the plain sum. Gradients of several
    processes are averaged before they are projected; those of accumulated micro-batches are
    projected one batch at a time.

    It costs a backward pass a task through the shared parameters beside the usual one, and a copy
    of their gradients a task. In float16 the additional passes have a loss scale of their own,
    and repeat with a smaller one where gradients overflow.
    """

    def forward(
        self, losses: dict[str, Tensor], shared: Sequence[Tensor]
    ) -> tuple[dict[str, float], dict[str, Tensor]]:
        """Factors of 1; the additional ``loss``, and ``conflicts``, percent of the task pairs.

        Args:
            losses: Scalars by task.
            shared: The parameters that they share, of any shapes.
        """
        factors = dict.fromkeys(losses, 1.0)
        if not torch.is_grad_enabled():
            return factors, {}
        gradients = task_gradients(list(losses.values()), shared)
        gram = inner_products(gradients)
        order = torch.rand(gram.shape).argsort(dim=1)
        dist.broadcast(order)
        change = ((without_conflicts(gram, order) - 1)[:, None] * gradients).sum(dim=0)
        term = (torch.cat([parameter.flatten() for parameter in shared]) * change).sum()
        above = torch.triu(torch.ones_like(gram), diagonal=1) > 0
        conflicts = (cosines(gram)[above] < 0).float().mean() * 100
        scalars = dict(loss=term - term.detach())
        return factors, scalars if len(losses) < 2 else dict(scalars, conflicts=conflicts)
