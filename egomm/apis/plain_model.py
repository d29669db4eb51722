"""A model as a function of plain tensors, with inputs to call it on; no data is needed.

Shapes: B = batch, C = channels, T = steps.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor, nn

from egomm.apis.clip_models import Clip, EgoClips
from egomm.apis.load import load_model
from egomm.models import MultiIOModel
from egomm.models.backbones.tokens import TokenEmbedding
from egomm.models.heads.localization import LocalizationHead
from egomm.structures import Stream

_MASK = '{}_present'
_WORDS = 48  # as data sets cut sentences


class PlainModel(nn.Module):
    """A `MultiIOModel` in evaluation mode that takes and gives plain tensors.

    Args:
        model: Its ``data_preprocessor`` normalises here what it normalises there; frames come as
            floats 0..255.
    """

    def __init__(self, model: MultiIOModel) -> None:
        super().__init__()
        self.model = model
        self.names = tuple(model.backbones)

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Outputs of the heads, one after the other.

        Args:
            tensors: Values of each modality in the order of the backbones, ``(B, C, ...)``, then
                the mask of each: ``(B,)`` for clips, ``(B, T)`` for sequences.
        """
        count = len(self.names)
        streams = {
            name: Stream(self._prepared(name, x, mask), mask)
            for name, x, mask in zip(self.names, tensors[:count], tensors[count:])
        }
        outputs = self.model.extract(streams)
        answers = [head(outputs[head.source]) for head in self.model.heads.values()]
        return tuple(part for one in answers for part in (one if type(one) is tuple else [one]))

    def output_names(self) -> list[str]:
        """Names of what `forward` returns: the tasks; of a localizer logits and offsets."""
        names = []
        for task, head in self.model.heads.items():
            parts = ('_logits', '_offsets') if isinstance(head, LocalizationHead) else ('',)
            names += [f'{task}{part}' for part in parts]
        return names

    def _prepared(self, name: str, x: Tensor, mask: Tensor) -> Tensor:
        mean = getattr(self.model.data_preprocessor, f'{name}_mean', None)
        if mean is not None:
            shape = (1, -1) + (1,) * (x.dim() - 2)
            std = getattr(self.model.data_preprocessor, f'{name}_std')
            x = (x - mean.view(shape)) / std.view(shape)
        if not x.is_floating_point():
            return x
        kept = mask[:, None] if mask.dim() == 2 else mask.view(-1, *(1,) * (x.dim() - 1))
        return x.masked_fill(~kept, 0.0)


def plain_model(
    config: Config, checkpoint: str | None, *, batch: int = 1, length: int | None = None
) -> tuple[PlainModel, list[dict[str, Tensor]]]:
    """A model on the CPU and two random inputs by name.

    The first has everything; in the second a recognizer of several modalities lacks the last one,
    a localizer the second half of the clip.

    Args:
        config: Of a recognizer that reads video, or of a model of moments or queries.
        checkpoint: Its weights; None for random ones.
        batch: Clips of an input.
        length: Positions of a localizer's clip; by default those that its config trains with.

    Returns:
        The model, and two dicts of inputs ``(batch, C, ...)`` with a name each, masks among them.

    Raises:
        ValueError: If config, checkpoint and arguments do not fit.
    """
    if batch < 1:
        raise ValueError(f'batch counts clips, from 1 up; got {batch}.')
    loader = config.get('test_dataloader') or config.get('val_dataloader') or {}
    dataset = loader.get('dataset') or {}
    if dataset.get('sources') and 'pipeline' not in dataset:
        model = load_model(config, checkpoint)
        if not isinstance(model, MultiIOModel):
            raise ValueError(
                f'{config.filename} has a {type(model).__name__}; a MultiIOModel is wanted. Of an '
                'ensemble, take each member by its own config and checkpoint.'
            )
        examples = _sequences(model, dataset, batch, length)
    elif length is not None:
        raise ValueError(
            'length is for models of moments and queries; a clip has its pipeline. Leave it out.'
        )
    else:
        clips = EgoClips(config, checkpoint)
        model, examples = clips.model, _clips(clips, batch)
    return PlainModel(model.cpu()).eval(), examples


@contextmanager
def plain_attention() -> Iterator[None]:
    """Layers of `torch.nn.Transformer` as their single operations, which others can follow."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def _clips(clips: EgoClips, batch: int) -> list[dict[str, Tensor]]:
    """Inputs in the shapes that the pipeline gives, once whole, once without the last modality."""
    rng = np.random.default_rng(0)
    item = clips.pack(Clip(rng.integers(0, 256, (32, 96, 96, 3), np.uint8), fps=30.0))
    view: Mapping[str, Any] = item[0] if isinstance(item, list) else item
    names = tuple(clips.model.backbones)
    values = {
        name: torch.from_numpy(
            rng.uniform(0, 255, (batch, *view['inputs'][name].shape)).astype(np.float32)
        )
        for name in names
    }
    return [
        {**values, **{_MASK.format(name): torch.full((batch,), name != gone) for name in names}}
        for gone in (None, *names[1:][-1:])
    ]


def _sequences(
    model: MultiIOModel, dataset: Mapping[str, Any], batch: int, length: int | None
) -> list[dict[str, Tensor]]:
    """Random features, once of full length, once with padding in the second half."""
    length = length or dataset.get('length') or len(model.neck.position_code)
    words = dataset.get('words') or {}
    generator = torch.Generator().manual_seed(0)
    values, sizes = {}, {}
    for name, backbone in model.backbones.items():
        sizes[name] = length
        if name == 'words':
            sizes[name] = words.get('max_words', _WORDS)
        shape = batch, _channels(name, backbone, model), sizes[name]
        if isinstance(backbone, TokenEmbedding):
            top = backbone.table.num_embeddings
            values[name] = torch.randint(0, top, shape, generator=generator)
        else:
            values[name] = torch.randn(shape, generator=generator)
    return [
        {
            **values,
            **{
                _MASK.format(name): (torch.arange(size) < size // parts).repeat(batch, 1)
                for name, size in sizes.items()
            },
        }
        for parts in (1, 2)
    ]


def _channels(name: str, backbone: nn.Module, model: MultiIOModel) -> int:
    if isinstance(backbone, TokenEmbedding):
        return 1
    if hasattr(backbone, 'linear'):
        return backbone.linear.in_channels
    return model.neck.word_encoder.linear.in_features  # vectors of words go there as they are
