"""Features of a long clip at many temporal resolutions.

Source: ActionFormer (arXiv:2202.07925); Action Sensitivity Learning (arXiv:2306.09172 and
github.com/JonnyS1226/ego4d_asl) for channel attention and the relative-position layer.

Shapes: B = batch, D = channels, T = steps (a multiple of 2^(levels - 1) after padding),
P = T + T/2 + ... positions of all levels, L = words.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from egomm.functional.feature_grid import resize_features, sinusoid_code
from egomm.models.layers.channels import check_channels, check_in_channels
from egomm.models.layers.masked import (
    ChannelNorm,
    ConvNormRelu,
    masked,
    step_mask,
    zero_biases,
)
from egomm.models.layers.relative import RelativePositionLayer
from egomm.models.layers.temporal import PyramidBlock
from egomm.models.layers.words import WordEncoder
from egomm.registry import MODELS
from egomm.structures import Stream


@MODELS.register_module()
class TemporalPyramid(nn.Module):
    """Joins sources of features and looks at them at ever coarser steps.

    Three convolutions, ``stem_blocks`` blocks at full resolution, the last of which is level 0,
    then one block a level, each of which halves the sequence.

    A source that a sample lacks is zeros; a step that no source has is padding, which nothing
    real reads. A clip with nothing at all gives zeros.

    Args:
        in_channels: Channels by name of the source, in the order of concatenation.
        channels: ``D``.
        num_heads: Heads of all attention.
        stem_blocks: Blocks at full resolution, with a channel path and attention to words.
        levels: Levels of the pyramid.
        temporal_share: Weight of attention over time beside that over channels; None builds no
            channel path.
        window: Odd number of steps that a step sees in attention over time; None sees all.
        relative: Put one relative-position layer between stem and branches.
        words: ``dict(source=..., in_channels=..., num_layers=...)``: the stream with the words of
            a query, that the stem attends to.
        dropout: In blocks, relative-position layer and word encoder.
        drop_path: Probability of leaving a residual branch out for a sample.
        max_length: Steps of the longest clip in training; the position code is stretched for
            longer ones.
        leaky_padding: Treat padding in blocks as the released code does (see `PyramidBlock`).

    Raises:
        ValueError: If there is no level, no stem or no source, a number is out of its range, or
            ``words`` is incomplete.
    """

    def __init__(
        self,
        *,
        in_channels: dict[str, int],
        channels: int,
        num_heads: int = 16,
        stem_blocks: int = 3,
        levels: int = 8,
        temporal_share: float | None = 0.8,
        window: int | None = None,
        relative: bool = False,
        words: dict | None = None,
        dropout: float = 0.1,
        drop_path: float = 0.1,
        max_length: int = 1024,
        leaky_padding: bool = False,
    ) -> None:
        super().__init__()
        if levels < 1 or stem_blocks < 1:
            raise ValueError(
                f'TemporalPyramid wants at least one level and one block in the stem; got '
                f'levels={levels} and stem_blocks={stem_blocks}.'
            )
        check_in_channels(type(self).__name__, in_channels)
        if (
            channels % num_heads
            or not 0 <= (1.0 if temporal_share is None else temporal_share) <= 1
            or not 0 <= drop_path < 1
            or not (window is None or (window > 0 and window % 2))
            or max_length < 1
        ):
            raise ValueError(
                'TemporalPyramid wants channels that num_heads divides, temporal_share within 0..1 '
                'or None, drop_path from 0 to below 1, an odd window or None and max_length >= 1; '
                f'got {channels} and {num_heads}, {temporal_share}, {drop_path}, {window} and '
                f'{max_length}.'
            )
        if words is not None and set(words) != {'source', 'in_channels', 'num_layers'}:
            raise ValueError(
                'TemporalPyramid wants words=dict(source=..., in_channels=..., num_layers=...); '
                f'got {words!r}.'
            )
        self.in_channels = dict(in_channels)
        self.levels = levels
        widths = [sum(in_channels.values()), channels, channels]
        self.embedding = nn.ModuleList(ConvNormRelu(width, channels) for width in widths)
        self.words = None if words is None else words['source']
        if words is not None:
            self.word_encoder = WordEncoder(
                in_channels=words['in_channels'],
                channels=channels,
                num_heads=num_heads,
                num_layers=words['num_layers'],
                dropout=dropout,
            )
        shared = dict(
            window=window, dropout=dropout, drop_path=drop_path, leaky_padding=leaky_padding
        )
        self.stem = nn.ModuleList(
            PyramidBlock(
                channels,
                num_heads,
                temporal_share=temporal_share,
                words=words is not None,
                **shared,
            )
            for _ in range(stem_blocks)
        )
        self.branches = nn.ModuleList(
            PyramidBlock(channels, num_heads, stride=2, **shared) for _ in range(levels - 1)
        )
        self.norms = nn.ModuleList(ChannelNorm(channels) for _ in range(levels))
        zero_biases(self)
        self.relative = (
            RelativePositionLayer(channels, num_heads, 2 * channels, dropout) if relative else None
        )
        code = sinusoid_code(max_length, channels) / channels**0.5
        self.register_buffer('position_code', code, persistent=False)

    def forward(self, streams: dict[str, Stream]) -> dict[str, Stream]:
        """Add ``'pyramid'`` and ``'frames'``, and ``'encoded_words'`` where there are words.

        ``'pyramid'`` ``(B, D, P)`` has the levels one after the other, each half as long as the
        one before. ``'frames'`` ``(B, D, T)`` is level 0. ``'encoded_words'`` is ``(B, D, L)``.

        Raises:
            ValueError: If a stream is missing or of other channels, or the sources differ in
                length.
        """
        x, mask = self._joined(streams)
        words = None
        if self.words is not None:
            wanted = {self.words: self.word_encoder.linear.in_features}
            check_channels(type(self).__name__, wanted, streams)
            words = self.word_encoder(streams[self.words])
        for layer in self.embedding:
            x = layer(x, mask)
        x = masked(x + self._code(x.shape[2]).to(x.dtype), mask)
        for block in self.stem:
            x = block(x, mask, words)
        levels, masks = [x], [mask]
        if self.relative is not None:
            x = masked(self.relative(x, mask), mask)
        for block in self.branches:
            x = block(x, masks[-1])
            levels.append(x)
            masks.append(masks[-1][:, ::2])
        levels = [masked(norm(level), kept) for norm, level, kept in zip(self.norms, levels, masks)]
        added = dict(
            pyramid=Stream(torch.cat(levels, dim=2), torch.cat(masks, dim=1)),
            frames=Stream(levels[0], mask),
        )
        if words is not None:
            added['encoded_words'] = words
        return {**streams, **added}

    def _joined(self, streams: dict[str, Stream]) -> tuple[Tensor, Tensor]:
        """All sources ``(B, sum of channels, T)`` and where at least one of them is real."""
        check_channels(type(self).__name__, self.in_channels, streams)
        used = [streams[name] for name in self.in_channels]
        lengths = {name: streams[name].x.shape[2] for name in self.in_channels}
        if len(set(lengths.values())) > 1:
            raise ValueError(
                f'TemporalPyramid wants sources of one length; got {lengths}. Resize the features '
                'of a clip to the same number of steps.'
            )
        masks = [step_mask(stream) for stream in used]
        x = torch.cat([masked(stream.x, mask) for stream, mask in zip(used, masks)], dim=1)
        mask = torch.stack(masks).any(dim=0)
        rest = -x.shape[2] % 2 ** (self.levels - 1)
        return pad(x, (0, rest)), pad(mask, (0, rest))

    def _code(self, length: int) -> Tensor:
        """Position code ``(D, length)``."""
        code = self.position_code
        if length > len(code):
            return resize_features(code, length).T
        return code[:length].T
