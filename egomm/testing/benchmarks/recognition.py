"""Training steps of the two recognizers: three Swin-T encoders, and MFNet-3D.

Shapes: B = clips, T = frames, S = height and width.
"""

import torch
from mmengine.config import Config
from torch import Tensor
from torch.nn.functional import multi_head_attention_forward

from egomm.models.backbones.mfnet3d import MFNet3D
from egomm.models.necks.query import QueryFusion
from egomm.structures import EgoSample, Stream
from egomm.testing.benchmarks.contest import Contest, Growth, Settings, Side
from egomm.testing.benchmarks.fusion import projections
from egomm.testing.benchmarks.steps import CONFIGS, Step, step_difference

EXACT, HALF = 2e-3, 0.3  # tolerances of gradients in float32 and in bfloat16


class WholeSequence(QueryFusion):
    """The fusion with every token a query, as `torch.nn.MultiheadAttention` computes it."""

    def forward(self, streams: dict[str, Stream]) -> dict[str, Stream]:
        """See `QueryFusion`; without the masses of modalities."""
        tokens = [
            streams[name].x.flatten(2).mT + self.modality_embedding[index]
            for index, name in enumerate(self.modalities)
        ]
        batch = len(tokens[0])
        tokens = torch.cat([*tokens, self.task_tokens.expand(batch, -1, -1)], dim=1)
        tokens = tokens.transpose(0, 1)
        weight, bias = projections(self)
        fused, _ = multi_head_attention_forward(
            *(tokens, tokens, tokens, tokens.shape[2], self.num_heads, weight, bias),
            *(None, None, False, 0.0, self.out.weight, self.out.bias),
            need_weights=False,
        )
        fused = fused[-len(self.tasks) :].transpose(0, 1)
        outputs = {task: Stream(fused[:, index]) for index, task in enumerate(self.tasks)}
        return {**streams, **outputs, 'attention': Stream(fused)}


class DefaultLayout(MFNet3D):
    """The network with channels before time and space in memory, as the authors' code has it."""

    layout = torch.contiguous_format

    def forward(self, stream: Stream) -> Stream:
        """See `MFNet3D`."""
        x = self.maxpool(self.conv1(stream.x.contiguous(memory_format=self.layout)))
        for name in ('conv2', 'conv3', 'conv4', 'conv5'):
            x = self.get_submodule(name)(x)
        return Stream(self.tail(x), stream.mask)


class ChannelsLast(DefaultLayout):
    """The network with channels last in memory."""

    layout = torch.channels_last_3d


def mimo_step(settings: Settings) -> Contest:
    """Three streams, fused, two heads."""
    size = 112 if settings.quick else 224
    batch = 8 if settings.device == 'cuda' else 1 if settings.quick else 2
    generator = torch.Generator().manual_seed(0)
    inputs = {
        name: Stream(torch.randn(batch, channels, 8, size, size, generator=generator))
        for name, channels in (('rgb', 3), ('flow', 2), ('audio', 1))
    }
    step = Step(
        'mimo/epic100_swin-t_query.py',
        {f'model.backbones.{name}.model.drop_path_rate': 0.0 for name in ('rgb', 'flow', 'audio')},
        _on(settings.device, inputs),
        [EgoSample(gt=dict(verb=1 + index, noun=2 + index)) for index in range(batch)],
        settings.device,
    )
    style = {QueryFusion: WholeSequence}
    recipe = Config.fromfile(CONFIGS / '_base_/recipes/activation_checkpointing.py')
    twice = Side(
        'the same with activation checkpointing',
        lambda: step.work('bf16', twice=recipe.activation_checkpointing),
        *(1.5, 0.7, HALF),
    )
    return Contest(
        work=f'MIMO training step, three Swin-T, B={batch}, 8 x {size}',
        peer=Side("mmaction2's encoders, whole attention, fp32", lambda: step.work('fp32', style)),
        sides=[
            Side('egomm, fp32', step.work, speed=1.1, tolerance=EXACT),
            Side('egomm, bf16', lambda: step.work('bf16'), speed=1.5, tolerance=HALF),
            *([] if settings.quick else [twice]),
        ],
        difference=step_difference,
        memory='process',
        flops=True,
    )


def mfnet_step(settings: Settings) -> Contest:
    """One stream, five heads."""
    size = 112 if settings.quick else 224
    batch = 16 if settings.device == 'cuda' else 1 if settings.quick else 2
    step = _mfnet(batch, 16, size, settings.device)
    style = {MFNet3D: DefaultLayout}
    channels_last = Side(
        'channels last, fp32',
        lambda: step.work('fp32', {MFNet3D: ChannelsLast}),
        tolerance=5 * EXACT,
    )
    return Contest(
        work=f'MFNet-3D training step, five tasks, B={batch}, 16 x {size}',
        peer=Side('default layout, fp32', lambda: step.work('fp32', style)),
        sides=[
            Side('egomm, fp32', step.work, 1.7, 0.75, EXACT),
            *([] if settings.quick else [channels_last]),
            Side('egomm, bf16', lambda: step.work('bf16'), 2.4, 0.75, HALF),
        ],
        difference=step_difference,
        memory='process',
        growth=[
            Growth(
                'frames',
                (8, 16, 32),
                lambda frames: _mfnet(1, frames, size // 2, settings.device).work(),
            )
        ],
        # Rates are not printed: torch counts the backward pass of grouped convolutions as dense.
    )


def _mfnet(batch: int, frames: int, size: int, device: str) -> Step:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(batch, 3, frames, size, size, generator=generator)
    labels = dict(action=3, verb=2, noun=1)
    return Step(
        'multitask/egtea_mfnet_avnhg.py',
        {},
        _on(device, {'rgb': Stream(x)}),
        [EgoSample(gt=labels) for _ in range(batch)],
        device,
    )


def _on(device: str, inputs: dict[str, Stream]) -> dict[str, Stream]:
    def move(x: Tensor | None) -> Tensor | None:
        return None if x is None else x.to(device)

    return {name: Stream(move(stream.x), move(stream.mask)) for name, stream in inputs.items()}
