"""What the points of a temporal pyramid learn from the segments of their clip.

Source: ActionFormer (arXiv:2202.07925); Action Sensitivity Learning (arXiv:2306.09172) for the
weights, and its code (github.com/JonnyS1226/ego4d_asl) for the clip-level loss.

Shapes: B = batch, P = points, C = classes, N = segments of a clip.
"""

from typing import NamedTuple

import torch
from mmengine import dist
from torch import Tensor, nn

from egomm.functional.classification import focal_loss, presence_loss
from egomm.functional.segments import assign_points, diou_loss, offset_iou
from egomm.functional.sensitivity import mean_one
from egomm.registry import MODELS

H_BINS = 5


class _Targets(NamedTuple):
    """Of all points of the batch; the weights are 1 where a point has no segment."""

    classes: Tensor  # (B, P, C)
    offsets: Tensor  # (B, P, 2)
    positive: Tensor  # (B, P) bool
    class_weight: Tensor  # (B, P)
    offset_weight: Tensor  # (B, P)
    present: Tensor  # (B, C), 1 where the class occurs in the clip
    quality: Tensor  # (B, P, 2), how good classes and offsets are; 0 where a point has no segment


@MODELS.register_module()
class LocalizationLoss(nn.Module):
    """Focal loss at every real point, DIoU loss at points with a segment, both over a running mean.

    The divisor is a running mean of the number of positive points, kept with the weights
    (buffer ``normaliser``), so that a resumed run goes on as it would have.

    Args:
        num_classes: ``C``.
        sensitivity: Config of the weights of positive points, by default `ActionSensitivity`,
            without its ``num_classes``; None weighs all 1.
        centre_radius: How many strides around the centre of a segment points may lie; None takes
            all inside.
        alpha: Weight of the positive class in the focal loss.
        label_smoothing: Share of the truth that is spread over the classes.
        offset_weight: Weight of the DIoU loss; None makes it as large as the focal loss.
        presence_weight: Weight of the loss of which classes occur in the clip; 0 leaves it out.
        start: Of the running mean.
        momentum: Of the running mean.

    Raises:
        ValueError: If one of these is out of its range.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        sensitivity: dict | None = None,
        centre_radius: float | None = 1.5,
        alpha: float = 0.25,
        label_smoothing: float = 0.0,
        offset_weight: float | None = 1.0,
        presence_weight: float = 0.0,
        start: float = 100.0,
        momentum: float = 0.9,
    ) -> None:
        super().__init__()
        shares = dict(alpha=alpha, label_smoothing=label_smoothing, momentum=momentum)
        weights = dict(offset_weight=offset_weight, presence_weight=presence_weight)
        sizes = dict(centre_radius=centre_radius, start=start)
        if (
            not all(0 <= share <= 1 for share in shares.values())
            or not all(weight is None or weight >= 0 for weight in weights.values())
            or not all(size is None or size > 0 for size in sizes.values())
        ):
            raise ValueError(
                f'LocalizationLoss wants {", ".join(shares)} within 0..1, {", ".join(weights)} '
                f'>= 0 and {", ".join(sizes)} > 0; got {shares | weights | sizes}.'
            )
        if not (sensitivity is None or isinstance(sensitivity, dict)):
            raise ValueError(
                "LocalizationLoss wants sensitivity=dict(form='paper'), or None for none; got "
                f'{sensitivity!r}.'
            )
        self.num_classes = num_classes
        self.sensitivity = None
        if sensitivity is not None:
            self.sensitivity = MODELS.build(
                dict(type='ActionSensitivity') | dict(sensitivity, num_classes=num_classes)
            )
        self.centre_radius = centre_radius
        self.alpha = alpha
        self.label_smoothing = label_smoothing
        self.offset_weight = offset_weight
        self.presence_weight = presence_weight
        self.momentum = momentum
        self.register_buffer('normaliser', torch.tensor(float(start)))

    def forward(
        self,
        logits: Tensor,
        offsets: Tensor,
        mask: Tensor,
        points: Tensor,
        targets: list[dict | None],
        quality: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Losses, and what the weights of positive points are like.

        Args:
            logits: ``(B, P, C)``.
            offsets: (left, right) in strides ``(B, P, 2)``, not negative.
            mask: True at real points ``(B, P)``.
            points: ``(P, 4)`` of `pyramid_points`.
            targets: For each clip ``segments`` ``(N, 2)`` in the unit of the points and ``labels``
                ``(N,)``, or None, which takes no part. A clip without segments is background.
            quality: How good a head believes its classes and offsets to be ``(B, P, 2)`` within
                0..1: averaged with the Gaussians, as constants, and taught what they are, the
                probability of the segment's class and the overlap with it.

        Returns:
            ``loss_class``, ``loss_offset`` and, if wanted, ``loss_presence``; ``loss_quality``
            with quality; with sensitivity
            ``h_mean`` and the shares of its values in fifths of 0..1, ``h_0_20`` to ``h_80_100``,
            over the positive points of this process, and ``h_ends``, the mean weight of offsets.

        Raises:
            ValueError: If a label is out of range, or offsets are NaN.
        """
        logits, offsets = logits.float(), offsets.float()
        labelled = torch.tensor([target is not None for target in targets], device=mask.device)
        mask = mask & labelled[:, None]
        made = self._targets(mask, points, targets, logits, offsets, quality)
        total = self._normaliser(made.positive)

        wanted = made.classes
        if self.label_smoothing:
            spread = self.label_smoothing / (self.num_classes + 1)
            wanted = wanted * (1 - self.label_smoothing) + spread
        focal = focal_loss(logits, wanted, self.alpha).sum(dim=2) * made.class_weight
        loss_class = torch.where(mask, focal, 0).sum() / total
        diou = diou_loss(offsets[made.positive], made.offsets[made.positive])
        loss_offset = (diou * made.offset_weight[made.positive]).sum() / total
        weight = self.offset_weight
        if weight is None:
            weight = loss_class.detach() / loss_offset.detach().clamp(min=0.01)
        losses = dict(loss_class=loss_class, loss_offset=weight * loss_offset)
        if self.presence_weight:
            presence = presence_loss(logits, mask, made.present).sum() / total
            losses['loss_presence'] = self.presence_weight * presence
        if quality is not None:
            error = (quality.float() - made.quality)[made.positive].square().sum()
            losses['loss_quality'] = error / total
        if self.sensitivity is not None:
            losses.update(_describe(made.class_weight[made.positive].detach()))
            ends = made.offset_weight[made.positive].detach()
            losses['h_ends'] = ends.sum() / max(len(ends), 1)
        return losses

    def _targets(
        self,
        mask: Tensor,
        points: Tensor,
        targets: list[dict | None],
        logits: Tensor,
        offsets: Tensor,
        quality: Tensor | None,
    ) -> _Targets:
        rows = []
        for row, (real, target) in enumerate(zip(mask, targets)):
            if target is None:
                target = dict(segments=torch.zeros(0, 2), labels=torch.zeros(0, dtype=torch.long))
            segments = torch.as_tensor(target['segments']).to(points)
            labels = torch.as_tensor(target['labels']).to(points.device)
            made = assign_points(points, segments, labels, self.num_classes, self.centre_radius)
            positive = real & (made.segment >= 0)
            whole = torch.ones_like(points[:, 0])
            ends = torch.ones_like(whole)
            good = points.new_zeros(len(points), 2)
            if quality is not None and len(labels):
                chosen = labels[made.segment[positive]][:, None]
                good[positive] = torch.stack(
                    [
                        logits[row].detach()[positive].sigmoid().gather(1, chosen)[:, 0],
                        offset_iou(offsets[row].detach()[positive], made.offsets[positive]),
                    ],
                    dim=1,
                )
            if self.sensitivity is not None and len(labels):
                h = self.sensitivity(points[positive], segments, labels, made.segment[positive])
                if quality is not None:
                    believed = quality[row].detach().to(points)[positive].unbind(1)
                    h = [(value + belief) / 2 for value, belief in zip(h, believed)]
                whole, ends = (
                    one.masked_scatter(positive, value) for one, value in zip((whole, ends), h)
                )
            present = torch.zeros(self.num_classes, device=points.device)
            present[labels] = 1.0
            rows.append(_Targets(made.classes, made.offsets, positive, whole, ends, present, good))
        made = _Targets(*(torch.stack(column) for column in zip(*rows)))
        if self.sensitivity is not None and self.sensitivity.mean_one:
            whole, ends = (
                mean_one(weight.flatten(), made.positive.flatten()).view_as(weight)
                for weight in (made.class_weight, made.offset_weight)
            )
            made = made._replace(class_weight=whole, offset_weight=ends)
        return made

    def _normaliser(self, positive: Tensor) -> Tensor:
        """The divisor, after this step's positives (the mean over the processes) joined it."""
        if self.training:
            count = positive.sum().float()
            dist.all_reduce(count, op='mean')
            self.normaliser.lerp_(count.clamp(min=1), 1 - self.momentum)
        return self.normaliser.clone()


def _describe(h: Tensor) -> dict[str, Tensor]:
    """Mean and histogram of weights ``(K,)``; zeros if there are none."""
    count = max(len(h), 1)
    shares = torch.histc(h.clamp(max=1), H_BINS, 0, 1) / count
    step = 100 // H_BINS
    return {
        'h_mean': h.sum() / count,
        **{f'h_{step * bin}_{step * (bin + 1)}': share for bin, share in enumerate(shares)},
    }
