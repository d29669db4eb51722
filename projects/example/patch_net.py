"""A backbone: one convolution over patches.

Shapes: B = batch, C = channels, T, H, W = frames, height, width.
"""

from torch import nn

from egomm.registry import MODELS
from egomm.structures import Stream


@MODELS.register_module()
class PatchNet(nn.Module):
    """Features of every patch of 2 frames x 8 x 8 pixels, none of them negative."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.patches = nn.Conv3d(in_channels, channels, (2, 8, 8), stride=(2, 8, 8))

    def forward(self, stream: Stream) -> Stream:
        """Encode ``(B, C_in, T, H, W)`` into ``(B, C, T / 2, H / 8, W / 8)``."""
        return Stream(self.patches(stream.x).relu(), stream.mask)
