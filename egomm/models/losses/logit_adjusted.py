"""Cross-entropy for long tails, one value a sample.

Sources: training-time logit adjustment, Menon et al., 2021 (arXiv:2007.07314), Eq. (10). Balanced
Softmax, Ren et al., 2020 (arXiv:2007.10740), Eq. (3), weights each exponential by the count of its
class: the same formula with tau = 1, since log n and log(n / sum n) differ by a constant, which
the softmax cancels.

Shapes: B = batch, K = classes.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from egomm.functional.labels import TASKS, count_classes, read_labels
from egomm.registry import MODELS


@MODELS.register_module()
class LogitAdjustedCrossEntropy(nn.Module):
    """Cross-entropy of ``logits + tau * log(class prior)``; tau = 1 is Balanced Softmax.

    The model learns scores from which the frequency of the classes is taken out, so predictions
    stay the plain logits. A class without a training clip counts as if it had one: it remains in
    the softmax as the rarest class, and nothing becomes infinite.

    Args:
        counts: Training clips of each class ``(K,)``; or an annotation file (an official
            EPIC-KITCHENS-100 CSV or a C2-style one), of which all rows count.
        task: What to count in the file: ``'verb'``, ``'noun'`` or ``'action'``.
        tau: Strength; 0 is plain cross-entropy.

    Raises:
        ValueError: If ``counts`` are no counts, ``task`` does not go with them, or, with the
            first logits, their number is not that of the classes.
    """

    def __init__(
        self, counts: Sequence[int] | str | Path, task: str | None = None, tau: float = 1.0
    ) -> None:
        super().__init__()
        from_file = isinstance(counts, (str, Path))
        if from_file != (task in TASKS):
            raise ValueError(
                f'LogitAdjustedCrossEntropy wants `counts` as a list alone, or as an annotation '
                f'file with one of {TASKS} as `task`; got task={task!r} and counts={counts!r}.'
            )
        if from_file:
            counts = count_classes(read_labels(counts), task).tolist()
        if not len(counts) or min(counts) < 0 or max(counts) == 0:
            raise ValueError(
                'LogitAdjustedCrossEntropy wants a number of training clips for each class, not '
                f'all 0; got counts={counts!r}.'
            )
        if not tau >= 0:
            raise ValueError(f'LogitAdjustedCrossEntropy wants tau >= 0; got {tau!r}.')
        self.may_lack_classes = from_file
        adjustment = tau * torch.tensor(counts, dtype=torch.float32).clamp(min=1).log()
        self.register_buffer('adjustment', adjustment, persistent=False)

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Map logits ``(B, K)`` and integer labels ``(B,)`` to losses ``(B,)``, in nats."""
        counted, lacking = len(self.adjustment), logits.shape[1] - len(self.adjustment)
        if lacking < 0 or (lacking > 0 and not self.may_lack_classes):
            raise ValueError(
                f'LogitAdjustedCrossEntropy has counts of {counted} classes, but the head has '
                f'{logits.shape[1]}. Set `num_classes` to the number of counts, or correct them.'
            )
        # A file says nothing of classes above its largest id: none of their clips, log(1) = 0.
        return F.cross_entropy(
            logits.float() + F.pad(self.adjustment, (0, lacking)), labels, reduction='none'
        )
