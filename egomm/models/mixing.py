"""Mixup and CutMix of clips with several modalities and tasks.

Sources: mixup, Zhang et al., 2018 (arXiv:1710.09412); CutMix, Yun et al., 2019 (arXiv:1905.04899);
Omnivore's recipe has both, one of them drawn for each batch.

Shapes: B = batch, C = channels, T = time, H, W = height and width.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from egomm.registry import MODELS
from egomm.structures import Stream


class Mix(NamedTuple):
    """What was mixed into each row: row ``partners[i]`` ``(B,)``, with the rest of ``share``."""

    partners: Tensor
    share: float


@MODELS.register_module()
class ClipMixing(nn.Module):
    """Mix every clip of a training batch with another one: one order and one share for all.

    Mixup: ``share * x + (1 - share) * x[partners]`` in all modalities. CutMix: the same box, in
    parts of height and width, is pasted from the partner into all frames of the modalities in
    ``plane``; its share is the area outside of the box. The axes of a spectrogram are not those
    of the picture, so a box there would mean something else; it is mixed as sound is, by sums.

    A modality that one of the two clips lacks counts as present. Its values are scaled as the
    share says, as if the lacking clip had zeros, the mean after normalisation: evidence and label
    stay in proportion.

    A row without any label (padding) is mixed with itself alone. Chance comes from torch's
    generator of the process on the CPU.

    Args:
        mixup: Both parameters of the Beta distribution of mixup's share; 0 is no mixup.
        cutmix: The same for CutMix. With both above 0 a batch draws one of them.
        plane: Modalities that CutMix pastes a box into; the others are mixed as in mixup.

    Raises:
        ValueError: If neither is above 0, or ``plane`` names a modality that is no picture.
    """

    def __init__(
        self, *, mixup: float = 0.0, cutmix: float = 0.0, plane: tuple[str, ...] = ('rgb', 'flow')
    ) -> None:
        super().__init__()
        if min(mixup, cutmix) < 0 or not 0 < max(mixup, cutmix) < math.inf:
            raise ValueError(
                f'ClipMixing wants finite mixup >= 0 and cutmix >= 0, one of them above 0; got '
                f'{mixup!r} and {cutmix!r}. Remove `mixing` from the model to train without.'
            )
        self.mixup = mixup
        self.cutmix = cutmix
        self.plane = tuple(plane)

    def forward(self, inputs: dict[str, Stream], labelled: Tensor) -> tuple[dict[str, Stream], Mix]:
        """Mix the streams, ``(B, C, ...)`` each.

        Args:
            inputs: Streams by modality.
            labelled: Which rows have a label, ``(B,)`` bool on the CPU.

        Returns:
            The mixed streams, and how their targets are to be mixed.
        """
        rows = labelled.nonzero()[:, 0]
        partners = torch.arange(len(labelled))
        partners[rows] = rows[torch.randperm(len(rows))]
        cut = self.cutmix > 0 and (self.mixup == 0 or bool(torch.rand(()) < 0.5))
        strength = torch.tensor(float(self.cutmix if cut else self.mixup))
        share = float(torch.distributions.Beta(strength, strength).sample())
        box = None
        if cut:
            box, share = self._box(inputs, share)
        mixed = {
            name: _mix(stream, partners, share, box if name in self.plane else None)
            for name, stream in inputs.items()
        }
        return mixed, Mix(partners, share)

    def _box(
        self, inputs: dict[str, Stream], share: float
    ) -> tuple[tuple[float, float, float, float], float]:
        """Top, bottom, left, right in parts of the picture, and the share outside.

        Edges lie between pixels of the first modality of ``plane``, so that the share is exact
        there and in all of its size; the others round to their own pixels.
        """
        wrong = [name for name in self.plane if name not in inputs or inputs[name].x.dim() < 4]
        if wrong or not self.plane:
            shapes = {name: tuple(stream.x.shape) for name, stream in inputs.items()}
            raise ValueError(
                f'CutMix wants pictures (B, C, ..., H, W) for plane={list(self.plane)}; got '
                f'{shapes}. Name in `plane` what lies in the plane of the picture, or use mixup.'
            )
        edges: list[float] = []
        area = 1.0
        for size in inputs[self.plane[0]].x.shape[-2:]:
            half = size * (1 - share) ** 0.5 / 2
            centre = float(torch.rand(())) * size
            low, high = max(round(centre - half), 0), min(round(centre + half), size)
            edges += [low / size, high / size]
            area *= (high - low) / size
        return (edges[0], edges[1], edges[2], edges[3]), 1 - area


def _mix(
    stream: Stream,
    partners: Tensor,
    share: float,
    box: tuple[float, float, float, float] | None,
) -> Stream:
    order = partners.to(stream.x.device)
    other = stream.x[order]
    if box is None:
        x = other.lerp(stream.x, share)  # exact where both are the same
    else:
        height, width = stream.x.shape[-2:]
        rows = slice(round(box[0] * height), round(box[1] * height))
        columns = slice(round(box[2] * width), round(box[3] * width))
        x = stream.x.clone()
        x[..., rows, columns] = other[..., rows, columns]
    return Stream(x, None if stream.mask is None else stream.mask | stream.mask[order])
