"""What the metrics of verb and noun recognition keep of a clip, and how repeats are dropped."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from egomm.functional.wording import first_names

TASKS = ('verb', 'noun')

# The same clip scored in two batches differs by rounding only, also in bfloat16.
SAME_SCORES = 0.05


class Row(NamedTuple):
    """Labels and logits of one clip; a label is None where the sample has none.

    ``action_place`` is the place of the true pair in an action head's ranking, if there is one.
    """

    narration_id: str
    participant_id: str
    labels: tuple[int | None, ...]
    scores: tuple[np.ndarray, ...]
    action_place: int | None = None


def check_keys(metric: str, sample: dict, wanted: set[str]) -> None:
    """Raise a ValueError if a sample lacks one of the keys."""
    missing = wanted - set(sample)
    if missing:
        raise ValueError(
            f'{metric} wants samples with {", ".join(sorted(wanted))}; got {sorted(sample)}: '
            f'{sorted(missing)} missing. Let the last transform of the pipeline keep these keys.'
        )


def logits(metric: str, sample: dict, task: str) -> np.ndarray:
    """Logits ``(C,)`` of a task as a float32 array.

    Raises:
        ValueError: If the prediction has none.
    """
    values = sample['pred'].get(task)
    if values is None:
        raise ValueError(
            f'{metric} wants logits of verb and noun; the prediction of clip '
            f'{sample["narration_id"]} has {sorted(sample["pred"])}, no {task!r}. Give the '
            'model a head of that name.'
        )
    try:
        return torch.as_tensor(values).detach().float().cpu().numpy()
    except (RuntimeError, TypeError, ValueError) as error:
        raise ValueError(
            f'{metric} wants logits of {task!r}; the prediction of clip {sample["narration_id"]} '
            f'is a {type(values).__name__}. Let `predict` of the head return a tensor (K,) a clip.'
        ) from error


def unique_rows(metric: str, rows: Sequence[Row]) -> list[Row]:
    """Drop repeats of a clip; a repeat without labels is padding, one that disagrees an error.

    Raises:
        ValueError: If a clip comes twice with different labels or scores.
    """
    kept: dict[str, Row] = {}
    for row in rows:
        first = kept.setdefault(row.narration_id, row)
        if first is row:
            continue
        same_labels = first.labels == row.labels or None in first.labels or None in row.labels
        if not same_labels or not _same_scores(first, row):
            raise ValueError(
                f'{metric} got clip {row.narration_id} twice with different labels or '
                'scores. Remove the repeated narration_id from the annotation file, and evaluate '
                'one view per clip.'
            )
        if None in first.labels:
            kept[row.narration_id] = row
    return list(kept.values())


def check_scores(metric: str, rows: Sequence[Row]) -> None:
    """Raise a ValueError if there are no rows or a score is not finite."""
    if not rows:
        raise ValueError(
            f'{metric} got no clips to score. Check the annotation file and the filter '
            'of the evaluated dataset.'
        )
    broken = [row.narration_id for row in rows if not np.isfinite(np.hstack(row.scores)).all()]
    if broken:
        raise ValueError(
            f'{metric} wants finite logits; {first_names(broken)} have NaN or infinity. '
            'Look for a diverged loss or a broken input of these clips.'
        )


def _same_scores(first: Row, second: Row) -> bool:
    return all(
        a.shape == b.shape and np.allclose(a, b, rtol=SAME_SCORES, atol=SAME_SCORES, equal_nan=True)
        for a, b in zip(first.scores, second.scores, strict=True)
    )
