"""A head: the cosine between the feature and a learned direction a class.

Shapes: B = batch, C = channels, K = classes.
"""

from typing import Any

from torch import Tensor
from torch.nn.functional import normalize

from egomm.models.heads.classification import ClassificationHead
from egomm.models.layers.pooling import mean_pool
from egomm.registry import MODELS
from egomm.structures import Stream


@MODELS.register_module()
class CosineHead(ClassificationHead):
    """Logits are ``scale`` times the cosines; loss and prediction are the parent's."""

    def __init__(self, *, scale: float = 16.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale
        self.linear.register_parameter('bias', None)  # directions have none

    def forward(self, stream: Stream) -> Tensor:
        """Map ``(B, C)`` or ``(B, C, T, ...)`` to logits ``(B, K)``."""
        feature = normalize(self.dropout(mean_pool(stream)), dim=1)
        return self.scale * feature @ normalize(self.linear.weight, dim=1).T
