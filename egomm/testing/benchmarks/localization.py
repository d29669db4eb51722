"""The ASL training step for moments at the configuration of the released code.

The peer is that step with attention as the released code writes it: weights as a matrix that is
kept, relative scores shifted by copying and picked by index, one convolution a level in the heads.

Shapes: B = clips, T = steps, 5,120 channels of four sources.
"""

import torch
from torch import Tensor

from egomm.models.heads.localization import LocalizationHead
from egomm.models.layers.masked import step_mask
from egomm.models.layers.relative import RelativePositionLayer
from egomm.models.layers.temporal import TemporalAttention
from egomm.structures import EgoSample, Stream
from egomm.testing.benchmarks.contest import Contest, Growth, Settings, Side
from egomm.testing.benchmarks.steps import Step, step_difference

SOURCES = dict(egovlp=256, slowfast=2304, omnivore=1536, internvideo=1024)
CLIP_NORM = 1.0


class WrittenOut(TemporalAttention):
    """Softmax of the scores as a matrix."""

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """See `TemporalAttention`."""
        q, k, v = (
            linear(norm(conv(x))).unflatten(1, (self.num_heads, -1)).mT.contiguous()
            for conv, norm, linear in zip(self.convs, self.norms, self.linears)
        )
        keys = mask[:, :: self.stride]
        scores = (q * q.shape[-1] ** -0.5) @ k.mT
        scores = scores.masked_fill(~self._allowed(keys), -torch.inf)
        weights = scores.softmax(dim=-1)
        y = weights @ (v * keys[:, None, :, None].to(v.dtype))
        return self.out(y.mT.contiguous().flatten(1, 2))


class Shifted(RelativePositionLayer):
    """Relative scores of all distances, shifted in memory, then picked by index."""

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """See `RelativePositionLayer`."""
        x = self.dropout(x.mT)
        length = x.shape[1]
        q, k, v = (self._heads(linear(x)).contiguous() for linear in (self.q, self.k, self.v))
        r = self._heads(self.r(self.dropout(self._distances(x))))
        content = (q + self.content_bias) @ k.mT
        position = (q + self.position_bias) @ r.mT  # (B, H, T, 2 T - 1)
        batch, heads, _, distances = position.shape
        shifted = position.reshape(batch, heads, -1)[:, :, length - 1 :]
        shifted = shifted[:, :, : length * (distances - 1)].reshape(
            batch, heads, length, distances - 1
        )
        shifted = torch.index_select(shifted, 3, torch.arange(length, device=x.device))
        scores = (content + shifted) * k.shape[-1] ** -0.5
        itself = torch.eye(length, dtype=torch.bool, device=x.device)
        scores = scores - 1e30 * (~(mask[:, None, None] | itself)).to(scores.dtype)
        weights = self.dropout(scores.softmax(dim=-1))
        y = (weights @ v).transpose(1, 2).flatten(2)
        y = self.attention_norm(x + self.dropout(self.out(y)))
        return self.dropout(self.ffn_norm(y + self.ffn(y))).mT


class LevelByLevel(LocalizationHead):
    """Heads called once a level."""

    def forward(self, stream: Stream) -> tuple[Tensor, Tensor]:
        """See `LocalizationHead`."""
        lengths = self._lengths(stream.x.shape[2])
        parts = zip(stream.x.split(lengths, 2), step_mask(stream).split(lengths, 1), self.scales)
        logits, offsets = [], []
        for x, mask, scale in parts:
            hidden = []
            for layers in (self.class_layers, self.offset_layers):
                y = x
                for layer in layers:
                    y = layer(y, mask)
                hidden.append(y)
            logits.append(self.classes(hidden[0]))
            offsets.append((self.offsets(hidden[1]) * scale).relu())
        return torch.cat(logits, dim=2).mT, torch.cat(offsets, dim=2).mT


def asl_step(settings: Settings) -> Contest:
    """The step of 2 clips of 1,024 steps; in a quick run with half the channels."""
    batch, length, channels = (1, 256, 512) if settings.quick else (2, 1024, 1024)
    step = _asl(batch, length, channels, settings.device)
    style = {TemporalAttention: WrittenOut, RelativePositionLayer: Shifted}
    style[LocalizationHead] = LevelByLevel
    return Contest(
        work=f'ASL MQ training step, official layers, B={batch}, T={length:,}, D={channels:,}',
        peer=Side('released layout, fp32', lambda: step.work('fp32', style)),
        sides=[
            Side('egomm, fp32', step.work, 1.5, tolerance=2e-3),
            Side('egomm, bf16', lambda: step.work('bf16'), 3.0, 0.5, 0.3),
        ],
        difference=step_difference,
        memory='process',
        # Of a smaller network, whose optimiser does not hide what the length costs.
        growth=[]
        if settings.quick
        else [
            Growth(
                'steps of a clip, D=512',
                (256, 512, 1024),
                lambda size: _asl(1, size, 512, settings.device).work(),
            )
        ],
        facts={
            'parameters (millions)': lambda: sum(p.numel() for p in step.model.parameters()) / 1e6
        },
        flops=True,
    )


def _asl(batch: int, length: int, channels: int, device: str) -> Step:
    """A step on generated clips."""
    generator = torch.Generator().manual_seed(0)
    mask = torch.ones(batch, length, dtype=torch.bool)
    mask[-1, length - length // 16 :] = False
    inputs = {}
    for name, wide in SOURCES.items():
        x = torch.randn(batch, wide, length, generator=generator) * mask[:, None]
        inputs[name] = Stream(x.to(device), mask.to(device))
    start = torch.rand(batch, 12, generator=generator) * 0.8 * length
    width = 2 + torch.rand(batch, 12, generator=generator) * 0.1 * length
    labels = torch.randint(0, 110, (batch, 12), generator=generator)
    samples = [
        EgoSample(
            gt=dict(
                moment=dict(
                    segments=torch.stack([start[row], start[row] + width[row]], dim=1).numpy(),
                    labels=labels[row].numpy(),
                )
            )
        )
        for row in range(batch)
    ]
    return Step(
        'asl/mq_asl_official-repo.py',
        {
            'model.neck.dropout': 0.0,
            'model.neck.drop_path': 0.0,
            'model.neck.channels': channels,
            'model.heads.moment.in_channels': channels,
        },
        inputs,
        samples,
        device,
        CLIP_NORM,
    )
