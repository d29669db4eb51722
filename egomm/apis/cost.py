"""How large a model is and how much it computes, part by part.

Operations are counted by `torch.utils.flop_counter`: those of matrix products, convolutions and
attention, where a multiplication and an addition are two. Norms, activations, sums and pooling are
not counted.
"""

from typing import NamedTuple

import torch
from mmengine.config import Config
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from egomm.apis.plain_model import plain_attention, plain_model


class Cost(NamedTuple):
    """One part of a model.

    Attributes:
        part: Such as ``backbones.rgb``, ``neck`` or ``heads.verb``.
        parameters: Numbers that are learned, frozen ones included.
        trained: Those of them that are not frozen.
        operations: Floating-point operations for one clip.
    """

    part: str
    parameters: int
    trained: int
    operations: int


def count_parts(
    config: Config, length: int | None = None
) -> tuple[list[Cost], dict[str, tuple[int, ...]]]:
    """Cost of each part of a config's model for one clip; neither weights nor data are needed.

    Args:
        config: See `plain_model`.
        length: Positions of a localizer's clip; by default those that its config trains with.

    Returns:
        A row a part that has parameters or computes anything, and last the ``total``; and the
        shapes of the inputs by name.

    Raises:
        ValueError: As `plain_model` does.
    """
    network, (inputs, *_) = plain_model(config, None, length=length)
    parts: dict[str, nn.Module] = {}
    for room in ('backbones', 'parts', 'neck', 'heads'):
        module = getattr(network.model, room)
        children = {'': module} if room == 'neck' else dict(module.items())
        parts |= {f'{room}.{name}'.rstrip('.'): child for name, child in children.items()}
    sizes = {name: _sizes(part) for name, part in parts.items()}
    whole = _sizes(network)
    network.requires_grad_(False)  # the counter follows whatever could have a gradient
    counter = FlopCounterMode(display=False)
    # Fused kernels hide their products from the counter.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), plain_attention(), counter:
        network(*inputs.values())
    counts = {
        name.partition('.')[2]: sum(by_kind.values())
        for name, by_kind in counter.get_flop_counts().items()
    }
    rows = [Cost(name, *sizes[name], counts.get(f'model.{name}', 0)) for name in parts]
    total = Cost('total', *whole, counter.get_total_flops())
    shapes = {name: tuple(x.shape) for name, x in inputs.items() if x.dtype != torch.bool}
    return [*(row for row in rows if any(row[1:])), total], shapes


def _sizes(module: nn.Module) -> tuple[int, int]:
    sizes = [(p.numel(), p.requires_grad) for p in module.parameters()]
    return sum(size for size, _ in sizes), sum(size for size, trained in sizes if trained)
