"""Several localizers as one: the mean of their raw outputs, decoded once.

Source: Action Sensitivity Learning (arXiv:2306.09172, 4.1), whose entry averages the logits of
three models; its code averages the offsets as well.
"""

from typing import Any

import torch
from mmengine.model import BaseModel, ModuleList
from torch import Tensor

from egomm.models.heads.localization import LocalizationHead
from egomm.models.layers.masked import step_mask
from egomm.models.multi_io import MultiIOModel
from egomm.registry import MODELS
from egomm.structures import EgoSample, Stream


@MODELS.register_module()
class LocalizationEnsemble(BaseModel):
    """Members of one architecture, each with weights of its own.

    They are best trained apart, with other seeds, and joined by ``tools/join_checkpoints.py``.
    Trained here, they see the same batches. Members of another architecture, with other levels or
    lengths, are merged after decoding instead: ``tools/submit.py`` and ``tools/score.py`` take
    several files of segments.

    Args:
        count: Number of members, at least two.
        data_preprocessor: As in `MultiIOModel`.
        init_cfg: As there.
        **member: The other arguments of `MultiIOModel`, for every member.

    Raises:
        ValueError: If there are fewer than two members, or a head is no `LocalizationHead`.
    """

    def __init__(
        self,
        *,
        count: int,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
        **member: Any,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        if count < 2:
            raise ValueError(
                f'LocalizationEnsemble wants count >= 2; got {count}. For one model take '
                'MultiIOModel.'
            )
        self.members = ModuleList([MultiIOModel(**member) for _ in range(count)])
        for task, head in self.members[0].heads.items():
            if not isinstance(head, LocalizationHead):
                raise ValueError(
                    f'LocalizationEnsemble averages what goes into the decoding of a '
                    f'LocalizationHead; head {task!r} is a {type(head).__name__}. Fuse scores of '
                    'classes with tools/score.py or tools/submit.py.'
                )

    def forward(
        self,
        inputs: dict[str, Stream],
        data_samples: list[EgoSample] | None = None,
        mode: str = 'tensor',
    ) -> list[dict[str, Stream]] | dict[str, Tensor] | list[EgoSample]:
        """The same as `MultiIOModel.forward`; losses are named ``member<i>/<task>/<name>``.

        'tensor' returns the neck's outputs of every member.

        Raises:
            ValueError: If ``mode`` is none of the three.
        """
        if mode == 'tensor':
            return [member.extract(inputs) for member in self.members]
        if mode == 'loss':
            return {
                f'member{number}/{name}': value
                for number, member in enumerate(self.members)
                for name, value in member(inputs, data_samples, 'loss').items()
            }
        if mode == 'predict':
            return self._predict(inputs, data_samples)
        raise ValueError(f"mode is 'tensor', 'loss' or 'predict'; got {mode!r}")

    def _predict(self, inputs: dict[str, Stream], samples: list[EgoSample]) -> list[EgoSample]:
        outputs = [member.extract(inputs) for member in self.members]
        metas = [sample.metainfo for sample in samples]
        for sample in samples:
            sample.pred = {}
        for task, head in self.members[0].heads.items():
            raw = [
                member.heads[task](output[head.source])
                for member, output in zip(self.members, outputs)
            ]
            logits, offsets = (torch.stack(parts).mean(dim=0) for parts in zip(*raw))
            mask = step_mask(outputs[0][head.source])
            for sample, answer in zip(samples, head.decode(logits, offsets, mask, metas)):
                sample.pred[task] = answer
        return samples
