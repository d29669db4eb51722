"""Which cells of a trained network's map speak for a class."""

import numpy as np
import torch
from torch import nn

from egomm.functional.saliency import class_activation
from egomm.structures import Stream


@torch.no_grad()
def class_activations(
    model: nn.Module, outputs: dict[str, Stream], task: str, classes: list[int] | None = None
) -> tuple[list[int], np.ndarray]:
    """Class activation maps of a batch, for any backbone whose map one linear layer reads pooled.

    Args:
        model: A `MultiIOModel`.
        outputs: Its neck's outputs, as ``model.extract`` gives them.
        task: A task with a `ClassificationHead`.
        classes: The class to look for, one a sample; by default the one that the head answers.

    Returns:
        The classes, and ``(B, t, h, w)``: what each cell adds to the class's logit, times the
        number of cells, without the bias. ``egomm.visualization.saliency.saliency_tube`` spreads
        one over the frames.

    Raises:
        ValueError: If there is no such head, it has no single linear layer, or it reads no map.
    """
    if task not in model.heads:
        raise ValueError(
            f'class_activations has task={task!r}, but the model has heads for '
            f'{sorted(model.heads)}. Name one of these that classifies.'
        )
    head = model.heads[task]
    linear = getattr(head, 'linear', None)
    shape = tuple(outputs[head.source].x.shape) if head.source in outputs else None
    if not isinstance(linear, nn.Linear) or shape is None or len(shape) != 5:
        raise ValueError(
            f'class_activations wants a head with one `linear` layer on the mean of a map '
            f'(B, C, t, h, w); head {task!r} is a {type(head).__name__} that reads {shape}. Only '
            "heads that read a backbone's map, such as source='rgb', can be looked into."
        )
    stream = outputs[head.source]
    if classes is None:
        classes = head(stream).argmax(dim=1).tolist()
    rows = linear.weight[classes]
    maps = [
        class_activation(features.float().cpu(), row.float().cpu())
        for features, row in zip(stream.x, rows)
    ]
    return classes, np.stack(maps)
