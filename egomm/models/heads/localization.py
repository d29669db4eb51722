"""Segments of a long clip with their classes: moments, or the answer to a query.

Source: ActionFormer (arXiv:2202.07925) as used by Action Sensitivity Learning (arXiv:2306.09172).

Shapes: B = batch, D = channels, P = positions of all levels, C = classes, K = segments found.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from egomm.functional.feature_grid import TimeGrid
from egomm.functional.nms import multiclass_soft_nms, vote
from egomm.functional.segments import level_candidates, pyramid_points
from egomm.models.layers.channels import check_channels
from egomm.models.layers.masked import ConvNormRelu, masked, step_mask, zero_biases
from egomm.registry import MODELS
from egomm.structures import Stream

PRIOR = 0.01  # probability of every class at the start


@dataclass(frozen=True)
class Decoding:
    """From points to segments.

    Attributes:
        min_score: What a (point, class) pair has to exceed.
        level_pairs: Pairs a level that are looked at.
        min_length: What a segment has to exceed, in steps of the finest level.
        sigma: Of soft-NMS within each class.
        min_decayed: Score at which soft-NMS gives a candidate up.
        max_segments: How many segments a clip gets over all classes.
        voting: IoU from which candidates move a segment; None leaves segments where they are.
            For heads of one class.
    """

    min_score: float = 0.001
    level_pairs: int = 5000
    min_length: float = 0.01
    sigma: float = 0.99
    min_decayed: float = 1e-4
    max_segments: int = 2000
    voting: float | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for a number that would find nothing or has no meaning."""
        shares = [self.min_score, 1.0 if self.voting is None else self.voting]
        if (
            not all(0 <= share <= 1 for share in shares)
            or not (self.sigma > 0 and self.min_length >= 0 and self.min_decayed >= 0)
            or min(self.level_pairs, self.max_segments) < 1
        ):
            raise ValueError(
                'decoding wants min_score and voting within 0..1, sigma > 0, min_length and '
                f'min_decayed >= 0, level_pairs and max_segments >= 1; got {self}.'
            )


@MODELS.register_module()
class LocalizationHead(nn.Module):
    """Two stacks of convolutions that all levels of a pyramid share.

    At every position one predicts the classes, the other how far the ends of the segment are.

    Args:
        in_channels: ``D``.
        num_classes: ``C``.
        ranges: For each level the shortest and the longest offset it answers for, in steps of the
            finest level. There are as many as the neck has levels.
        source: Name of the neck output to read.
        num_layers: Hidden convolutions of each stack.
        loss: Arguments of `LocalizationLoss`, without ``num_classes``.
        decoding: Arguments of `Decoding`.
        evaluator: Predict how good classes and offsets are at each point, which then weighs them
            beside the Gaussians: the instance-level evaluator of arXiv:2305.15701. No published
            code has it; what the paper leaves open is unverified.
        contrast: Arguments of `ActionContrast`; None leaves it out. Unverified like the evaluator.

    Raises:
        ValueError: If there is no class or ranges are none, if voting is wanted for more than one
            class, or evaluator or contrast without ``sensitivity`` in ``loss``.
    """

    def __init__(
        self,
        *,
        in_channels: int,
        num_classes: int,
        ranges: Sequence[Sequence[float]],
        source: str = 'pyramid',
        num_layers: int = 2,
        loss: dict | None = None,
        decoding: dict | None = None,
        evaluator: bool = False,
        contrast: dict | None = None,
    ) -> None:
        super().__init__()
        self.in_channels = in_channels
        self.num_classes = num_classes
        if num_classes < 1 or num_layers < 0:
            raise ValueError(
                'LocalizationHead wants num_classes >= 1 and num_layers >= 0; got '
                f'{num_classes} and {num_layers}.'
            )
        if not ranges or not all(
            isinstance(pair, Sequence) and len(pair) == 2 and 0 <= pair[0] < pair[1]
            for pair in ranges
        ):
            raise ValueError(
                'LocalizationHead wants ranges=[(shortest, longest), ...] with 0 <= shortest < '
                f'longest, one a level; got {ranges}.'
            )
        self.ranges = [(float(low), float(high)) for low, high in ranges]
        self.source = source
        self.decoding = Decoding(**(decoding or {}))
        if self.decoding.voting is not None and num_classes > 1:
            raise ValueError(
                f'LocalizationHead votes without regard to the class; got {num_classes} classes. '
                'Leave `voting` out of `decoding`.'
            )
        if (evaluator or contrast is not None) and (loss or {}).get('sensitivity') is None:
            raise ValueError(
                'LocalizationHead wants loss=dict(sensitivity=dict(...)) beside evaluator or '
                f'contrast, which refine it; got loss={loss}.'
            )
        self.class_layers, self.offset_layers = (
            nn.ModuleList(ConvNormRelu(in_channels, in_channels) for _ in range(num_layers))
            for _ in range(2)
        )
        self.classes = nn.Conv1d(in_channels, num_classes, 3, padding=1)
        self.offsets = nn.Conv1d(in_channels, 2, 3, padding=1)
        self.scales = nn.Parameter(torch.ones(len(self.ranges)))
        self.evaluator = None
        if evaluator:
            self.evaluator = nn.ModuleList(
                [ConvNormRelu(in_channels, in_channels), nn.Conv1d(in_channels, 2, 1)]
            )
        zero_biases(self)
        nn.init.constant_(self.classes.bias, -math.log((1 - PRIOR) / PRIOR))
        self.criterion = MODELS.build(
            dict(loss or {}, type='LocalizationLoss', num_classes=num_classes)
        )
        self.contrast = None
        if contrast is not None:
            self.contrast = MODELS.build(dict(contrast, type='ActionContrast'))

    def forward(self, stream: Stream) -> tuple[Tensor, Tensor]:
        """Map ``(B, D, P)`` to logits ``(B, P, C)`` and offsets in strides ``(B, P, 2)``.

        Raises:
            ValueError: If the stream is no pyramid of as many levels as there are ranges.
        """
        x, mask, place, level = self._spaced(stream)
        hidden = []
        for layers in (self.class_layers, self.offset_layers):
            y = x
            for layer in layers:
                y = layer(y, mask)
            hidden.append(y)
        logits = self.classes(hidden[0])[:, :, place]
        offsets = (self.offsets(hidden[1])[:, :, place] * self.scales[level]).relu()
        return logits.mT, offsets.mT

    def loss(self, stream: Stream, targets: list[dict | None]) -> dict[str, Tensor]:
        """Losses of clips with ``segments`` in positions and ``labels``, see `LocalizationLoss`.

        With ``contrast`` also ``loss_contrast``, of the finest level.
        """
        logits, offsets = self(stream)
        points = torch.cat(self._points(logits))
        mask = step_mask(stream)
        quality = None
        if self.evaluator is not None:
            x, real, place, _ = self._spaced(stream)
            layer, last = self.evaluator
            quality = last(layer(x, real))[:, :, place].mT.sigmoid()
        losses = self.criterion(logits, offsets, mask, points, targets, quality)
        if self.contrast is not None:
            frames = slice(self._lengths(mask.shape[1])[0])
            losses['loss_contrast'] = self.contrast(
                stream.x[:, :, frames], mask[:, frames], targets, self.criterion.sensitivity
            )
        return losses

    def _spaced(self, stream: Stream) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """All levels in a row, for convolutions.

        One empty step between levels keeps a convolution over all of them from mixing them.

        Returns:
            ``(B, D, P + levels - 1)`` with its mask, and of each of ``P`` positions its place in
            it and its level.
        """
        wanted = {self.source: self.in_channels}
        check_channels(type(self).__name__, wanted, {self.source: stream})
        lengths = self._lengths(stream.x.shape[2])
        level = torch.cat(
            [stream.x.new_full((count,), i, dtype=torch.long) for i, count in enumerate(lengths)]
        )
        place = torch.arange(len(level), device=stream.x.device) + level
        size = len(level) + len(lengths) - 1
        x = stream.x.new_zeros(*stream.x.shape[:2], size)
        x[:, :, place] = masked(stream.x, step_mask(stream))
        mask = torch.zeros(len(x), size, dtype=torch.bool, device=x.device)
        mask[:, place] = step_mask(stream)
        return x, mask, place, level

    def predict(self, stream: Stream, metas: list[dict]) -> list[dict[str, Tensor]]:
        """Segments of each clip, see `decode`."""
        return self.decode(*self(stream), step_mask(stream), metas)

    def decode(
        self, logits: Tensor, offsets: Tensor, mask: Tensor, metas: list[dict]
    ) -> list[dict[str, Tensor]]:
        """From raw outputs, for example means over several models, to segments.

        Args:
            logits: ``(B, P, C)``.
            offsets: ``(B, P, 2)``.
            mask: True at real positions ``(B, P)``.
            metas: For each clip ``grid`` (fps, stride, window of the positions) and ``duration``
                in seconds.

        Returns:
            For each clip ``segments`` ``(K, 2)`` in seconds within the clip, ``scores`` ``(K,)``
            descending and ``labels`` ``(K,)``, on the CPU.

        Raises:
            ValueError: If a clip does not tell its grid or duration.
        """
        lengths = self._lengths(logits.shape[1])
        levels = self._points(logits)
        scores = logits.detach().float().sigmoid() * mask[..., None]
        answers = []
        for score, offset, meta in zip(scores, offsets.detach().float(), metas):
            lacking = [key for key in ('grid', 'duration') if key not in meta]
            if lacking:
                raise ValueError(
                    f'LocalizationHead wants grid and duration of each clip; {lacking} missing '
                    f'among {sorted(meta)}. Use a data set of features, such as MomentQueries.'
                )
            parts = zip(levels, score.split(lengths), offset.split(lengths))
            segments, found, labels = self._segments(parts)
            seconds = TimeGrid(*meta['grid']).seconds(segments).clamp(0, meta['duration'])
            answers.append(dict(segments=seconds.cpu(), scores=found.cpu(), labels=labels.cpu()))
        return answers

    def _segments(self, parts) -> tuple[Tensor, Tensor, Tensor]:
        rules = self.decoding
        candidates = [
            level_candidates(
                points,
                scores,
                offsets,
                min_score=rules.min_score,
                max_num=rules.level_pairs,
                min_length=rules.min_length,
            )
            for points, scores, offsets in parts
        ]
        segments, scores, labels = (torch.cat(column) for column in zip(*candidates))
        kept, decayed, index = multiclass_soft_nms(
            segments, scores, labels, rules.sigma, rules.min_decayed, rules.max_segments
        )
        if rules.voting is not None and len(kept):
            kept = vote(kept, segments, scores, rules.voting)
        return kept, decayed, labels[index]

    def _points(self, logits: Tensor) -> list[Tensor]:
        """Points ``(positions, 4)`` of each level."""
        return pyramid_points(self._lengths(logits.shape[1])[0], self.ranges, logits.device)

    def _lengths(self, positions: int) -> list[int]:
        """Positions of each level, of the number over all levels."""
        levels = len(self.ranges)
        coarsest, rest = divmod(positions, 2**levels - 1)
        if rest or not coarsest:
            raise ValueError(
                f'LocalizationHead has ranges for {levels} levels, each half as long as the one '
                f'before, but gets {positions} positions. Give the neck levels={levels}, or as '
                'many `ranges` as the neck has levels.'
            )
        return [coarsest * 2 ** (levels - 1 - level) for level in range(levels)]
