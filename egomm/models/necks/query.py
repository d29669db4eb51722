"""Query-token fusion of MIMO (Hou et al., 2023, section 2.1), with re-allocation (section 2.3).

Shapes: B = batch, M = modalities, L_m = tokens of modality m, T = tasks, C = channels,
H = heads, D = C / H, L = sum of L_m, plus T when the task tokens are keys as well.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from egomm.functional.attention import log_weights, modality_mass, read_tokens, reallocate
from egomm.functional.positions import sine_positions
from egomm.models.layers.channels import check_channels
from egomm.registry import MODELS
from egomm.structures import Stream


@MODELS.register_module()
class QueryFusion(nn.Module):
    """One learned token a task looks at the tokens of all modalities.

    All feature tokens and the task tokens go through one multi-head attention layer, and
    only the task tokens' outputs are read. As no later layer reads the others, only the T
    task rows are computed, and the projections of keys and values are absorbed: a task's query
    goes through the key projection once, instead of every token, and the value projection is
    applied to the weighted sum of the tokens. Both are exact.

    A missing modality has weight 0 in the softmax, which is the same as not being there.

    Args:
        in_channels: Channels by modality name, in token order. A modality whose channels
            differ from ``out_channels`` gets a linear projection.
        out_channels: Channels ``C`` of tokens and outputs.
        tasks: Task names, in the order of the task tokens; the output names.
        num_heads: Attention heads ``H``.
        task_tokens_as_keys: Whether the task tokens are looked at as well, as in the paper.
        modality_embedding: Whether a learned vector is added to all tokens of a modality.
        positions: Whether sines of (t, h, w) are added to the tokens.
        num_layers: Attention layers. Those before the last are `torch.nn.TransformerEncoderLayer`
            (pre-norm) over all tokens.
        norm: Layer norm of all tokens before the attention.
        residual: Whether a task token (after ``norm``) is added to what it reads.
        ffn_channels: Hidden channels of a feed-forward block (pre-norm, residual, GELU) after
            the attention; 0 is none.
        attention_dropout: Dropout of attention weights in training. ``'attention'`` is what was
            there before it.
        reallocation: Config of a part that gives weights of modalities in evaluation, for
            example ``dict(type='FixedReallocation', weights=dict(rgb=1.0, flow=2.0))``.

    Raises:
        ValueError: If ``out_channels`` is not a multiple of ``num_heads``, a number is out of
            range, or a task has the name of another stream.
    """

    def __init__(
        self,
        *,
        in_channels: dict[str, int],
        out_channels: int,
        tasks: tuple[str, ...],
        num_heads: int = 8,
        task_tokens_as_keys: bool = True,
        modality_embedding: bool = True,
        positions: bool = False,
        num_layers: int = 1,
        norm: bool = False,
        residual: bool = False,
        ffn_channels: int = 0,
        attention_dropout: float = 0.0,
        reallocation: dict | None = None,
    ) -> None:
        super().__init__()
        if isinstance(tasks, str) or not tasks or not in_channels or min(num_layers, num_heads) < 1:
            raise ValueError(
                'QueryFusion wants lists of at least one task and modality, and num_layers and '
                f'num_heads from 1 up; got tasks={tasks!r}, in_channels={in_channels!r}, '
                f'num_layers={num_layers} and num_heads={num_heads}.'
            )
        if not 0 <= attention_dropout < 1:
            raise ValueError(
                f'QueryFusion wants attention_dropout from 0 up and below 1; got '
                f'{attention_dropout!r}.'
            )
        taken = set(tasks) & {*in_channels, 'attention', 'readout'}
        if taken:
            raise ValueError(
                f'QueryFusion names an output after each task, but {sorted(taken)} name other '
                'streams. Rename these tasks.'
            )
        if out_channels % num_heads:
            raise ValueError(
                f'QueryFusion splits out_channels among num_heads, but {out_channels} is not a '
                f'multiple of {num_heads}. Change one of the two.'
            )
        self.in_channels = dict(in_channels)
        self.modalities = tuple(in_channels)
        self.tasks = tuple(tasks)
        self.num_heads = num_heads
        self.task_tokens_as_keys = task_tokens_as_keys
        self.positions = positions
        self.residual = residual
        self.attention_dropout = attention_dropout
        self.projections = nn.ModuleDict(
            {
                name: nn.Linear(channels, out_channels)
                for name, channels in in_channels.items()
                if channels != out_channels
            }
        )
        self.task_tokens = nn.Parameter(torch.empty(len(self.tasks), out_channels))
        nn.init.trunc_normal_(self.task_tokens, std=0.02)
        self.modality_embedding = None
        if modality_embedding:
            self.modality_embedding = nn.Parameter(torch.empty(len(in_channels), out_channels))
            nn.init.trunc_normal_(self.modality_embedding, std=0.02)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                out_channels,
                num_heads,
                dim_feedforward=ffn_channels or 4 * out_channels,
                dropout=attention_dropout,
                activation='gelu',
                batch_first=True,
                norm_first=True,
            )
            for _ in range(num_layers - 1)
        )
        self.norm = nn.LayerNorm(out_channels) if norm else None
        self.query = nn.Linear(out_channels, out_channels)
        # A bias of the keys would add the same to the logits of all keys: the softmax cancels it.
        self.key = nn.Linear(out_channels, out_channels, bias=False)
        self.value = nn.Linear(out_channels, out_channels)
        self.out = nn.Linear(out_channels, out_channels)
        for linear in (self.query, self.key, self.value, self.out):
            nn.init.xavier_uniform_(linear.weight)
            if linear.bias is not None:
                nn.init.zeros_(linear.bias)
        self.ffn = None
        if ffn_channels:
            self.ffn = nn.Sequential(
                nn.LayerNorm(out_channels),
                nn.Linear(out_channels, ffn_channels),
                nn.GELU(),
                nn.Linear(ffn_channels, out_channels),
            )
        self.reallocation = None
        if reallocation is not None:
            self.reallocation = MODELS.build(
                dict(reallocation, modalities=self.modalities, tasks=self.tasks)
            )

    def forward(self, streams: dict[str, Stream]) -> dict[str, Stream]:
        """Add one ``(B, C)`` vector a task under the task's name, and ``'attention'``.

        ``'attention'`` holds the attention that each task pays to each modality in each head,
        ``(B, H, T, M)``; what is missing to one was paid to the task tokens. In evaluation,
        ``'readout'`` has, for each modality and last the task tokens, its attention and then what
        it contributed to what the head reads, ``(B, H, T, M + 1, 1 + D)``: `read` needs no more.
        """
        check_channels(type(self).__name__, self.in_channels, streams)
        keys, shifts, weights, tasks = self._sequence(streams)
        keep = self._keep(keys)
        attention, groups = self._read(keys, shifts, weights, tasks, keep)
        masses = self._masses(keys, attention)
        outputs = {'attention': Stream(masses[..., :-1])}
        used = masses if keep is None else self._masses(keys, attention * keep)
        readout = self._readout(groups, used, shifts)
        if not self.training:
            outputs['readout'] = Stream(torch.cat([masses[..., None], readout], dim=-1))
        fused = self._finish(readout.sum(3), tasks, None if keep is None else used.sum(-1))
        outputs |= {task: Stream(fused[:, index]) for index, task in enumerate(self.tasks)}
        return {**streams, **outputs}

    def read(self, readout: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs under other weights of the modalities, from what `forward` left: exact.

        Args:
            readout: ``'readout'`` of a forward pass without re-allocation.
            weights: ``(M,)``, ``(T, M)`` or ``(B, T, M)``.

        Returns:
            The new attention on the modalities ``(B, H, T, M)``, and the outputs ``(B, T, C)``.

        Raises:
            ValueError: If there are several layers and a residual, whose task tokens depend on
                the sample, or the weights are none.
        """
        if self.layers and self.residual:
            raise ValueError(
                'QueryFusion.read has no closed form for num_layers > 1 with residual=True: the '
                'task tokens differ from sample to sample. Evaluate the network once for each '
                'candidate of `reallocation` instead.'
            )
        mass, heads = reallocate(readout[..., 0], readout[..., 1:], weights)
        tasks = self.task_tokens if self.norm is None else self.norm(self.task_tokens)
        return mass, self._finish(heads, tasks.expand(len(mass), -1, -1))

    def _sequence(
        self, streams: dict[str, Stream]
    ) -> tuple[list[Tensor], Tensor | None, Tensor, Tensor]:
        """Keys by modality ``(B, C, L_m)``, softmax weights, task tokens ``(B or 1, T, C)``.

        Second are vectors ``(M, C)`` that are still to be added to all keys of a modality, or None:
        the embeddings, where only the last layer's products see them. Those are linear in the keys,
        so adding to the products does the same without a copy of every token.
        """
        keys, weights = [], []
        linear = not self.layers and self.norm is None
        for index, name in enumerate(self.modalities):
            stream = streams[name]
            x = stream.x.flatten(2) if stream.x.dim() > 2 else stream.x[:, :, None]
            real = _real_tokens(stream)
            if real is not None and (torch.compiler.is_compiling() or not bool(real.all())):
                x = x.masked_fill(~real[:, None], 0)  # 0 times NaN would still be NaN
            if name in self.projections:
                x = torch.einsum('bil,oi->bol', x, self.projections[name].weight)
                x = x + self.projections[name].bias[:, None]
            if self.positions and stream.x.dim() > 2:
                x = x + sine_positions(tuple(stream.x.shape[2:]), x.shape[1]).flatten(1).to(x)
            if self.modality_embedding is not None and not linear:
                x = x + self.modality_embedding[index][:, None]
            keys.append(x)
            weights.append(x.new_ones(x.shape[0], x.shape[2]) if real is None else real.to(x))
        tasks = self.task_tokens[None]
        if self.layers:
            keys, tasks = self._mix(keys, torch.cat(weights, dim=1), tasks)
        if self.norm is not None:
            keys = [self.norm(x.transpose(1, 2)).transpose(1, 2) for x in keys]
            tasks = self.norm(tasks)
        if self.task_tokens_as_keys:
            batch = keys[0].shape[0]
            keys.append(tasks.expand(batch, -1, -1).transpose(1, 2))
            weights.append(weights[0].new_ones(batch, len(self.tasks)))
        weights = torch.cat([part.float() for part in weights], dim=1)[:, None]  # (B, 1, L)
        if self.reallocation is not None and not self.training:
            weights = weights * self._spread(self.reallocation(streams), keys)
        return keys, self.modality_embedding if linear else None, weights, tasks

    def _spread(self, weights: Tensor, keys: list[Tensor]) -> Tensor:
        """Weights of modalities ``(B or 1, T, M)`` -> of tokens ``(B or 1, T, L)``."""
        weights = F.pad(weights, (0, len(keys) - len(self.modalities)), value=1.0)
        groups = weights.unbind(dim=2)
        return torch.cat(
            [group[:, :, None].expand(-1, -1, x.shape[2]) for group, x in zip(groups, keys)], dim=2
        )

    def _mix(self, keys: list[Tensor], weights: Tensor, tasks: Tensor) -> tuple[list, Tensor]:
        """Layers before the last: every token looks at every real one."""
        batch, sizes = keys[0].shape[0], [x.shape[2] for x in keys]
        tokens = torch.cat([*(x.transpose(1, 2) for x in keys), tasks.expand(batch, -1, -1)], dim=1)
        hidden = F.pad(weights == 0, (0, len(self.tasks)))
        for layer in self.layers:
            tokens = layer(tokens, src_key_padding_mask=hidden)
        *keys, tasks = tokens.split([*sizes, len(self.tasks)], dim=1)
        return [x.transpose(1, 2) for x in keys], tasks

    def _keep(self, keys: list[Tensor]) -> Tensor | None:
        """Factors of dropout on the attention ``(B, H, T, L)``, None for none."""
        if not (self.training and self.attention_dropout):
            return None
        length = sum(x.shape[2] for x in keys)
        ones = keys[0].new_ones(len(keys[0]), self.num_heads, len(self.tasks), length)
        return F.dropout(ones, self.attention_dropout)

    def _read(
        self,
        keys: list[Tensor],
        shifts: Tensor | None,
        weights: Tensor,
        tasks: Tensor,
        keep: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """Attention of the task tokens ``(B, H, T, L)``, and what it reads ``(B, G, H, T, C)``.

        The latter is of each group of keys, without the shifts.
        """
        query = self.query(tasks).unflatten(-1, (self.num_heads, -1))
        scale = query.shape[-1] ** -0.5
        # The key projection goes to the queries: q . (W k) = (W^T q) . k.
        absorbed = torch.einsum('bthd,hdc->bhtc', query * scale, self._by_head(self.key))
        exact = torch.promote_types(absorbed.dtype, weights.dtype)
        offsets = log_weights(weights.to(exact))[:, None]  # (B, 1, 1 or T, L)
        if shifts is not None:
            added = (absorbed @ shifts.mT.to(absorbed)).to(offsets).split(1, dim=3)
            added = [part.expand(-1, -1, -1, x.shape[2]) for part, x in zip(added, keys)]
            rest = offsets.shape[3] - sum(part.shape[3] for part in added)
            offsets = offsets + F.pad(torch.cat(added, dim=3), (0, rest))
        offsets = offsets.expand(-1, self.num_heads, len(self.tasks), -1)
        attention, groups = read_tokens(
            absorbed.flatten(1, 2),
            offsets.flatten(1, 2),
            [x.to(absorbed) for x in keys],
            None if keep is None else keep.flatten(1, 2),
        )
        heads = (self.num_heads, -1)
        return attention.unflatten(1, heads), groups.unflatten(2, heads)

    def _masses(self, keys: list[Tensor], attention: Tensor) -> Tensor:
        """Attention on each modality, and last on the task tokens: ``(B, H, T, M + 1)``."""
        sizes = [x.shape[2] for x in keys]
        if not self.task_tokens_as_keys:
            sizes.append(0)
        return modality_mass(attention, sizes)

    def _readout(self, groups: Tensor, used: Tensor, shifts: Tensor | None) -> Tensor:
        """What each group of keys contributes to each head: ``(B, H, T, M + 1, D)``.

        In training the groups are added up first, ``(B, H, T, 1, D)``: one projection for all.
        """
        groups = groups.movedim(1, 3)  # (B, H, T, G, C)
        used = used[..., : len(self.modalities)].to(groups)
        if self.training:
            read = groups.sum(3, keepdim=True)
            if shifts is not None:
                read = read + (used @ shifts.to(used))[..., None, :]
        else:
            read = F.pad(groups, (0, 0, 0, used.shape[3] + 1 - groups.shape[3]))
            if shifts is not None:
                read = read + F.pad(used[..., None] * shifts, (0, 0, 0, 1))
        return torch.einsum('bhtgc,hdc->bhtgd', read, self._by_head(self.value))

    def _finish(self, heads: Tensor, tasks: Tensor, total: Tensor | None = None) -> Tensor:
        """From what the heads read ``(B, H, T, D)`` to the outputs ``(B, T, C)``.

        ``total`` is the sum of the attention ``(B, H, T)``, 1 but for dropout: the bias of the
        values counts that often.
        """
        bias = self.value.bias.unflatten(0, (self.num_heads, 1, -1))
        heads = heads + (bias if total is None else bias * total[..., None])
        fused = self.out(heads.transpose(1, 2).flatten(2))
        if self.residual:
            fused = fused + tasks
        return fused if self.ffn is None else fused + self.ffn(fused)

    def _by_head(self, linear: nn.Linear) -> Tensor:
        """Weight of a projection by head: ``(H, D, C)``."""
        return linear.weight.unflatten(0, (self.num_heads, -1))


def _real_tokens(stream: Stream) -> Tensor | None:
    """True for a real token: ``(B, L_m)``; None if all are."""
    if stream.mask is None:
        return None
    steps = stream.x[0, 0].numel()  # of a vector: one
    mask = stream.mask[:, None] if stream.mask.dim() == 1 else stream.mask
    return mask.repeat_interleave(steps // mask.shape[1], dim=1)
