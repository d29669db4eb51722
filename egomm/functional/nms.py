"""Soft non-maximum suppression of segments, and voting.

Source: Soft-NMS (Bodla et al., 2017, arXiv:1704.04503), Gaussian form, as ActionFormer and Action
Sensitivity Learning use it.

Both entries run on the CPU in the dtype of the scores, whatever device the tensors are on: some
hundred steps that each depend on the last are too small for a GPU. No compiled extension is needed,
as a step only touches the class that it selects from.

Shapes: N = candidates, K = selected ones.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from egomm.functional.segments import segment_iou

VOTERS = 256  # kept segments that are compared with all candidates at a time


def soft_nms(
    segments: Tensor,
    scores: Tensor,
    sigma: float,
    min_score: float,
    max_num: int | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Select segments by score; each one selected lowers the scores of what it overlaps.

    A selection multiplies the scores of all others by ``exp(-IoU^2 / sigma)``. A candidate goes as
    soon as its score is below ``min_score``. Of equal scores the first listed is selected.

    Args:
        segments: (start, end) of one class ``(N, 2)``.
        scores: ``(N,)``.
        sigma: Width of the decay; a large one suppresses little.
        min_score: What a candidate needs to stay.
        max_num: Stop after so many; None selects until nothing is left.

    Returns:
        Segments ``(K, 2)``, decayed scores ``(K,)`` and indices into the input ``(K,)``, in the
        order of selection, which is also that of descending scores.

    Raises:
        ValueError: If the shapes do not belong together, a score is NaN, or ``sigma`` is not
            positive.
    """
    labels = scores.new_zeros(scores.shape, dtype=torch.int64)
    return multiclass_soft_nms(segments, scores, labels, sigma, min_score, max_num)


def multiclass_soft_nms(
    segments: Tensor,
    scores: Tensor,
    labels: Tensor,
    sigma: float,
    min_score: float,
    max_num: int | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """`soft_nms` within each class, and the best of all classes together.

    The same as suppressing class by class, joining and keeping the ``max_num`` best, but it stops
    as soon as those are known: scores only fall, so the best candidate of all is always the next.

    Args:
        segments: ``(N, 2)``.
        scores: ``(N,)``.
        labels: Integer class of each candidate ``(N,)``.
        sigma: As in `soft_nms`.
        min_score: As in `soft_nms`.
        max_num: How many to select over all classes.

    Returns:
        Segments ``(K, 2)``, decayed scores ``(K,)`` and indices into the input ``(K,)`` by
        descending score. Of equal scores the lower class, then the first listed comes first.

    Raises:
        ValueError: As in `soft_nms`.
    """
    if not (segments.shape == (len(scores), 2) and scores.shape == labels.shape == (len(scores),)):
        raise ValueError(
            f'soft_nms wants segments (N, 2) and one score (and label) for each; got '
            f'{tuple(segments.shape)}, {tuple(scores.shape)} and {tuple(labels.shape)}. Pass one '
            'video at a time.'
        )
    if not sigma > 0:
        raise ValueError(
            f'soft_nms wants sigma > 0; got {sigma}. The papers use 0.5 to 2; for hardly any '
            'suppression give a large one.'
        )
    if scores.isnan().any():
        raise ValueError(
            'soft_nms wants scores that can be ordered; got NaN. Look for a diverged model or '
            'broken features.'
        )
    exact = torch.promote_types(torch.promote_types(segments.dtype, scores.dtype), torch.float32)
    decayed, index = _select(
        segments.detach().to('cpu', exact).numpy(),
        scores.detach().to('cpu', exact).numpy(),
        labels.detach().cpu().numpy(),
        sigma,
        min_score,
        len(scores) if max_num is None else max_num,
    )
    indices = torch.from_numpy(index).to(scores.device)
    kept_scores = torch.from_numpy(decayed).to(scores.device, scores.dtype)
    return segments[indices], kept_scores, indices


def vote(
    selected: Tensor,
    segments: Tensor,
    scores: Tensor,
    min_iou: float,
) -> Tensor:
    """Move each selected segment to the mean of the candidates that nearly agree with it.

    The mean weighs a candidate by ``score * IoU`` if its IoU is at least ``min_iou``, else by 0.

    Args:
        selected: Segments ``(K, 2)`` to move, for example of `soft_nms`.
        segments: All candidates ``(N, 2)`` that were given to it.
        scores: Their scores before any decay ``(N,)``.
        min_iou: What a candidate needs to have a say.

    Returns:
        ``(K, 2)``. A segment that no candidate agrees with stays where it is.

    Raises:
        ValueError: If there is not one score per candidate.
    """
    if scores.shape != (len(segments),):
        raise ValueError(
            f'vote wants one score per candidate; got segments {tuple(segments.shape)} and scores '
            f'{tuple(scores.shape)}. Pass what soft_nms was given, before the decay.'
        )
    moved = []
    for part in selected.split(VOTERS):
        iou = segment_iou(part, segments)
        weight = torch.where(iou >= min_iou, iou * scores, 0)
        total = weight.sum(dim=1, keepdim=True)
        mean = weight @ segments / torch.where(total > 0, total, 1)
        moved.append(torch.where(total > 0, mean, part))
    return torch.cat(moved)


def _select(
    segments: NDArray,
    scores: NDArray,
    labels: NDArray,
    sigma: float,
    min_score: float,
    max_num: int,
) -> tuple[NDArray, NDArray]:
    """Decayed scores and indices of what is selected, best first."""
    alive = np.flatnonzero(scores >= min_score)
    alive = alive[np.argsort(labels[alive], kind='stable')]
    borders = np.flatnonzero(np.diff(labels[alive])) + 1
    classes = [_Candidates(segments[part], scores[part], part) for part in np.split(alive, borders)]
    top = np.array([group.top() for group in classes])
    decayed: list[float] = []
    indices: list[int] = []
    while len(indices) < max_num:
        best = int(top.argmax())  # the first of equal ones: the lowest class
        if top[best] == -np.inf:
            break
        score, index = classes[best].take(sigma, min_score)
        decayed.append(score)
        indices.append(index)
        top[best] = classes[best].top()
    return np.array(decayed, dtype=scores.dtype), np.array(indices, dtype=np.int64)


class _Candidates:
    """Candidates of one class; those that were selected or fell too low are removed."""

    def __init__(self, segments: NDArray, scores: NDArray, indices: NDArray) -> None:
        self.start, self.end = np.ascontiguousarray(segments.T)
        self.scores = scores
        self.indices = indices

    def top(self) -> float:
        return self.scores.max(initial=-np.inf)

    def take(self, sigma: float, min_score: float) -> tuple[float, int]:
        """Score and index of the best one, after which the others are lowered."""
        best = self.scores.argmax()
        score, index = self.scores[best], self.indices[best]
        start, end = self.start[best], self.end[best]
        overlap = np.minimum(self.end, end) - np.maximum(self.start, start)
        touched = np.flatnonzero(overlap > 0)
        overlap = overlap[touched]
        length = self.end[touched] - self.start[touched]
        iou = overlap / ((end - start) + length - overlap)
        self.scores[touched] *= np.exp(-(iou * iou) / sigma)
        self.scores[best] = -np.inf
        keep = self.scores >= min_score
        if not keep.all():
            self.start, self.end = self.start[keep], self.end[keep]
            self.scores, self.indices = self.scores[keep], self.indices[keep]
        return score, index
