"""How far scores are from being probabilities of being right, and one number that mends it.

Source: Guo et al., "On Calibration of Modern Neural Networks" (2017, arXiv:1706.04599).

Shapes: N = clips, K = classes.
"""

import torch
from torch import Tensor

BINS = 15  # as in the paper
SMALLEST, LARGEST = 1e-3, 1e3  # temperature


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """The temperature by which logits are divided for the smallest negative log-likelihood.

    That is convex in the inverse temperature b: its derivative, the mean over clips of
    ``sum_k p_k(b) z_k - z_label``, never falls, so halving an interval finds its zero.

    Args:
        logits: ``(N, K)``.
        labels: ``(N,)``, each within ``0 .. K - 1``.

    Returns:
        Within 0.001..1000; the ends stand for answers that are always right, or no better than
        chance.

    Raises:
        ValueError: If there are no clips, or a logit is not finite.
    """
    if not len(logits) or not logits.isfinite().all():
        raise ValueError(
            f'A temperature is fitted on clips with finite logits; got {tuple(logits.shape)}. Give '
            'a dump with labels.'
        )
    values = logits.double()
    right = values.gather(1, labels[:, None])[:, 0]

    def derivative(inverse: float) -> float:
        share = (values * inverse).softmax(1)
        return float(((share * values).sum(1) - right).mean())

    low, high = 1 / LARGEST, 1 / SMALLEST
    for _ in range(100):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if derivative(middle) <= 0 else (low, middle)
    return 1 / (low * high) ** 0.5


def negative_log_likelihood(logits: Tensor, labels: Tensor, temperature: float = 1.0) -> float:
    """Mean over clips of ``-log p(label)``, in nats, of logits ``(N, C)`` and labels ``(N,)``."""
    logs = (logits.double() / temperature).log_softmax(1)
    return float(-logs.gather(1, labels[:, None]).mean())


def expected_calibration_error(
    logits: Tensor, labels: Tensor, temperature: float = 1.0, bins: int = BINS
) -> float:
    """Mean gap between confidence and accuracy over equal bins of confidence, 0..1.

    Confidence is the probability of the most probable class; a bin counts by its clips. Logits are
    ``(N, C)``, labels ``(N,)``.
    """
    confidence, answer = (logits.double() / temperature).softmax(1).max(1)
    right = (answer == labels).double()
    # Bins are open below and closed above, as in the paper.
    places = (confidence * bins).ceil().long().clamp(1, bins) - 1
    gaps = torch.zeros(bins, dtype=torch.float64).index_add(0, places, right - confidence)
    return float(gaps.abs().sum() / len(labels))
