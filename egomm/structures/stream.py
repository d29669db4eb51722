"""A tensor and what of it is real."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Stream:
    """One modality, or one fused representation, of a batch.

    Args:
        x: Values, batch first and channels second: ``(B, C)`` for one vector a sample,
            ``(B, C, T)`` for features over time, ``(B, C, T, H, W)`` for maps.
        mask: True where ``x`` is real. ``(B,)`` marks whole samples (a clip without sound),
            ``(B, T)`` marks steps in time (padding). None means that all of it is real.

    Raises:
        ValueError: If the mask is not boolean or does not fit ``x``.
    """

    x: Tensor
    mask: Tensor | None = None

    def __post_init__(self) -> None:
        if self.mask is None:
            return
        fits = (self.mask.shape == self.x.shape[:1]) or (
            self.x.dim() > 2 and self.mask.shape == (self.x.shape[0], self.x.shape[2])
        )
        if self.mask.dtype != torch.bool or not fits:
            raise ValueError(
                'Stream wants a boolean mask of shape (B,) or (B, T); got '
                f'{tuple(self.mask.shape)} {self.mask.dtype} beside x of shape '
                f'{tuple(self.x.shape)}. Pass True where x is real.'
            )
