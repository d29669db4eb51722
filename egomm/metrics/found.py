"""What a localizer found in one sample, checked, as metrics and files want it."""

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray


class Found(NamedTuple):
    """Segments ``(K, 2)`` in seconds, scores ``(K,)`` descending, integer labels ``(K,)``."""

    segments: NDArray[np.float64]
    scores: NDArray[np.float64]
    labels: NDArray[np.int64]


def found_segments(metric: str, sample: dict, task: str, name: str) -> Found:
    """The prediction of a task, best first.

    Args:
        metric: Who asks, for complaints.
        sample: With ``pred``.
        task: ``'moment'`` or ``'query'``; answers to a query may lack labels, which are then 0.
        name: The clip or query, for complaints.

    Raises:
        ValueError: If there is no such prediction, its parts do not belong together, or a number is
            not finite.
    """
    found = sample['pred'].get(task)
    if found is None:
        raise ValueError(
            f"{metric} wants a prediction of '{task}'; that of {name} has "
            f"{sorted(sample['pred'])}, no '{task}'. Give the model a head of that name."
        )
    segments, scores = (
        torch.as_tensor(found[key]).double().numpy(force=True) for key in ('segments', 'scores')
    )
    labels = np.zeros(len(scores), np.int64)
    if task != 'query':
        labels = torch.as_tensor(found['labels']).long().numpy(force=True)
    count = len(scores)
    if segments.shape != (count, 2) or scores.ndim != 1 or labels.shape != (count,):
        raise ValueError(
            f'{metric} wants segments (K, 2), scores (K,) and labels (K,); got {segments.shape}, '
            f'{scores.shape} and {labels.shape} for {name}.'
        )
    if not (np.isfinite(scores).all() and np.isfinite(segments).all()):
        raise ValueError(
            f'{metric} wants finite scores and times; {name} has NaN or infinity. Look for a '
            'diverged model or broken features.'
        )
    order = np.argsort(-scores, kind='stable')
    return Found(segments[order], scores[order], labels[order])


def found_moments(metric: str, sample: dict, meta: dict | None) -> list[dict[str, Any]]:
    """Moments of one clip by the names of their classes, best first.

    Args:
        metric: Who asks, for complaints.
        sample: With ``clip_id`` and ``pred``.
        meta: Metainfo of the dataset, which names the classes under ``classes['moment']``.

    Returns:
        A list of ``label``, ``score`` and ``segment``.

    Raises:
        ValueError: As `found_segments`; and if the classes have no names or a label is not among
            them.
    """
    names = ((meta or {}).get('classes') or {}).get('moment')
    if names is None:
        raise ValueError(
            f"{metric} wants the class names in the dataset's metainfo, under "
            f"classes['moment']; got {meta}."
        )
    segments, scores, labels = found_segments(metric, sample, 'moment', f'clip {sample["clip_id"]}')
    if len(labels) and not (0 <= labels.min() and labels.max() < len(names)):
        raise ValueError(
            f'{metric} wants labels within 0..{len(names) - 1}; got {labels.min()}..{labels.max()} '
            f'for {sample["clip_id"]}. The head has to have as many classes as the dataset.'
        )
    return [
        {'label': names[label], 'score': score, 'segment': segment}
        for label, score, segment in zip(labels, scores.tolist(), segments.tolist())
    ]
