"""Late fusion: one row of scores a clip from the scores of several models.

The mean of the logits, as in the fusion of the official baselines
(epic-kitchens/C1-Action-Recognition-TSN-TRN-TSM); with weights, their weighted mean.
"""

from collections.abc import Sequence

import numpy as np

from egomm.functional.result_file import Results
from egomm.functional.wording import first_names


def fuse(results: Sequence[Results], weights: Sequence[float] | None = None) -> Results:
    """Weighted mean of the logits of the same clips.

    Args:
        results: Scores of one model each; their clips may come in any order.
        weights: One number above 0 for each; all equal by default. Only their ratios count.

    Returns:
        Scores in float64, clips in the order of the first of ``results``.

    Raises:
        ValueError: If there are no results, they differ in their clips or numbers of classes, or
            the weights do not fit.
    """
    shares = np.ones(len(results)) if weights is None else np.asarray(weights, dtype=np.float64)
    if shares.shape != (len(results),) or not np.isfinite(shares).all() or (shares <= 0).any():
        raise ValueError(
            f'Late fusion wants one finite weight above 0 for each of the {len(results)} result '
            f'files; got {shares.tolist()}. Leave a file out instead of giving it no weight.'
        )
    if not results:
        raise ValueError('Late fusion wants at least one result file; got none.')
    first = results[0]
    verb, noun = np.zeros(first.verb.shape), np.zeros(first.noun.shape)
    for number, (result, share) in enumerate(zip(results, shares, strict=True), start=1):
        order = _order(first, result, number)
        verb += share * result.verb[order].astype(np.float64)
        noun += share * result.noun[order].astype(np.float64)
    total = shares.sum()
    return Results(list(first.narration_ids), verb / total, noun / total)


def _order(first: Results, result: Results, number: int) -> list[int]:
    """Rows of a result in the order of the first one's clips."""
    rows = {name: row for row, name in enumerate(result.narration_ids)}
    missing = [name for name in first.narration_ids if name not in rows]
    known = set(first.narration_ids)
    further = [name for name in result.narration_ids if name not in known]
    if missing or further:
        lacks = f'lacks {len(missing)} ({first_names(missing)})' if missing else 'lacks none'
        more = f'has {len(further)} others ({first_names(further)})' if further else 'no others'
        raise ValueError(
            f'Late fusion wants the same clips in every result file; of the {len(known)} clips of '
            f'file 1, file {number} {lacks} and {more}. Make all files from the same annotations.'
        )
    for task in ('verb', 'noun'):
        wanted, got = getattr(first, task).shape[1], getattr(result, task).shape[1]
        if wanted != got:
            raise ValueError(
                f'Late fusion wants the same classes in every result file; file 1 has {wanted} '
                f'{task} classes, file {number} has {got}. Fuse models of one data set.'
            )
    return [rows[name] for name in first.narration_ids]
