"""What a localizer found in one sample, checked, as metrics and files want it."""

from collections.abc import Sequence

import numpy as np
import torch

from egomm.functional.detection import Found


def found_segments(metric: str, sample: dict, task: str, name: str) -> Found:
    """The prediction of a task, best first, with numbers as labels.

    Args:
        metric: Who asks, for complaints.
        sample: With ``pred``.
        task: Key of the prediction, such as ``'moment'``; answers to a query may lack labels, which
            are then 0.
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
            f'{scores.shape} and {labels.shape} for {name}. One score and label belong to each '
            'segment; look at the head that predicts them.'
        )
    if not (np.isfinite(scores).all() and np.isfinite(segments).all()):
        raise ValueError(
            f'{metric} wants finite scores and times; {name} has NaN or infinity. Look for a '
            'diverged model or broken features.'
        )
    order = np.argsort(-scores, kind='stable')
    return Found(segments[order], scores[order], labels[order].tolist())


def found_moments(metric: str, sample: dict, meta: dict | None) -> Found:
    """Moments of one clip with the names of their classes, best first.

    Args:
        metric: Who asks, for complaints.
        sample: With ``clip_id`` and ``pred``.
        meta: Metainfo of the dataset, which names the classes under ``classes['moment']``.

    Raises:
        ValueError: As `found_segments`; and if the classes have no names or a label is not among
            them.
    """
    names = ((meta or {}).get('classes') or {}).get('moment')
    if names is None:
        raise ValueError(
            f"{metric} wants the class names in the dataset's metainfo, under "
            f"classes['moment']; got {meta}. Use MomentQueries, or let the dataset give them."
        )
    return found_named(metric, sample, 'moment', names)


def found_named(metric: str, sample: dict, task: str, names: Sequence[str]) -> Found:
    """The prediction of a task in one clip with the names of its classes, best first.

    Args:
        metric: Who asks, for complaints.
        sample: With ``clip_id`` and ``pred``.
        task: Key of the prediction.
        names: Of all classes.

    Raises:
        ValueError: As `found_segments`; and if a label is not among the names.
    """
    found = found_segments(metric, sample, task, f'clip {sample["clip_id"]}')
    labels = np.asarray(found.labels)
    if len(labels) and not (0 <= labels.min() and labels.max() < len(names)):
        raise ValueError(
            f'{metric} wants labels within 0..{len(names) - 1}; got {labels.min()}..{labels.max()} '
            f'for {sample["clip_id"]}. The head has to have as many classes as the dataset.'
        )
    return found._replace(labels=[names[label] for label in labels.tolist()])
