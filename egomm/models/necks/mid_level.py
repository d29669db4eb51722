"""Mid-level fusion of TBN (Kazakos et al., 2019, arXiv:1908.08498), a row of MIMO's Table 1.

Shapes: B = batch, D = fused channels.
"""

import torch
from torch import nn

from egomm.models.layers.channels import check_channels, check_in_channels
from egomm.models.layers.pooling import mean_pool, presence
from egomm.registry import MODELS
from egomm.structures import Stream


@MODELS.register_module()
class MidLevelFusion(nn.Module):
    """Pool every modality, concatenate, and mix them in one hidden layer.

    The dropout that TBN has before its classifiers is here, so give the heads ``dropout=0.0``.

    Args:
        in_channels: Channels by modality name, in the order of concatenation.
        out_channels: Hidden units ``D``.
        dropout: Dropout of the hidden units.
    """

    def __init__(
        self, *, in_channels: dict[str, int], out_channels: int = 512, dropout: float = 0.5
    ) -> None:
        super().__init__()
        check_in_channels(type(self).__name__, in_channels)
        self.in_channels = dict(in_channels)
        self.linear = nn.Linear(sum(in_channels.values()), out_channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, streams: dict[str, Stream]) -> dict[str, Stream]:
        """Add ``'fused'`` ``(B, D)``; zeros for a sample without any modality."""
        check_channels(type(self).__name__, self.in_channels, streams)
        used = [streams[name] for name in self.in_channels]
        pooled = torch.cat([mean_pool(stream) for stream in used], dim=1)
        hidden = self.dropout(self.linear(pooled).relu())
        # The bias belongs to all modalities together: it goes when none is there.
        nothing = ~presence(used).any(dim=1, keepdim=True)
        return {**streams, 'fused': Stream(hidden.masked_fill(nothing, 0.0))}
