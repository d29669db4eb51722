"""From the loader's lists of tensors to normalised, masked streams on the device."""

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from egomm.registry import MODELS
from egomm.structures import Stream


@MODELS.register_module()
class EgoDataPreprocessor(BaseDataPreprocessor):
    """Stack, move, normalise and mask every modality.

    Frames travel as uint8 and become floats on the device. A modality that a sample lacks
    becomes zeros after normalisation, so nothing of its placeholder is left.

    Args:
        modalities: ``mean`` and ``std`` by modality, one number a channel, in the unit of the
            packed tensor (0..255 for frames and flow). None in the place of both leaves floats,
            such as tokens, as they are.
        drop: Modalities to mask out in evaluation, to measure what a model owes to them.
            Training ignores it.

    Raises:
        ValueError: If the batch lacks a modality named here, ``drop`` names another one,
            samples differ in shape, a sample has no modality at all, or integers come without
            ``mean`` and ``std``.
    """

    def __init__(self, modalities: dict[str, dict | None], drop: tuple[str, ...] = ()) -> None:
        super().__init__(non_blocking=True)
        self.names = tuple(modalities)
        self.drop = tuple(drop)
        for name, values in modalities.items():
            if values is None:
                continue
            if not isinstance(values, dict) or not {'mean', 'std'} <= set(values):
                raise ValueError(
                    f'EgoDataPreprocessor wants modalities[{name!r}]=dict(mean=[...], std=[...]); '
                    f'got {values!r}. Give it both, or delete the key in the config file.'
                )
            if len(values['mean']) != len(values['std']):
                raise ValueError(
                    f'{name}: mean has {len(values["mean"])} channels, std '
                    f'{len(values["std"])}. Give one of each a channel.'
                )
            for key in ('mean', 'std'):
                buffer = torch.tensor([float(value) for value in values[key]])
                self.register_buffer(f'{name}_{key}', buffer, persistent=False)

    def forward(self, data: dict, training: bool = False) -> dict:
        """Turn a collated batch into model arguments.

        Args:
            data: ``inputs`` {modality: ``(B, C, T, H, W)``, or a list of ``(C, T, H, W)``},
                ``present`` {modality: list of bool} and ``data_samples``, as ``stack_clips`` or
                ``pseudo_collate`` leaves them.
            training: Whether the batch is to be trained on.

        Returns:
            dict: ``inputs`` {modality: Stream ``(B, C, T, H, W)``} and ``data_samples``.
        """
        self._check(data)
        dropped = () if training else self.drop
        inputs = {
            name: self._stream(name, data['inputs'][name], data['present'][name], name in dropped)
            for name in self.names
        }
        return dict(inputs=inputs, data_samples=data.get('data_samples'))

    def _check(self, data: dict) -> None:
        if isinstance(data, list):
            raise ValueError(
                f'the data preprocessor wants one view a clip; got a list of {len(data)} batches, '
                'one a view. Only plain tests take several; elsewhere use one crop (CentreCrop), '
                'one set of instants (views=1).'
            )
        lacking = [key for key in ('inputs', 'present') if key not in data]
        if lacking:
            raise ValueError(
                f'the data preprocessor wants a batch with `inputs` and `present`; got '
                f'{sorted(data)}: {lacking} missing. End the pipeline with `PackSample`, and give '
                "the dataloader collate_fn=dict(type='stack_clips')."
            )
        inputs = data['inputs']
        missing = [name for name in self.names if name not in inputs]
        if missing:
            raise ValueError(
                f'the data preprocessor wants {list(self.names)} but the batch carries '
                f'{sorted(inputs)}: {missing} missing. Add it to `PackSample(inputs=...)` or '
                'remove it from `data_preprocessor.modalities`.'
            )
        unknown = [name for name in self.drop if name not in self.names]
        if unknown:
            raise ValueError(
                f'drop={list(self.drop)}: {unknown} is none of {list(self.names)}. '
                'Name some of these.'
            )
        present = [any(flags) for flags in zip(*(data['present'][name] for name in self.names))]
        if not all(present):
            rows = [row for row, real in enumerate(present) if not real]
            raise ValueError(
                f'rows {rows} of the batch have none of {list(self.names)}: there is nothing to '
                'recognise. Remove these clips from the annotation file.'
            )

    def _stream(
        self, name: str, tensors: Tensor | list[Tensor], present: list[bool], dropped: bool
    ) -> Stream:
        shapes = {tuple(tensor.shape) for tensor in tensors}
        mean = getattr(self, f'{name}_mean', None)
        channels = next(iter(shapes))[0] if mean is None else len(mean)
        if len(shapes) > 1 or next(iter(shapes))[0] != channels:
            raise ValueError(
                f'{name} wants tensors of one shape with {channels} channels first; got '
                f'{sorted(shapes)}. Resize and crop to one size before `PackSample`, and give '
                '`data_preprocessor.modalities` one mean and std a channel.'
            )
        if mean is None and not tensors[0].is_floating_point():
            raise ValueError(
                f'{name} arrives as {tensors[0].dtype}, but data_preprocessor.modalities[{name!r}] '
                'is None, which is for what needs no normalising. Give it mean and std.'
            )
        x = tensors if isinstance(tensors, Tensor) else torch.stack(tensors)
        x = x.to(self.device, non_blocking=True).float()
        if mean is not None:
            shape = (1, -1) + (1,) * (x.dim() - 2)
            x = (x - mean.view(shape)) / getattr(self, f'{name}_std').view(shape)
        mask = torch.tensor(present, device=x.device) & (not dropped)
        if all(present) and not dropped:
            return Stream(x, mask)  # nothing to zero, which would cost a copy
        return Stream(x.masked_fill(~mask.view(-1, *(1,) * (x.dim() - 1)), 0.0), mask)
