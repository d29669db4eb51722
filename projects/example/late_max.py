"""A neck in fifteen lines: per channel, the strongest modality."""

import torch
from torch import nn

from egomm.models.layers.pooling import mean_pool
from egomm.registry import MODELS
from egomm.structures import Stream


@MODELS.register_module()
class LateMax(nn.Module):
    """Keep, per channel, the largest of the pooled modalities. All need equal channels."""

    def forward(self, streams: dict[str, Stream]) -> dict[str, Stream]:
        """Add ``'fused'`` of shape ``(B, C)``."""
        pooled = [mean_pool(stream) for stream in streams.values()]
        return {**streams, 'fused': Stream(torch.stack(pooled).amax(dim=0))}
