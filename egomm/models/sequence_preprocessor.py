"""From the loader's lists of sequences to padded, masked streams on the device."""

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from egomm.registry import MODELS
from egomm.structures import Stream


@MODELS.register_module()
class SequencePreprocessor(BaseDataPreprocessor):
    """Pad every stream to the longest of the batch, with a mask of the steps.

    Floats become float32 here, on the device, so that half precision travels; integers such as the
    numbers of words stay what they are.

    Raises:
        ValueError: If samples of a stream are no sequences or differ in channels.
    """

    def __init__(self) -> None:
        super().__init__(non_blocking=True)

    def forward(self, data: dict, training: bool = False) -> dict:
        """Turn a collated batch into model arguments.

        Args:
            data: ``inputs`` {name: list of ``(C, T)``} and ``data_samples``, as ``pseudo_collate``
                leaves them.
            training: Makes no difference.

        Returns:
            ``inputs`` {name: Stream ``(B, C, T)`` with mask ``(B, T)``} and ``data_samples``.
        """
        streams = {name: self._stream(name, rows) for name, rows in data['inputs'].items()}
        return dict(inputs=streams, data_samples=data.get('data_samples'))

    def _stream(self, name: str, rows: list[Tensor]) -> Stream:
        if len({(row.dim(), row.shape[0]) for row in rows}) > 1 or rows[0].dim() != 2:
            raise ValueError(
                f'{name} wants sequences (C, T) of one C; got {[tuple(row.shape) for row in rows]}'
                '. Give all clips features of one extraction.'
            )
        lengths = torch.tensor([row.shape[1] for row in rows])
        x = rows[0].new_zeros(len(rows), rows[0].shape[0], int(lengths.max()))
        for place, row in zip(x, rows):
            place[:, : row.shape[1]] = row
        mask = torch.arange(x.shape[2]) < lengths[:, None]
        x = x.to(self.device, non_blocking=True)
        return Stream(x.float() if x.is_floating_point() else x, mask.to(self.device))
