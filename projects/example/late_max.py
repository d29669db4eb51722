"""A neck: per channel, the strongest modality.

Shapes: B = batch, C = channels, M = modalities.
"""

import torch
from torch import nn

from egomm.models.layers.pooling import mean_pool, presence
from egomm.registry import MODELS
from egomm.structures import Stream


@MODELS.register_module()
class LateMax(nn.Module):
    """Keep, per channel, the largest of the pooled modalities. All need equal channels."""

    def forward(self, streams: dict[str, Stream]) -> dict[str, Stream]:
        """Add ``'fused'`` of shape ``(B, C)``, in which a missing modality has no say."""
        pooled = torch.stack([mean_pool(stream) for stream in streams.values()], dim=-1)
        missing = ~presence(streams.values())[:, None]  # (B, 1, M)
        fused = pooled.masked_fill(missing, float('-inf')).amax(dim=-1)
        return {**streams, 'fused': Stream(fused)}
