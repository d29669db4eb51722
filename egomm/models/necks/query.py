"""Query-token fusion of MIMO (Hou et al., 2023, section 2.1).

Shapes: B = batch, M = modalities, L_m = tokens of modality m, T = tasks, C = channels,
H = heads, L = sum of L_m, plus T when the task tokens are keys as well.
"""

import torch
from torch import Tensor, nn

from egomm.functional.attention import modality_mass, weighted_softmax
from egomm.models.layers.channels import check_channels
from egomm.registry import MODELS
from egomm.structures import Stream


@MODELS.register_module()
class QueryFusion(nn.Module):
    """One learned token a task looks at the tokens of all modalities.

    All feature tokens and the task tokens go through one multi-head attention layer, and
    only the task tokens' outputs are read. As no later layer reads the others, only the T
    task rows are computed: the result equals the full L x L attention exactly.

    A missing modality has weight 0 in the softmax, which is the same as not being there.

    Args:
        in_channels: Channels by modality name, in token order. A modality whose channels
            differ from ``out_channels`` gets a linear projection.
        out_channels: Channels ``C`` of tokens and outputs.
        tasks: Task names, in the order of the task tokens; the output names.
        num_heads: Attention heads ``H``.
        task_tokens_as_keys: Whether the task tokens are looked at as well, as in the paper.

    Raises:
        ValueError: If ``out_channels`` is not a multiple of ``num_heads``.
    """

    def __init__(
        self,
        *,
        in_channels: dict[str, int],
        out_channels: int,
        tasks: tuple[str, ...],
        num_heads: int = 8,
        task_tokens_as_keys: bool = True,
    ) -> None:
        super().__init__()
        if out_channels % num_heads:
            raise ValueError(
                f'out_channels={out_channels} is not a multiple of num_heads={num_heads}'
            )
        self.in_channels = dict(in_channels)
        self.modalities = tuple(in_channels)
        self.tasks = tuple(tasks)
        self.num_heads = num_heads
        self.task_tokens_as_keys = task_tokens_as_keys
        self.projections = nn.ModuleDict(
            {
                name: nn.Identity()
                if channels == out_channels
                else nn.Linear(channels, out_channels)
                for name, channels in in_channels.items()
            }
        )
        self.modality_embedding = nn.Parameter(torch.empty(len(in_channels), out_channels))
        self.task_tokens = nn.Parameter(torch.empty(len(self.tasks), out_channels))
        self.query = nn.Linear(out_channels, out_channels)
        self.key = nn.Linear(out_channels, out_channels)
        self.value = nn.Linear(out_channels, out_channels)
        self.out = nn.Linear(out_channels, out_channels)
        nn.init.trunc_normal_(self.modality_embedding, std=0.02)
        nn.init.trunc_normal_(self.task_tokens, std=0.02)
        for linear in (self.query, self.key, self.value, self.out):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    def forward(self, streams: dict[str, Stream]) -> dict[str, Stream]:
        """Add one ``(B, C)`` vector a task under the task's name, and ``'attention'``.

        ``'attention'`` holds the attention that each task pays to each modality in each head,
        ``(B, H, T, M)``; what is missing to one was paid to the task tokens.
        """
        check_channels(type(self).__name__, self.in_channels, streams)
        tokens, weights, sizes = self._sequence(streams)
        attention = self.attend(tokens, weights)
        fused = self.read(attention, tokens)
        named = {task: Stream(fused[:, index]) for index, task in enumerate(self.tasks)}
        mass = modality_mass(attention, sizes)
        return {**streams, **named, 'attention': Stream(mass)}

    def attend(self, tokens: Tensor, weights: Tensor) -> Tensor:
        """Attention of the task tokens.

        Args:
            tokens: Keys ``(B, L, C)``.
            weights: Softmax weights ``(B, L)``; 0 removes a token.

        Returns:
            ``(B, H, T, L)``, sums to one over the last axis.
        """
        query = self.query(self.task_tokens).unflatten(-1, (self.num_heads, -1))
        key = self.key(tokens).unflatten(-1, (self.num_heads, -1))
        logits = torch.einsum('thd,blhd->bhtl', query, key) * query.shape[-1] ** -0.5
        return weighted_softmax(logits, weights[:, None, None])

    def read(self, attention: Tensor, tokens: Tensor) -> Tensor:
        """What the task tokens take from the sequence: ``(B, T, C)``."""
        value = self.value(tokens).unflatten(-1, (self.num_heads, -1))
        return self.out(torch.einsum('bhtl,blhd->bthd', attention, value).flatten(2))

    def _sequence(self, streams: dict[str, Stream]) -> tuple[Tensor, Tensor, list[int]]:
        tokens, weights = [], []
        for index, name in enumerate(self.modalities):
            x = self.projections[name](streams[name].x.flatten(2).transpose(1, 2))
            tokens.append(x + self.modality_embedding[index])
            weights.append(_token_weights(streams[name]))
        sizes = [part.shape[1] for part in tokens]
        if self.task_tokens_as_keys:
            batch = tokens[0].shape[0]
            tokens.append(self.task_tokens.expand(batch, -1, -1))
            weights.append(weights[0].new_ones(batch, len(self.tasks)))
        return torch.cat(tokens, dim=1), torch.cat(weights, dim=1), sizes


def _token_weights(stream: Stream) -> Tensor:
    """1 for a real token, 0 for one that is not: ``(B, L_m)``."""
    batch, steps = stream.x.shape[0], stream.x[0, 0].numel()
    if stream.mask is None:
        return stream.x.new_ones(batch, steps, dtype=torch.float32)
    mask = stream.mask[:, None] if stream.mask.dim() == 1 else stream.mask
    return mask.float().repeat_interleave(steps // mask.shape[1], dim=1)
