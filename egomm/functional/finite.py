"""Numbers that are none: which tensors hold NaN or infinity."""

from collections.abc import Iterable

import torch
from torch import Tensor


class NonFiniteError(ValueError):
    """A loss or a gradient is NaN or infinite; nothing has been updated by the step."""


def non_finite(named: Iterable[tuple[str, Tensor]]) -> list[str]:
    """Names of the tensors that hold NaN or infinity, found with one transfer from the device.

    Args:
        named: Floating-point tensors of any shape with their names, all on one device.

    Returns:
        Names in the order given.
    """
    pairs = list(named)
    if not pairs:
        return []
    # NaN and infinity stay what they are in a sum of absolute values.
    sums = torch.stack([tensor.detach().abs().sum(dtype=torch.float32) for _, tensor in pairs])
    finite = sums.isfinite().tolist()
    return [name for (name, _), fine in zip(pairs, finite) if not fine]
