"""Self-attention that knows how far apart two steps are.

Source: Transformer-XL / XLNet (Dai et al., 2019, arXiv:1901.02860; Yang et al., 2019,
arXiv:1906.08237), of which the released code of ASL puts one layer between stem and branches.

Shapes: B = batch, C = channels, T = steps, R = 2 T - 1 distances, H = heads, K = C / H.
"""

import torch
from torch import Tensor, nn

from egomm.models.layers.masked import zero_biases


class RelativePositionLayer(nn.Module):
    """Post-norm layer with scores ``((q + u) k + (q + v) r_(i-j)) / sqrt(K)``.

    Args:
        channels: ``C``.
        num_heads: ``H``.
        hidden_channels: Within the FFN; twice ``C`` in the released code.
        dropout: On input, distances, attention, its output, within and after the FFN, and on the
            output.
    """

    def __init__(
        self, channels: int, num_heads: int, hidden_channels: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.q, self.k, self.v, self.r, self.out = (
            nn.Linear(channels, channels, bias=False) for _ in 'qkvro'
        )
        self.content_bias = nn.Parameter(torch.empty(num_heads, 1, channels // num_heads))
        self.position_bias = nn.Parameter(torch.empty(num_heads, 1, channels // num_heads))
        self.attention_norm = nn.LayerNorm(channels, eps=1e-12)
        self.ffn = nn.Sequential(
            nn.Linear(channels, hidden_channels),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden_channels, channels),
            nn.Dropout(dropout),
        )
        self.ffn_norm = nn.LayerNorm(channels, eps=1e-12)
        self.dropout = nn.Dropout(dropout)
        for part in self.modules():
            if isinstance(part, nn.Linear):
                nn.init.normal_(part.weight, std=0.02)
        zero_biases(self)
        nn.init.normal_(self.content_bias, std=0.02)
        nn.init.normal_(self.position_bias, std=0.02)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Map ``(B, C, T)`` with padding ``(B, T)`` to ``(B, C, T)``; padding is not zeroed."""
        x = self.dropout(x.mT)
        q, k, v = (self._heads(linear(x)) for linear in (self.q, self.k, self.v))
        r = self._heads(self.r(self.dropout(self._distances(x))))  # (1, H, R, K)
        scale = k.shape[-1] ** -0.5
        position = _by_distance((q + self.position_bias) * scale @ r.mT)
        content = (q + self.content_bias) * scale
        scores = torch.baddbmm(
            position.flatten(0, 1), content.flatten(0, 1), k.flatten(0, 1).mT
        ).unflatten(0, k.shape[:2])
        # A step always reads itself, so no row of the softmax is empty.
        itself = torch.eye(x.shape[1], dtype=torch.bool, device=x.device)
        scores.masked_fill_(~(mask[:, None, None] | itself), -torch.inf)
        y = self.dropout(scores.softmax(dim=-1)) @ v
        y = self.attention_norm(x + self.dropout(self.out(y.transpose(1, 2).flatten(2))))
        return self.dropout(self.ffn_norm(y + self.ffn(y))).mT

    def _heads(self, x: Tensor) -> Tensor:
        """``(B, T, C)`` -> ``(B, H, T, K)``."""
        return x.unflatten(2, (self.num_heads, -1)).transpose(1, 2)

    def _distances(self, x: Tensor) -> Tensor:
        """Sines, then cosines of the distances ``T - 1 .. 1 - T``: ``(1, R, C)``."""
        length, channels = x.shape[1:]
        distance = torch.arange(length - 1, -length, -1, device=x.device, dtype=torch.float32)
        pair = torch.arange(0, channels, 2, device=x.device, dtype=torch.float32)
        angle = distance[:, None] / 10000 ** (pair / channels)
        return torch.cat([angle.sin(), angle.cos()], dim=1)[None].to(x.dtype)


def _by_distance(scores: Tensor) -> Tensor:
    """From a column per distance ``(..., T, R)`` to a column per key ``(..., T, T)``.

    Row i wants columns ``T - 1 - i .. 2 T - 2 - i``. In the flattened rows these starts are R - 1
    apart, so they become a column of a matrix with rows one shorter.
    """
    length, distances = scores.shape[-2:]
    apart = max(distances - 1, 1)  # one step has one distance, and no other row
    flat = scores.flatten(-2).narrow(-1, length - 1, length * apart)
    return flat.unflatten(-1, (length, apart))[..., :length]
