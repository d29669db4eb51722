"""Sequences with padding: convolutions and norms that keep it at zero.

Shapes: B = batch, C = channels, T = steps.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm, linear

from egomm.structures import Stream


def step_mask(stream: Stream) -> Tensor:
    """The mask of a stream ``(B, C, T)`` a step, ``(B, T)``; a missing sample has no real step."""
    x, mask = stream.x, stream.mask
    if mask is None:
        return x.new_ones((x.shape[0], x.shape[2]), dtype=torch.bool)
    return mask if mask.dim() == 2 else mask[:, None].expand(-1, x.shape[2])


def masked(x: Tensor, mask: Tensor) -> Tensor:
    """``x`` ``(B, C, T)`` with zeros where ``mask`` ``(B, T)`` is False."""
    return x.masked_fill(~mask[:, None], 0.0)


def readable(mask: Tensor) -> Tensor:
    """The mask of keys ``(B, T)``, all True for a sample with nothing real.

    A softmax over nothing is NaN. What such a sample reads is masked afterwards.
    """
    return mask | ~mask.any(dim=1, keepdim=True)


def zero_biases(module: nn.Module) -> None:
    """Set the biases of all linear layers and convolutions to zero, as ActionFormer does."""
    for part in module.modules():
        if isinstance(part, (nn.Linear, nn.Conv1d)) and part.bias is not None:
            nn.init.zeros_(part.bias)


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of ``(B, C, T)``."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise every step of ``(B, C, T)``."""
        return layer_norm(x.mT, self.normalized_shape, self.weight, self.bias, self.eps).mT


class Pointwise(nn.Conv1d):
    """Convolution over one step of ``(B, C, T)``, as one matrix product over the channels.

    Norms and other such layers leave the channels of a step side by side in memory, and so does
    this one; a convolution would copy them apart.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, C_in, T)`` to ``(B, C_out, T)``."""
        return linear(x.mT, self.weight.squeeze(2), self.bias).mT


class ConvNormRelu(nn.Module):
    """Convolution over three steps, norm and ReLU; padding stays zero.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(in_channels, out_channels, 3, padding=1, bias=False)
        self.norm = ChannelNorm(out_channels)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Map ``(B, C_in, T)`` to ``(B, C, T)``."""
        return masked(self.norm(self.conv(x)).relu(), mask)
