"""Words of a sentence as vectors that are learned here, without any download.

Shapes: B = batch, C = channels, L = words.
"""

import torch
from torch import nn

from egomm.functional.feature_grid import sinusoid_code
from egomm.models.layers.masked import masked, step_mask
from egomm.registry import MODELS
from egomm.structures import Stream


@MODELS.register_module()
class TokenEmbedding(nn.Module):
    """A vector for each word, and its place in the sentence.

    Args:
        num_tokens: How many different words there can be; ids are ``0 .. num_tokens - 1``.
        out_channels: ``C``.
        max_length: Words of the longest sentence.
    """

    def __init__(self, *, num_tokens: int, out_channels: int, max_length: int = 48) -> None:
        super().__init__()
        self.table = nn.Embedding(num_tokens, out_channels)
        nn.init.normal_(self.table.weight, std=0.5)
        code = sinusoid_code(max_length, out_channels).T
        self.register_buffer('position_code', code, persistent=False)

    def forward(self, stream: Stream) -> Stream:
        """Map ids ``(B, 1, L)`` to vectors ``(B, C, L)``, zero where the mask is False.

        Raises:
            ValueError: If these are no ids, there are too many words or an id is out of range.
        """
        ids, mask = stream.x, step_mask(stream)
        if ids.dim() != 3 or ids.shape[1] != 1 or ids.is_floating_point():
            raise ValueError(
                f'TokenEmbedding wants integer ids (B, 1, L); got {tuple(ids.shape)} {ids.dtype}. '
                'For vectors of words use FeatureProjection.'
            )
        longest = self.position_code.shape[1]
        if ids.shape[2] > longest:
            raise ValueError(
                f'TokenEmbedding has places for {longest} words; got a sentence of '
                f'{ids.shape[2]}. Raise max_length, or let the data set cut sentences.'
            )
        # Padding has id 0, which exists; it is looked up and then zeroed.
        ids = torch.where(mask, ids[:, 0], 0)
        exporting = torch.compiler.is_compiling()  # a graph cannot branch on values
        if not exporting and not (0 <= ids.min() and ids.max() < self.table.num_embeddings):
            raise ValueError(
                f'TokenEmbedding wants ids within 0..{self.table.num_embeddings - 1}; got '
                f'{ids.min()}..{ids.max()}. Give model and data set the same num_tokens.'
            )
        x = self.table(ids).mT + self.position_code[:, : ids.shape[1]]
        return Stream(masked(x, mask), mask)
