"""A loss: the focal loss (Lin et al., 2017, arXiv:1708.02002), one value a sample."""

import torch.nn.functional as F
from torch import Tensor, nn

from egomm.registry import MODELS


@MODELS.register_module()
class FocalCrossEntropy(nn.Module):
    """Cross-entropy times ``(1 - p) ** gamma``: what is known already counts less."""

    def __init__(self, gamma: float = 2.0) -> None:
        super().__init__()
        self.gamma = gamma

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Map logits ``(B, K)`` and labels ``(B,)`` to losses ``(B,)``, in nats."""
        loss = F.cross_entropy(logits.float(), labels, reduction='none')
        return (1 - (-loss).exp()) ** self.gamma * loss
