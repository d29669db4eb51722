"""Segments in time: overlap, the points of a feature pyramid, what they learn, what they say.

Source: ActionFormer (Zhang et al., 2022, arXiv:2202.07925) as trained by Action Sensitivity
Learning (arXiv:2306.09172, github.com/JonnyS1226/ego4d_asl); DIoU of Zheng et al., 2020.

A segment is (start, end). A point of the pyramid is (t, range min, range max, stride) and predicts
the offsets (left, right) from ``t`` to the ends of a segment, in strides and not negative.

Shapes: P = points, N, M = segments, C = classes.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

TINY = 1e-8  # what the losses divide by at least
SAME_LENGTH = 1e-3  # segments that differ by less in length share a point


def segment_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of every pair of segments.

    Args:
        a: Segments ``(N, 2)`` in any unit.
        b: Segments ``(M, 2)`` in the same unit.

    Returns:
        ``(N, M)`` within 0..1. Segments without length, or with the end before the start, overlap
        nothing: 0/0 is 0.

    Raises:
        ValueError: If an input is not ``(number, 2)``.
    """
    _check_pairs('segment_iou', a=a, b=b)
    dtype = torch.promote_types(a.dtype, b.dtype)
    exact = torch.promote_types(dtype, torch.float32)
    a, b = a.to(exact)[:, None], b.to(exact)[None]
    overlap = torch.minimum(a[..., 1], b[..., 1]) - torch.maximum(a[..., 0], b[..., 0])
    overlap = overlap.clamp(min=0)
    union = (a[..., 1] - a[..., 0]) + (b[..., 1] - b[..., 0]) - overlap
    iou = torch.where(union > 0, overlap / torch.where(union > 0, union, 1), 0)
    return iou.clamp(max=1).to(dtype if dtype.is_floating_point else exact)


def offset_iou(pred_offsets: Tensor, target_offsets: Tensor) -> Tensor:
    """Intersection over union of segments that are given by their offsets from a common point.

    Half precision is computed in float32.

    Args:
        pred_offsets: (left, right) ``(N, 2)``, not negative.
        target_offsets: The same of the truth.

    Returns:
        ``(N,)`` within 0..1; 0 if both have no length.

    Raises:
        ValueError: If the shapes are not both ``(N, 2)``, or an offset is negative or NaN.
    """
    pred, target, dtype = _offset_pairs('offset_iou', pred_offsets, target_offsets)
    overlap = torch.minimum(pred, target).sum(dim=1)
    union = pred.sum(dim=1) + target.sum(dim=1) - overlap
    return (overlap / union.clamp(min=TINY)).to(dtype)


def diou_loss(pred_offsets: Tensor, target_offsets: Tensor) -> Tensor:
    """Distance-IoU loss of segments that are given by their offsets from a common point.

    ``1 - I / U + (rho / E)^2``: intersection and union, distance of the centres over the length of
    the shortest segment that holds both. Half precision is computed in float32.

    Args:
        pred_offsets: (left, right) ``(N, 2)``, not negative.
        target_offsets: The same of the truth.

    Returns:
        ``(N,)``: 0 for equal segments, 1 if both have no length, always below 2.

    Raises:
        ValueError: If the shapes are not both ``(N, 2)``, or an offset is negative or NaN.
    """
    pred, target, dtype = _offset_pairs('diou_loss', pred_offsets, target_offsets)
    iou = offset_iou(pred, target)
    enclosing = torch.maximum(pred, target).sum(dim=1)
    (left, right), (true_left, true_right) = pred.unbind(1), target.unbind(1)
    distance = (right - left - true_right + true_left) / 2
    loss = 1 - iou + (distance / enclosing.clamp(min=TINY)).square()
    return loss.to(dtype)


def pyramid_points(
    length: int,
    ranges: Sequence[tuple[float, float]],
    device: torch.device | str | None = None,
) -> list[Tensor]:
    """Points of a pyramid in which every level halves the one below.

    Args:
        length: Positions of the finest level.
        ranges: For each level the shortest and the longest offset it answers for, both inclusive
            and in positions of the finest level.
        device: Where the points go.

    Returns:
        For each level ``(ceil(length / stride), 4)``: t = 0, stride, 2 stride, ..., range min,
        range max, stride, with stride 1, 2, 4, ...; float32.

    Raises:
        ValueError: If there is no level or no position, or a range is empty.
    """
    if length < 1 or not ranges or any(low >= high for low, high in ranges):
        raise ValueError(
            f'pyramid_points wants a length >= 1 and for each level a range (min, max) with min < '
            f'max; got length {length} and ranges {list(ranges)}.'
        )
    levels = []
    for level, (low, high) in enumerate(ranges):
        stride = 2**level
        t = torch.arange(0, length, stride, dtype=torch.float32, device=device)
        rest = t.new_tensor([low, high, stride]).expand(len(t), 3)
        levels.append(torch.cat([t[:, None], rest], dim=1))
    return levels


class Assignment(NamedTuple):
    """What each of ``P`` points learns.

    Attributes:
        classes: ``(P, C)``, 1 for each class to predict; all 0 is background.
        offsets: ``(P, 2)`` in strides; 0 for background.
        segment: ``(P,)`` index of the segment that the offsets lead to; -1 for background.
    """

    classes: Tensor
    offsets: Tensor
    segment: Tensor


def assign_points(
    points: Tensor,
    segments: Tensor,
    labels: Tensor,
    num_classes: int,
    centre_radius: float | None = 1.5,
) -> Assignment:
    """Give every point the shortest segment that it lies in and that fits the range of its level.

    The point has to lie strictly inside the segment and, with ``centre_radius``, strictly within
    so many strides of its centre; the longer of its distances to the ends has to lie in the range
    of its level, borders included. All segments that fit and are as short as the shortest one add
    their class; the offsets go to the first of the shortest.

    Args:
        points: ``(P, 4)`` of `pyramid_points`, levels one after the other.
        segments: ``(N, 2)`` in the unit of ``t``; there may be none.
        labels: ``(N,)`` integer classes.
        num_classes: ``C``.
        centre_radius: In strides; None takes all points inside.

    Raises:
        ValueError: If the shapes do not belong together or a label is out of range.
    """
    if (
        points.dim() != 2
        or points.shape[1] != 4
        or segments.shape != (len(labels), 2)
        or labels.dim() != 1
    ):
        raise ValueError(
            f'assign_points wants points (P, 4), segments (N, 2) and labels (N,); got '
            f'{tuple(points.shape)}, {tuple(segments.shape)} and {tuple(labels.shape)}. Pass one '
            'video at a time, without segments as (0, 2) and (0,).'
        )
    if len(labels) and not (0 <= labels.min() and labels.max() < num_classes):
        raise ValueError(
            f'assign_points wants labels within 0..{num_classes - 1}; got {labels.min()}..'
            f'{labels.max()}. Give the head as many classes as the dataset has.'
        )
    num_points, num_segments = len(points), len(segments)
    if num_segments == 0:
        return Assignment(
            segments.new_zeros(num_points, num_classes),
            segments.new_zeros(num_points, 2),
            torch.full((num_points,), -1, device=points.device),
        )
    t, low, high, stride = (column[:, None] for column in points.to(segments.dtype).unbind(1))
    start, end = segments.unbind(1)
    left, right = t - start, end - t  # (P, N)
    inside = torch.minimum(left, right)
    if centre_radius is not None:
        centre, reach = (start + end) / 2, stride * centre_radius
        inside = torch.minimum(
            t - torch.maximum(centre - reach, start), torch.minimum(centre + reach, end) - t
        )
    farther = torch.maximum(left, right)
    fits = (inside > 0) & (low <= farther) & (farther <= high)
    length = torch.where(fits, end - start, torch.inf)
    shortest = length.amin(dim=1, keepdim=True)
    # min() may return any of several equal ones, so the first is looked up by its index.
    index = torch.arange(num_segments, device=points.device)
    segment = torch.where(length == shortest, index, num_segments).amin(dim=1)
    positive = fits.any(dim=1)
    as_short = fits & (length <= shortest + SAME_LENGTH)
    classes = as_short.to(segments.dtype) @ _one_hot(labels, num_classes, segments.dtype)
    chosen = (
        torch.stack([left, right], dim=2)[torch.arange(num_points, device=points.device), segment]
        / stride
    )
    return Assignment(
        classes.clamp(max=1),
        torch.where(positive[:, None], chosen, 0),
        torch.where(positive, segment, -1),
    )


def decode_offsets(points: Tensor, offsets: Tensor) -> Tensor:
    """Segments that points predict: ``(t - left * stride, t + right * stride)``.

    Args:
        points: ``(P, 4)`` of `pyramid_points`.
        offsets: (left, right) in strides ``(P, 2)``.

    Returns:
        ``(P, 2)`` in the unit of ``t``.

    Raises:
        ValueError: If the shapes do not belong together.
    """
    if points.dim() != 2 or points.shape[1] != 4 or offsets.shape != (len(points), 2):
        raise ValueError(
            f'decode_offsets wants points (P, 4) and offsets (P, 2); got {tuple(points.shape)} and '
            f'{tuple(offsets.shape)}. Pass one video at a time.'
        )
    reach = offsets * points[:, 3:]
    return torch.stack([points[:, 0] - reach[:, 0], points[:, 0] + reach[:, 1]], dim=1)


def level_candidates(
    points: Tensor,
    scores: Tensor,
    offsets: Tensor,
    *,
    min_score: float,
    max_num: int,
    min_length: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """The best (point, class) pairs of one level as segments, before any suppression.

    Args:
        points: ``(P, 4)`` of one level.
        scores: Probabilities ``(P, C)``; 0 at padding.
        offsets: (left, right) in strides ``(P, 2)``.
        min_score: Pairs have to score more.
        max_num: How many pairs to look at.
        min_length: What is not longer is dropped afterwards, in the unit of ``t``.

    Returns:
        Segments ``(K, 2)``, scores ``(K,)`` descending and classes ``(K,)``. Of equal scores the
        lower point, then the lower class comes first.

    Raises:
        ValueError: If the shapes do not belong together.
    """
    if scores.dim() != 2 or len(scores) != len(points):
        raise ValueError(
            f'level_candidates wants points (P, 4) and scores (P, C); got {tuple(points.shape)} '
            f'and {tuple(scores.shape)}. Pass one video and one level at a time.'
        )
    flat = scores.flatten()
    pairs = (flat > min_score).nonzero().squeeze(1)
    pairs = pairs[flat[pairs].argsort(descending=True, stable=True)[:max_num]]
    point = torch.div(pairs, scores.shape[1], rounding_mode='floor')
    segments = decode_offsets(points, offsets)[point]
    keep = segments[:, 1] - segments[:, 0] > min_length
    return segments[keep], flat[pairs][keep], (pairs % scores.shape[1])[keep]


def _one_hot(labels: Tensor, num_classes: int, dtype: torch.dtype) -> Tensor:
    return (labels[:, None] == torch.arange(num_classes, device=labels.device)).to(dtype)


def _worst(offsets: Tensor) -> str:
    return 'NaN' if offsets.isnan().any() else f'{offsets.min():g}'


def _offset_pairs(
    name: str, pred_offsets: Tensor, target_offsets: Tensor
) -> tuple[Tensor, Tensor, torch.dtype]:
    """Both in at least float32, and the dtype of the result."""
    _check_pairs(name, pred_offsets=pred_offsets, target_offsets=target_offsets)
    if pred_offsets.shape != target_offsets.shape:
        raise ValueError(
            f'{name} wants one target per prediction; got {tuple(pred_offsets.shape)} and '
            f'{tuple(target_offsets.shape)}. Select the same points from both.'
        )
    for which, offsets in (('pred_offsets', pred_offsets), ('target_offsets', target_offsets)):
        if not (offsets >= 0).all():  # also False for NaN
            raise ValueError(
                f'{name} wants offsets >= 0; {which} has {_worst(offsets)}. NaN comes from a '
                'diverged model or broken features; negative ones from a missing ReLU.'
            )
    dtype = torch.promote_types(pred_offsets.dtype, target_offsets.dtype)
    exact = torch.promote_types(dtype, torch.float32)
    return pred_offsets.to(exact), target_offsets.to(exact), dtype


def _check_pairs(function: str, **segments: Tensor) -> None:
    for name, value in segments.items():
        if value.dim() != 2 or value.shape[1] != 2:
            raise ValueError(
                f'{function} wants {name} of shape (number, 2); got {tuple(value.shape)}. '
                'Give one row (start, end) or (left, right) per segment.'
            )
