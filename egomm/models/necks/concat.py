"""Late fusion by concatenation, the baseline of MIMO (Hou et al., 2023, Table 1).

Shapes: B = batch, C_m = channels of modality m.
"""

import torch
from torch import nn

from egomm.models.layers.channels import check_channels
from egomm.models.layers.pooling import mean_pool
from egomm.registry import MODELS
from egomm.structures import Stream


@MODELS.register_module()
class ConcatFusion(nn.Module):
    """Pool every modality and put the vectors side by side, as one feature for all tasks.

    Args:
        in_channels: Channels ``C_m`` by modality name, in the order of concatenation.
    """

    def __init__(self, *, in_channels: dict[str, int]) -> None:
        super().__init__()
        self.in_channels = dict(in_channels)

    def forward(self, streams: dict[str, Stream]) -> dict[str, Stream]:
        """Add ``'fused'`` of shape ``(B, sum of C_m)``; a missing modality is zeros in it."""
        check_channels(type(self).__name__, self.in_channels, streams)
        pooled = [mean_pool(streams[name]) for name in self.in_channels]
        return {**streams, 'fused': Stream(torch.cat(pooled, dim=1))}
