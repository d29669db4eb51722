"""Classification of a clip."""

import torch
from torch import Tensor, nn

from egomm.functional.reduction import global_mean
from egomm.models.layers.channels import check_channels
from egomm.models.layers.pooling import mean_pool
from egomm.registry import MODELS
from egomm.structures import Stream


@MODELS.register_module()
class ClassificationHead(nn.Module):
    """Mean pool, dropout and one linear layer.

    Args:
        in_channels: Channels of the source stream.
        num_classes: Number of classes ``K``; labels are ``0 .. K - 1``.
        source: Name of the neck output to read.
        dropout: Dropout before the linear layer; 0.5 as in Omnivore's video head.
        loss: Config of a loss that maps logits and labels to one value a sample.
    """

    def __init__(
        self,
        *,
        in_channels: int,
        num_classes: int,
        source: str,
        dropout: float = 0.5,
        loss: dict | None = None,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.source = source
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(in_channels, num_classes)
        self.sample_loss = MODELS.build(loss or dict(type='SoftmaxCrossEntropy'))
        nn.init.normal_(self.linear.weight, std=0.01)
        nn.init.zeros_(self.linear.bias)

    def forward(self, stream: Stream) -> Tensor:
        """Map ``(B, C)`` or ``(B, C, T, ...)`` to logits ``(B, K)``."""
        wanted = {self.source: self.linear.in_features}
        check_channels(type(self).__name__, wanted, {self.source: stream})
        return self.linear(self.dropout(mean_pool(stream)))

    def loss(self, stream: Stream, targets: list[int | None]) -> dict[str, Tensor]:
        """Mean loss and top-1 accuracy in percent over the labelled samples.

        Raises:
            ValueError: If a label is not in ``0 .. K - 1``.
        """
        wrong = [
            target
            for target in targets
            if target is not None and not 0 <= target < self.num_classes
        ]
        if wrong:
            raise ValueError(
                f'labels {wrong} are outside 0..{self.num_classes - 1}. Set `num_classes` to the '
                "data set's, or correct the annotation file."
            )
        device = stream.x.device
        mask = torch.tensor([target is not None for target in targets], device=device)
        labels = torch.tensor([target or 0 for target in targets], device=device)
        return self.score(stream, labels, mask)

    def score(self, stream: Stream, labels: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """Loss and accuracy for labels ``(B,)``, those where ``mask`` is False left out."""
        logits = self(stream)
        correct = (logits.detach().argmax(dim=1) == labels).float() * 100
        return dict(
            loss=global_mean(self.sample_loss(logits, labels), mask),
            top1=global_mean(correct, mask),
        )

    def predict(self, stream: Stream, metas: list[dict]) -> list[Tensor]:
        """Logits of each sample, ``(K,)`` float32 on the CPU."""
        # Copies: a row of the batch would be pickled with all of the batch.
        return [row.clone() for row in self(stream).detach().float().cpu()]

    def average(self, answers: list[Tensor]) -> Tensor:
        """Join the logits ``(K,)`` about several views of one sample: the mean log-probability."""
        return mean_log_probabilities(answers)


def mean_log_probabilities(logits: list[Tensor]) -> Tensor:
    """Mean over the list of the log-softmax of logits ``(K,)``."""
    return torch.stack(logits).log_softmax(dim=-1).mean(dim=0)
