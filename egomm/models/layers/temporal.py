"""The block of the temporal pyramid: attention over time beside attention over channels.

Source: ActionFormer (arXiv:2202.07925) for the block, DaViT (Ding et al., 2022, arXiv:2204.03645)
for the channel path, Action Sensitivity Learning (arXiv:2306.09172) for putting them in parallel.

Shapes: B = batch, C = channels, T = steps in, S = steps out, H = heads, K = C / H.
"""

import torch
from mmcv.cnn.bricks import DropPath
from torch import Tensor, nn
from torch.nn.functional import max_pool1d, scaled_dot_product_attention

from egomm.models.layers.masked import ChannelNorm, Pointwise, masked, readable
from egomm.models.layers.words import WordAttention
from egomm.structures import Stream

LAYER_SCALE = 1e-4


class TemporalAttention(nn.Module):
    """Self-attention whose queries, keys and values first look at their neighbours.

    Args:
        channels: ``C``.
        num_heads: ``H``.
        stride: Of the depthwise convolutions: 2 halves the sequence.
        window: Steps that a step sees, itself in the middle; None sees all.
    """

    def __init__(
        self, channels: int, num_heads: int, stride: int = 1, window: int | None = None
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.stride = stride
        self.window = window
        self.convs = nn.ModuleList(
            nn.Conv1d(channels, channels, 3, stride, padding=1, groups=channels, bias=False)
            for _ in 'qkv'
        )
        self.norms = nn.ModuleList(ChannelNorm(channels) for _ in 'qkv')
        self.linears = nn.ModuleList(Pointwise(channels, channels) for _ in 'qkv')
        self.out = Pointwise(channels, channels)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Map ``(B, C, T)`` to ``(B, C, S)``; what stands at padding has no meaning."""
        # (B, H, S, K) with K side by side in memory: otherwise the matrix of weights is kept.
        q, k, v = (
            linear(norm(conv(x))).mT.unflatten(2, (self.num_heads, -1)).transpose(1, 2)
            for conv, norm, linear in zip(self.convs, self.norms, self.linears)
        )
        keys = mask[:, :: self.stride]
        y = scaled_dot_product_attention(q, k, v, self._allowed(keys))
        return self.out(y.transpose(1, 2).flatten(2).mT)

    def _allowed(self, keys: Tensor) -> Tensor:
        """Which step may read which, to be broadcast against ``(B, H, S, S)``."""
        if self.window is None:
            return readable(keys)[:, None, None]
        step = torch.arange(keys.shape[1], device=keys.device)
        distance = (step[:, None] - step).abs()
        # Every step reads itself, so that padding far from anything real reads something.
        return ((distance <= self.window // 2) & keys[:, None, None]) | (distance == 0)


class ChannelAttention(nn.Module):
    """Attention among the channels of each head, and a perceptron.

    Args:
        channels: ``C``.
        num_heads: ``H``.
        drop_path: Probability of leaving one of the two out for a sample.
    """

    def __init__(self, channels: int, num_heads: int, drop_path: float = 0.0) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(channels, 3 * channels, bias=False)
        self.out = nn.Linear(channels, channels)
        self.ffn_norm = nn.LayerNorm(channels)
        self.ffn = nn.Sequential(
            nn.Linear(channels, 4 * channels), nn.GELU(), nn.Linear(4 * channels, channels)
        )
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, C, T)`` to ``(B, C, T)``. Zeros in ``x`` do not change other steps."""
        x = x.mT
        # (B, H, K, T) each
        q, k, v = (
            part.unflatten(2, (self.num_heads, -1)).permute(0, 2, 3, 1)
            for part in self.qkv(x).chunk(3, dim=2)
        )
        weights = (k @ v.mT / k.shape[2] ** 0.5).softmax(dim=-1)
        y = self.out((weights @ q).flatten(1, 2).mT)
        x = x + self.drop_path(y)
        return (x + self.drop_path(self.ffn(self.ffn_norm(x)))).mT


class PyramidBlock(nn.Module):
    """One transformer block over time.

    ``share * (attention over time, then FFN) + (1 - share) * (attention over channels, then FFN)``,
    both on the same normalised input.

    Args:
        channels: ``C``.
        num_heads: Heads of both kinds of attention.
        stride: 2 halves the sequence. Only a block of stride 1 can have a channel path.
        temporal_share: ``share``; None builds no channel path.
        window: Steps that a step sees; None sees all.
        words: Whether the steps also attend to words, between attention and FFN.
        dropout: After the attention over time and within its FFN.
        drop_path: Probability of leaving a residual branch out for a sample.
        leaky_padding: Treat padding as the released code of ASL does: norms make it non-zero, and
            from there it enters neighbours and the statistics of channels.
    """

    def __init__(
        self,
        channels: int,
        num_heads: int,
        *,
        stride: int = 1,
        temporal_share: float | None = None,
        window: int | None = None,
        words: bool = False,
        dropout: float = 0.0,
        drop_path: float = 0.0,
        leaky_padding: bool = False,
    ) -> None:
        super().__init__()
        self.stride = stride
        self.temporal_share = temporal_share
        self.leaky_padding = leaky_padding
        self.attention_norm = ChannelNorm(channels)
        self.attention = TemporalAttention(channels, num_heads, stride, window)
        self.attention_layer_scale = _layer_scale(channels)
        if words:
            self.word_norm = ChannelNorm(channels)
            self.word_attention = WordAttention(channels, num_heads)
            self.word_layer_scale = _layer_scale(channels)
        self.ffn_norm = ChannelNorm(channels)
        self.ffn = nn.Sequential(
            Pointwise(channels, 4 * channels),
            nn.GELU(),
            nn.Dropout(dropout),
            Pointwise(4 * channels, channels),
            nn.Dropout(dropout),
        )
        self.ffn_layer_scale = _layer_scale(channels)
        if temporal_share is not None:
            self.channel_attention = ChannelAttention(channels, num_heads, drop_path)
        self.dropout = nn.Dropout(dropout)
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor, mask: Tensor, words: Stream | None = None) -> Tensor:
        """Map ``(B, C, T)`` with padding ``mask`` ``(B, T)`` to ``(B, C, S)``.

        Args:
            x: Zero at padding.
            mask: True where real; that of the output is ``mask[:, ::stride]``.
            words: ``(B, C, L)``, for a block that was built with ``words``.
        """
        u = self._clean(self.attention_norm(x), mask)
        kept = mask[:, :: self.stride]
        attended = masked(self.dropout(self.attention(u, mask)), kept)
        y = self._skip(x, mask) + self.drop_path(self.attention_layer_scale * attended)
        if words is not None:
            read = masked(self.word_attention(self.word_norm(y), words), kept)
            y = y + self.drop_path(self.word_layer_scale * read)
        hidden = masked(self.ffn(self.ffn_norm(y)), kept)
        y = y + self.drop_path(self.ffn_layer_scale * hidden)
        if self.temporal_share is None:
            return y
        z = self._clean(self.channel_attention(u), mask)
        return self.temporal_share * y + (1 - self.temporal_share) * z

    def _clean(self, x: Tensor, mask: Tensor) -> Tensor:
        return x if self.leaky_padding else masked(x, mask)

    def _skip(self, x: Tensor, mask: Tensor) -> Tensor:
        if self.stride == 1:
            return masked(x, mask)
        if not self.leaky_padding:  # so that a negative last step is not replaced by padding
            x = x.masked_fill(~mask[:, None], torch.finfo(x.dtype).min)
        x = max_pool1d(x, self.stride + 1, self.stride, (self.stride + 1) // 2)
        return masked(x, mask[:, :: self.stride])


def _layer_scale(channels: int) -> nn.Parameter:
    return nn.Parameter(torch.full((channels, 1), LAYER_SCALE))
