"""Late fusion by summation (MIMO, Hou et al., 2023, Table 1).

Shapes: B = batch, D = fused channels, M = modalities.
"""

import torch
from torch import nn

from egomm.models.layers.channels import check_channels, check_in_channels
from egomm.models.layers.pooling import mean_pool, presence
from egomm.registry import MODELS
from egomm.structures import Stream


@MODELS.register_module()
class SumFusion(nn.Module):
    """Pool every modality and add the vectors up, as one feature for all tasks.

    Args:
        in_channels: Channels by modality name. A modality whose channels differ from
            ``out_channels`` gets a linear projection.
        out_channels: Channels ``D`` of ``'fused'``.
    """

    def __init__(self, *, in_channels: dict[str, int], out_channels: int) -> None:
        super().__init__()
        check_in_channels(type(self).__name__, in_channels)
        self.in_channels = dict(in_channels)
        self.contributors = tuple(in_channels)
        self.projections = nn.ModuleDict(
            {
                name: nn.Identity()
                if channels == out_channels
                else nn.Linear(channels, out_channels)
                for name, channels in in_channels.items()
            }
        )

    def forward(self, streams: dict[str, Stream]) -> dict[str, Stream]:
        """Add ``'fused'`` ``(B, D)`` and its terms, ``'contributions'`` ``(B, D, M)``.

        A missing modality's term is zero; the mask ``(B, M)`` of the terms says which are there.
        """
        check_channels(type(self).__name__, self.in_channels, streams)
        used = [streams[name] for name in self.contributors]
        present = presence(used)
        pairs = zip(self.contributors, used)
        terms = torch.stack(
            [self.projections[name](mean_pool(stream)) for name, stream in pairs], dim=-1
        )
        # Again after the projection, whose bias would be left of a missing modality.
        terms = terms.masked_fill(~present[:, None], 0.0)
        return {
            **streams,
            'fused': Stream(terms.sum(dim=-1)),
            'contributions': Stream(terms, present),
        }
