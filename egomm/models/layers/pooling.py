"""Average pooling that knows what is real."""

from torch import Tensor

from egomm.structures import Stream


def mean_pool(stream: Stream) -> Tensor:
    """Mean over time and space of what is real.

    Args:
        stream: ``(B, C)`` or ``(B, C, T, ...)``, with a mask ``(B,)`` or ``(B, T)`` or none.

    Returns:
        ``(B, C)``; zeros for a sample with nothing real.
    """
    x, mask = stream.x, stream.mask
    if mask is not None and mask.dim() == 2:
        x = x.flatten(3).mean(dim=3) if x.dim() > 3 else x
        x = x.masked_fill(~mask[:, None], 0.0)
        return x.sum(dim=2) / mask.sum(dim=1, keepdim=True).clamp(min=1)
    x = x.flatten(2).mean(dim=2) if x.dim() > 2 else x
    return x if mask is None else x.masked_fill(~mask[:, None], 0.0)
