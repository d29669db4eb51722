"""MFNet-3D: a light video network of grouped convolutions.

Source: Chen et al., "Multi-Fiber Networks for Video Recognition" (2018, arXiv:1807.11195). Names
of parameters are those of the authors' Kinetics-400 file (github.com/cypw/PyTorch-MFNet), which
``tools/convert_checkpoint.py mfnet`` reads.

Shapes: B = batch, C = channels, T, H, W = frames, height, width.
"""

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from egomm.models.layers.clips import check_whole_clips
from egomm.models.pretrained import load_pretrained
from egomm.registry import MODELS
from egomm.structures import Stream

# Units, channels and the stride (t, h, w) of the first unit of each stage.
_STAGES = {
    'conv2': (3, 96, (2, 1, 1)),
    'conv3': (4, 192, (1, 2, 2)),
    'conv4': (6, 384, (1, 2, 2)),
    'conv5': (3, 768, (1, 2, 2)),
}
_STEM = 16  # channels
_FIBERS = 16  # groups of every grouped convolution


@MODELS.register_module()
class MFNet3D(BaseModule):
    """A stem, four stages of multi-fiber units, and a last batch norm.

    A fiber sees its own sixteenth of the channels; the two pointwise convolutions at the entry
    of each unit carry information between fibers. Time is halved in the first unit; height and
    width shrink by 32 in all.

    Args:
        in_channels: Channels of the input, 3 for RGB.
        pretrained: Path of a file with the network's weights, for RGB or for ``in_channels``.
            `init_weights` loads it.
    """

    def __init__(self, in_channels: int = 3, pretrained: str | None = None) -> None:
        super().__init__(init_cfg=dict(type='Xavier', layer='Conv3d', distribution='uniform'))
        self.pretrained = pretrained
        self.conv1 = _Stem(in_channels, _STEM)
        self.maxpool = nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1))
        channels = _STEM
        for name, (units, out_channels, stride) in _STAGES.items():
            stage = nn.Sequential()
            for number in range(1, units + 1):
                unit = _Unit(channels, out_channels, stride if number == 1 else None)
                stage.add_module(f'B{number:02d}', unit)
                channels = out_channels
            self.add_module(name, stage)
        self.tail = _Activation(channels)

    def init_weights(self) -> None:
        """Draw all convolutions from Xavier's uniform distribution, then load ``pretrained``."""
        super().init_weights()
        if self.pretrained is not None:
            load_pretrained(self, self.pretrained)

    def forward(self, stream: Stream) -> Stream:
        """Encode ``(B, C_in, T, H, W)`` into ``(B, 768, T/2, H/32, W/32)``, rounded up.

        A mask a sample stays as it is.

        Raises:
            ValueError: If the mask is a step's.
        """
        check_whole_clips('MFNet3D', stream)
        x = stream.x
        if x.device.type == 'cpu' and torch.is_autocast_enabled('cpu'):
            # Faster in bfloat16. In float32 it gains a few percent on some processors and rounds
            # otherwise than the authors' network.
            x = x.contiguous(memory_format=torch.channels_last_3d)
        x = self.maxpool(self.conv1(x))
        for name in _STAGES:
            x = self.get_submodule(name)(x)
        return Stream(self.tail(x), stream.mask)


class _Unit(nn.Module):
    """``conv_m2(conv_m1(x + mix(x))) + shortcut(x)``, nothing after the sum.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels within and after the unit; a quarter of them in between the mixing
            convolutions.
        stride: Of the first unit of a stage, whose shortcut is a convolution; None for the
            others, whose shortcut is the input.
    """

    def __init__(
        self, in_channels: int, out_channels: int, stride: tuple[int, int, int] | None
    ) -> None:
        super().__init__()
        narrow = out_channels // 4
        self.conv_i1 = _Convolution(in_channels, narrow, 1)
        self.conv_i2 = _Convolution(narrow, in_channels, 1)
        self.conv_m1 = _Convolution(
            in_channels, out_channels, 3, stride=stride or 1, padding=1, groups=_FIBERS
        )
        if stride is None:
            self.conv_m2 = _Convolution(
                out_channels, out_channels, (1, 3, 3), padding=(0, 1, 1), groups=_FIBERS
            )
            self.conv_w1 = nn.Identity()
        else:
            self.conv_m2 = _Convolution(out_channels, out_channels, 1)
            self.conv_w1 = _Convolution(in_channels, out_channels, 1, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        mixed = x + self.conv_i2(self.conv_i1(x))
        return self.conv_m2(self.conv_m1(mixed)) + self.conv_w1(x)


class _Activation(nn.Module):
    """Batch norm, then ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm3d(channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.bn(x))


class _Convolution(_Activation):
    """Batch norm, ReLU, then a convolution without bias; further arguments are its own."""

    def __init__(self, in_channels: int, out_channels: int, *arguments, **settings) -> None:
        super().__init__(in_channels)
        self.conv = nn.Conv3d(in_channels, out_channels, *arguments, bias=False, **settings)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(super().forward(x))


class _Stem(_Activation):
    """The convolution that reads the frames, halving height and width; norm and ReLU follow."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(out_channels)
        self.conv = nn.Conv3d(
            in_channels, out_channels, (3, 5, 5), stride=(1, 2, 2), padding=(1, 2, 2), bias=False
        )

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(self.conv(x))
