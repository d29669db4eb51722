"""Encoders small enough for a CPU, for the toy kitchen and for quick trials.

Shapes: B = batch, C = channels, T, H, W = frames, height, width.
"""

from collections.abc import Sequence

from torch import nn

from egomm.registry import MODELS
from egomm.structures import Stream


@MODELS.register_module()
class SmallConvNet(nn.Module):
    """Strided convolutions from frames or spectrograms to a map of tokens.

    Every layer halves height and width, the last two halve time as well: 8 x 64 x 64 becomes
    2 x 4 x 4 with four layers.

    Args:
        in_channels: Channels of the input.
        channels: Channels of each layer; the last is that of the tokens.
    """

    def __init__(self, *, in_channels: int, channels: Sequence[int] = (16, 32, 64, 96)) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for depth, (before, after) in enumerate(zip((in_channels, *channels), channels)):
            late = depth >= len(channels) - 2
            layers += [
                nn.Conv3d(
                    before,
                    after,
                    (3 if late else 1, 3, 3),
                    stride=(2 if late else 1, 2, 2),
                    padding=(1 if late else 0, 1, 1),
                    bias=False,
                ),
                nn.BatchNorm3d(after),
                nn.ReLU(inplace=True),
            ]
        self.layers = nn.Sequential(*layers)

    def forward(self, stream: Stream) -> Stream:
        """Encode ``(B, C_in, T, H, W)`` into ``(B, C, t, h, w)``."""
        return Stream(self.layers(stream.x), stream.mask)


@MODELS.register_module()
class TokenEncoder(nn.Module):
    """A small perceptron on every token of a stored map: the trainable rest of an encoder.

    Args:
        in_channels: Channels of the stored tokens.
        hidden_channels: Channels between the two layers.
        out_channels: Channels of the tokens that the neck gets.
    """

    def __init__(self, *, in_channels: int, hidden_channels: int, out_channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(in_channels, hidden_channels),
            nn.GELU(),
            nn.Linear(hidden_channels, out_channels),
            nn.LayerNorm(out_channels),
        )

    def forward(self, stream: Stream) -> Stream:
        """Map ``(B, C_in, t, h, w)`` to ``(B, C, t, h, w)``."""
        x = self.layers(stream.x.movedim(1, -1)).movedim(-1, 1)
        return Stream(x, stream.mask)


@MODELS.register_module()
class MapEncoder(nn.Module):
    """A convolution over space and one over time on a stored map: the trainable rest of an encoder.

    Height and width are halved, time stays.

    Args:
        in_channels: Channels of the stored map.
        out_channels: Channels of both layers.
    """

    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        super().__init__()
        space = dict(kernel_size=(1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1))
        time = dict(kernel_size=(3, 1, 1), padding=(1, 0, 0))
        layers: list[nn.Module] = []
        for before, shape in ((in_channels, space), (out_channels, time)):
            layers += [
                nn.Conv3d(before, out_channels, bias=False, **shape),
                nn.BatchNorm3d(out_channels),
                nn.ReLU(inplace=True),
            ]
        self.layers = nn.Sequential(*layers)

    def forward(self, stream: Stream) -> Stream:
        """Map ``(B, C_in, t, h, w)`` to ``(B, C, t, h / 2, w / 2)``."""
        return Stream(self.layers(stream.x), stream.mask)
