"""Query fusion against `torch.nn.MultiheadAttention` over the whole sequence.

Shapes: B = 8 clips, three modalities of L tokens, C = 768 channels, 2 task tokens.
"""

import torch
from torch import Tensor, nn

from egomm.models.necks.query import QueryFusion
from egomm.structures import Stream
from egomm.testing.benchmarks.contest import (
    Contest,
    Growth,
    Settings,
    Side,
    Work,
    relative_difference,
)

MODALITIES = ('rgb', 'flow', 'audio')
TASKS = ('verb', 'noun')
CHANNELS, HEADS, TOKENS = 768, 8, 196


def query_fusion(settings: Settings) -> Contest:
    """Forward and backward pass of the fusion, every token a query or the task tokens only."""
    batch = 8
    return Contest(
        work=f'query fusion, forward + backward, B={batch}, 3 x {TOKENS} tokens, c={CHANNELS}',
        peer=Side('nn.MultiheadAttention, whole sequence', lambda: _whole(batch, settings, False)),
        sides=[
            Side(
                'nn.MultiheadAttention, task tokens as queries',
                lambda: _whole(batch, settings, True),
                tolerance=1e-4,
            ),
            Side(
                'egomm',
                lambda: _ours(batch, TOKENS, settings),
                speed=30,
                memory=0.2,
                tolerance=1e-4,
            ),
        ],
        difference=relative_difference,
        memory='saved',
        growth=[
            Growth('tokens', (196, 392, 784, 1568), lambda size: _ours(2, size, settings)),
        ],
    )


def _inputs(batch: int, tokens: int, device: str) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [
        torch.randn(batch, CHANNELS, tokens, generator=generator).to(device).requires_grad_()
        for _ in MODALITIES
    ]


def _fusion(device: str) -> QueryFusion:
    torch.manual_seed(0)
    return QueryFusion(
        in_channels=dict.fromkeys(MODALITIES, CHANNELS),
        out_channels=CHANNELS,
        tasks=TASKS,
        num_heads=HEADS,
    ).to(device)


def _ours(batch: int, tokens: int, settings: Settings) -> Work:
    fusion = _fusion(settings.device)
    inputs = _inputs(batch, tokens, settings.device)

    def work() -> list[Tensor]:
        outputs = fusion({name: Stream(x) for name, x in zip(MODALITIES, inputs)})
        fused = torch.stack([outputs[task].x for task in TASKS], dim=1)
        return [fused.detach(), *torch.autograd.grad(fused.square().sum(), inputs)]

    return work


def _whole(batch: int, settings: Settings, only_tasks: bool) -> Work:
    fusion = _fusion(settings.device)
    inputs = _inputs(batch, TOKENS, settings.device)
    attention = attention_of(fusion)
    embedding, tasks = fusion.modality_embedding, fusion.task_tokens

    def work() -> list[Tensor]:
        tokens = [x.mT + embedding[index] for index, x in enumerate(inputs)]
        tokens = torch.cat([*tokens, tasks.expand(batch, -1, -1)], dim=1)
        queries = tokens[:, -len(TASKS) :] if only_tasks else tokens
        fused = attention(queries, tokens, tokens, need_weights=False)[0][:, -len(TASKS) :]
        return [fused.detach(), *torch.autograd.grad(fused.square().sum(), inputs)]

    return work


def attention_of(fusion: QueryFusion) -> nn.MultiheadAttention:
    """PyTorch's attention with the weights of a fusion of one layer."""
    channels = fusion.out.out_features
    attention = nn.MultiheadAttention(channels, fusion.num_heads, batch_first=True)
    weight, bias = projections(fusion)
    with torch.no_grad():
        attention.in_proj_weight.copy_(weight)
        attention.in_proj_bias.copy_(bias)
        attention.out_proj.load_state_dict(fusion.out.state_dict())
    return attention.to(fusion.task_tokens.device)


def projections(fusion: QueryFusion) -> tuple[Tensor, Tensor]:
    """Weight and bias of queries, keys and values in one, as PyTorch's attention has them."""
    parts = (fusion.query, fusion.key, fusion.value)
    none = torch.zeros_like(fusion.query.bias)
    return (
        torch.cat([part.weight for part in parts]),
        torch.cat([fusion.query.bias, none, fusion.value.bias]),
    )
