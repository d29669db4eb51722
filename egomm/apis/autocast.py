"""Mixed precision on a machine without CUDA."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from torch import nn


class BFloat16OptimWrapper(OptimWrapper):
    """Run the forward pass under bfloat16 autocast on the CPU.

    MMEngine's ``AmpOptimWrapper`` wants an accelerator. bfloat16 has the range of float32, so
    no loss is scaled.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Surround the forward pass."""
        with super().optim_context(model), torch.autocast('cpu', torch.bfloat16):
            yield
