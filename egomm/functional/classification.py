"""Losses of classes that may occur together: at each point, and somewhere in the clip.

Source: focal loss (Lin et al., 2017, arXiv:1708.02002); the clip-level loss is the
"label-involved" one of github.com/JonnyS1226/ego4d_asl.

Shapes: B = batch, P = points, C = classes.
"""

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits


def focal_loss(
    logits: Tensor,
    targets: Tensor,
    alpha: float | None = 0.25,
    gamma: float = 2.0,
) -> Tensor:
    """Binary cross-entropy in which what is already right counts little.

    ``alpha_t (1 - p_t)^gamma * -ln p_t`` with ``p_t`` the probability of the truth. Half precision
    is computed in float32.

    Args:
        logits: Scores before the sigmoid, any shape.
        targets: Of the same shape, within 0..1.
        alpha: Weight of the positive class, ``1 - alpha`` that of the negative; None weighs both 1.
        gamma: 0 is the cross-entropy itself.

    Returns:
        Losses of that shape, not reduced, in the dtype of ``logits``.

    Raises:
        ValueError: If the shapes differ.
    """
    if logits.shape != targets.shape:
        raise ValueError(
            f'focal_loss wants targets of the shape of the logits; got {tuple(logits.shape)} and '
            f'{tuple(targets.shape)}. Turn class numbers into one column per class.'
        )
    exact = torch.promote_types(logits.dtype, torch.float32)
    x, y = logits.to(exact), targets.to(exact)
    p = x.sigmoid()
    wrong = p * (1 - y) + (1 - p) * y  # 1 - p_t
    loss = binary_cross_entropy_with_logits(x, y, reduction='none') * wrong**gamma
    if alpha is not None:
        loss = loss * (alpha * y + (1 - alpha) * (1 - y))
    return loss.to(logits.dtype)


def presence_loss(logits: Tensor, mask: Tensor, present: Tensor) -> Tensor:
    """Cross-entropy of which classes occur anywhere in a clip.

    The probability of a class in a clip is the highest that it reaches at a real point in the
    softmax over the classes. Both logarithms are computed from the logits, so a saturated class
    costs much but not infinity.

    Args:
        logits: Scores ``(B, P, C)`` with at least two classes.
        mask: ``(B, P)`` bool, True at real points.
        present: ``(B, C)``, 1 or True for classes that occur in the clip.

    Returns:
        Sum over the classes ``(B,)``; 0 for a clip without a real point.

    Raises:
        ValueError: If the shapes do not belong together or there is only one class.
    """
    classes = logits.shape[-1]
    if (
        logits.dim() != 3
        or classes < 2
        or mask.shape != logits.shape[:2]
        or present.shape != (len(logits), classes)
    ):
        raise ValueError(
            'presence_loss wants logits (B, P, C) with C >= 2, mask (B, P) and present (B, C); '
            f'got {tuple(logits.shape)}, {tuple(mask.shape)} and {tuple(present.shape)}. With one '
            'class leave this loss out.'
        )
    exact = torch.promote_types(logits.dtype, torch.float32)
    x, present = logits.to(exact), present.to(exact)
    log_p = x.log_softmax(dim=2).masked_fill(~mask[..., None], -torch.inf)
    peak = log_p.argmax(dim=1)  # (B, C): where each class is most likely
    at_peak = x.gather(1, peak[..., None].expand(-1, -1, classes))  # (B, C, C)
    total = at_peak.logsumexp(dim=2)
    own = torch.eye(classes, dtype=torch.bool, device=x.device)
    log_present = at_peak.diagonal(dim1=1, dim2=2) - total
    log_absent = at_peak.masked_fill(own, -torch.inf).logsumexp(dim=2) - total  # ln(1 - p)
    loss = -(present * log_present + (1 - present) * log_absent).sum(dim=1)
    return torch.where(mask.any(dim=1), loss, 0).to(logits.dtype)
