"""Gated fusion: GMU (Arevalo et al., 2017, arXiv:1702.01992), a row of MIMO's Table 1.

Shapes: B = batch, C_m = channels of modality m, M = modalities, D = fused channels.
"""

import torch
from torch import Tensor, nn

from egomm.models.layers.channels import check_channels, check_in_channels
from egomm.models.layers.pooling import mean_pool, presence
from egomm.registry import MODELS
from egomm.structures import Stream

GATES = ('all_inputs', 'own_and_rest', 'tied', 'tied_projections')


@MODELS.register_module()
class GatedFusion(nn.Module):
    """Sum of tanh-projected modalities, each weighted by a learned gate.

    With ``h_m = tanh(W_m x_m)`` of the pooled ``x_m`` and gates ``z`` after a sigmoid, ``gate``
    chooses what the gates see and how they weigh:

    * ``'all_inputs'``: GMU for any number of modalities. Every gate sees all ``x``; the result
      is the sum of ``z_m h_m``. The gates are independent, so a silent audio track can close
      itself without closing the others.
    * ``'own_and_rest'``: as in TBN's code. Gate m sees ``x_m`` and the sum of the other ``x``;
      ``1 - z_m`` weighs the sum of the other ``h``. All modalities need equal channels.
    * ``'tied'``: GMU for two modalities as published. One gate sees both ``x``; the result is
      ``z h_1 + (1 - z) h_2``.
    * ``'tied_projections'``: as in GMU's code. As ``'tied'``, but the gate sees ``W_1 x_1`` and
      ``W_2 x_2``.

    The publication has no biases. Ours (TBN's code has them) start at zero.

    Of a missing modality the gates see zeros, and its term is left out.

    Args:
        in_channels: Channels ``C_m`` by modality name, in the order in which gates see them.
        out_channels: Channels ``D`` of ``'fused'``.
        gate: One of the above.

    Raises:
        ValueError: If ``gate`` is none of these or does not fit ``in_channels``.
    """

    def __init__(
        self, *, in_channels: dict[str, int], out_channels: int, gate: str = 'all_inputs'
    ) -> None:
        super().__init__()
        check_in_channels(type(self).__name__, in_channels)
        channels = list(in_channels.values())
        if gate not in GATES:
            raise ValueError(f'GatedFusion wants a gate of {list(GATES)}; got {gate!r}.')
        if gate.startswith('tied') and len(channels) != 2:
            raise ValueError(
                f'gate={gate!r} shares one gate between two modalities; got {list(in_channels)}. '
                "Use gate='all_inputs'."
            )
        if gate == 'own_and_rest' and len(set(channels)) > 1:
            raise ValueError(
                f'gate={gate!r} adds modalities up, which need equal channels; got '
                f"in_channels={dict(in_channels)}. Use gate='all_inputs'."
            )
        self.in_channels = dict(in_channels)
        self.gate = gate
        self.projections = nn.ModuleDict(
            {name: nn.Linear(count, out_channels) for name, count in in_channels.items()}
        )
        seen = {'own_and_rest': 2 * channels[0], 'tied_projections': 2 * out_channels}
        self.gates = nn.ModuleDict(
            {
                name: nn.Linear(seen.get(gate, sum(channels)), out_channels)
                for name in list(in_channels)[: 1 if gate.startswith('tied') else None]
            }
        )
        for linear in (*self.projections.values(), *self.gates.values()):
            nn.init.zeros_(linear.bias)

    def forward(self, streams: dict[str, Stream]) -> dict[str, Stream]:
        """Add ``'fused'`` ``(B, D)``; zeros for a sample without any modality."""
        check_channels(type(self).__name__, self.in_channels, streams)
        used = [streams[name] for name in self.in_channels]
        present = presence(used)[..., None]
        pooled = [mean_pool(stream) for stream in used]
        projected = torch.stack(
            [linear(x) for linear, x in zip(self.projections.values(), pooled)], dim=1
        )
        # A projection's bias must not stand in for what is missing. tanh(0) is 0.
        projected = projected.masked_fill(~present, 0.0)
        hidden = projected.tanh()
        gates = self._gates(pooled, projected)
        terms = gates * hidden
        if self.gate == 'own_and_rest':
            rest = hidden.sum(dim=1, keepdim=True) - hidden
            terms = terms + ((1 - gates) * rest).masked_fill(~present, 0.0)
        return {**streams, 'fused': Stream(terms.sum(dim=1))}

    def _gates(self, pooled: list[Tensor], projected: Tensor) -> Tensor:
        """The weights of the modalities in each channel, ``(B, M, D)``."""
        if self.gate == 'own_and_rest':
            total = torch.stack(pooled).sum(dim=0)
            seen = [torch.cat([x, total - x], dim=1) for x in pooled]
        elif self.gate == 'tied_projections':
            seen = [projected.flatten(1)]
        else:
            seen = [torch.cat(pooled, dim=1)] * len(self.gates)
        gates = [linear(x).sigmoid() for linear, x in zip(self.gates.values(), seen)]
        if self.gate.startswith('tied'):
            gates.append(1 - gates[0])
        return torch.stack(gates, dim=1)
