"""Mixed precision on a machine without CUDA."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.optim import OptimWrapper
from torch import nn


class BFloat16OptimWrapper(OptimWrapper):
    """Run the forward pass under bfloat16 autocast on the CPU.

    MMEngine's ``AmpOptimWrapper`` wants an accelerator. bfloat16 has the range of float32, so
    no loss is scaled, and a gradient that is not finite is no step to be skipped but an error.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Surround the forward pass."""
        with super().optim_context(model), torch.autocast('cpu', torch.bfloat16):
            yield

    def step(self, **kwargs: Any) -> None:
        """Clip the gradients if told so, and update.

        Raises:
            ValueError: If a gradient is not finite; nothing is updated then.
        """
        gradients = [
            parameter.grad
            for group in self.optimizer.param_groups
            for parameter in group['params']
            if parameter.grad is not None
        ]
        broken = sum(not gradient.isfinite().all() for gradient in gradients)
        if broken:
            raise ValueError(
                f'{broken} of {len(gradients)} gradients are not finite in bfloat16; nothing was '
                'updated by this step. Lower the learning rate, or train without --amp.'
            )
        super().step(**kwargs)
