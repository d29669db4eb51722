"""Late fusion by concatenation, the baseline of MIMO (Hou et al., 2023, Table 1).

Shapes: B = batch, C_m = channels of modality m, D = sum of C_m, M = modalities, P = channels of a
task's projection.
"""

import torch
from torch import nn
from torch.nn.functional import pad

from egomm.models.layers.channels import check_channels, check_in_channels
from egomm.models.layers.pooling import mean_pool, presence
from egomm.registry import MODELS
from egomm.structures import Stream


@MODELS.register_module()
class ConcatFusion(nn.Module):
    """Pool every modality and put the vectors side by side, as one feature for all tasks.

    Args:
        in_channels: Channels ``C_m`` by modality name, in the order of concatenation.
        projections: Channels ``P`` by task: one linear layer on the concatenation for each, whose
            output has the task's name. A control for what a task token adds beside parameters and
            a feature of its own.
    """

    def __init__(
        self, *, in_channels: dict[str, int], projections: dict[str, int] | None = None
    ) -> None:
        super().__init__()
        check_in_channels(type(self).__name__, in_channels)
        self.in_channels = dict(in_channels)
        total = sum(in_channels.values())
        self.projections = nn.ModuleDict(
            {task: nn.Linear(total, channels) for task, channels in (projections or {}).items()}
        )
        self.contributors = tuple(in_channels)

    def forward(self, streams: dict[str, Stream]) -> dict[str, Stream]:
        """Add ``'fused'`` ``(B, D)``, in which a missing modality is zeros, and its parts.

        ``'contributions'`` ``(B, D, M)`` holds each modality's block, zeros elsewhere; the sum
        over M is ``'fused'``. Its mask ``(B, M)`` says which modalities a sample has. Each task
        with a projection adds its own ``(B, P)``.
        """
        check_channels(type(self).__name__, self.in_channels, streams)
        used = [streams[name] for name in self.contributors]
        pooled = [mean_pool(stream) for stream in used]
        fused = torch.cat(pooled, dim=1)
        blocks, start = [], 0
        for x in pooled:
            blocks.append(pad(x, (start, fused.shape[1] - start - x.shape[1])))
            start += x.shape[1]
        present = presence(used)
        contributions = Stream(torch.stack(blocks, dim=-1), present)
        # A bias belongs to all modalities together: it goes when none is there.
        nothing = ~present.any(dim=1, keepdim=True)
        tasks = {
            task: Stream(linear(fused).masked_fill(nothing, 0.0))
            for task, linear in self.projections.items()
        }
        return {**streams, 'fused': Stream(fused), 'contributions': contributions, **tasks}
