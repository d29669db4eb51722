"""Softmax cross-entropy, one value a sample."""

import torch.nn.functional as F
from torch import Tensor, nn

from egomm.registry import MODELS


@MODELS.register_module()
class SoftmaxCrossEntropy(nn.Module):
    """Cross-entropy with optional label smoothing.

    The name keeps clear of ``mmaction.CrossEntropyLoss``, which takes the mean itself.

    Args:
        label_smoothing: Share of the target mass spread evenly over all classes.

    Raises:
        ValueError: If the share is not within 0..1.
    """

    def __init__(self, label_smoothing: float = 0.0) -> None:
        super().__init__()
        if not 0 <= label_smoothing <= 1:
            raise ValueError(
                f'SoftmaxCrossEntropy wants label_smoothing within 0..1; got {label_smoothing!r}.'
            )
        self.label_smoothing = label_smoothing

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Map logits ``(B, K)`` and integer labels ``(B,)`` to losses ``(B,)``, in nats."""
        return F.cross_entropy(
            logits.float(), labels, reduction='none', label_smoothing=self.label_smoothing
        )
