"""Sentences beside a sequence: the encoder of their words, and attention of steps to words.

Source: GroundNLQ (arXiv:2306.15255) for self-attention among the words and attention to them
between self-attention and FFN; Action Sensitivity Learning (arXiv:2306.09172) asks for both.

Shapes: B = batch, C = channels, T = steps, L = words.
"""

from torch import Tensor, nn

from egomm.models.layers.masked import masked, readable, step_mask
from egomm.structures import Stream


class WordEncoder(nn.Module):
    """A linear layer and self-attention among the words of a sentence.

    Args:
        in_channels: Channels of the words.
        channels: ``C``.
        num_heads: Heads of the attention.
        num_layers: Layers of the encoder.
        dropout: Within the layers.
    """

    def __init__(
        self, *, in_channels: int, channels: int, num_heads: int, num_layers: int, dropout: float
    ) -> None:
        super().__init__()
        self.linear = nn.Linear(in_channels, channels)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                channels,
                num_heads,
                4 * channels,
                dropout,
                'gelu',
                batch_first=True,
                norm_first=True,
            )
            for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(channels)

    def forward(self, stream: Stream) -> Stream:
        """Map ``(B, C_in, L)`` to ``(B, C, L)``; a sentence without words becomes zeros."""
        mask = step_mask(stream)
        x = self.linear(stream.x.mT)
        for layer in self.layers:
            x = layer(x, src_key_padding_mask=~readable(mask))
        return Stream(masked(self.norm(x).mT, mask), mask)


class WordAttention(nn.Module):
    """Every step reads the words; without words it reads zeros.

    Args:
        channels: ``C``, of steps and words.
        num_heads: Heads of the attention.
    """

    def __init__(self, channels: int, num_heads: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(channels, num_heads, batch_first=True)

    def forward(self, x: Tensor, words: Stream) -> Tensor:
        """Map steps ``(B, C, T)`` and words ``(B, C, L)`` to ``(B, C, T)``."""
        mask = step_mask(words)
        keys = words.x.mT
        y, _ = self.attention(
            x.mT, keys, keys, key_padding_mask=~readable(mask), need_weights=False
        )
        return y.mT.masked_fill(~mask.any(dim=1)[:, None, None], 0.0)
