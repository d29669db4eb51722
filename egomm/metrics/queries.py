"""Scores of natural language queries under the Ego4D NLQ protocol."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.evaluator import BaseMetric

from egomm.functional.retrieval import recall_at_k
from egomm.registry import METRICS

THRESHOLDS = (0.3, 0.5)
TOP_K = (1, 5)


class Answer(NamedTuple):
    """Official window of one query and the windows that were found for it, best first."""

    clip_id: str
    annotation_id: str
    query_index: int
    window: list[float]
    found: list[list[float]]


@METRICS.register_module()
class Ego4dQueryMetric(BaseMetric):
    """The official numbers of the Natural Language Queries challenge, as fractions.

    ``recall_<k>_at_<IoU>`` and ``mean_recall_1``, the mean of the recall at 1 at IoU 0.3 and 0.5 by
    which the challenge ranks; ``missing``, how many queries were answered with no window at all.
    They count as wrong.

    A sample has ``clip_id``, ``annotation_id``, ``query_index``, ``window`` ([start, end], as the
    file has it) and ``pred``: ``query`` with ``segments`` ``(K, 2)`` in seconds of the clip and
    ``scores`` ``(K,)``. Queries that a distributed sampler repeats count once.

    Args:
        **kwargs: Of ``mmengine.evaluator.BaseMetric``.

    Raises:
        ValueError: When samples arrive: if a sample has no window or no prediction of a query or
            one whose parts do not belong together, or a score is not finite. In the evaluation: if
            there is no query, or a time is not finite.
    """

    default_prefix = 'ego4d_nlq'

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep window and answers of one batch, one result per query."""
        for sample in data_samples:
            name = f'{sample.get("annotation_id")}_{sample.get("query_index")}'
            if sample.get('window') is None:
                raise ValueError(
                    f'Ego4dQueryMetric wants queries with a window; {name} has none. For the test '
                    'split remove the metric and write a submission.'
                )
            found = sample['pred'].get('query')
            if found is None:
                raise ValueError(
                    f'Ego4dQueryMetric wants answers; the prediction of query {name} has '
                    f"{sorted(sample['pred'])}, no 'query'. Give the model a head of that name."
                )
            segments, scores = (
                torch.as_tensor(found[key]).double().numpy(force=True)
                for key in ('segments', 'scores')
            )
            if segments.shape != (len(scores), 2) or scores.ndim != 1:
                raise ValueError(
                    f'Ego4dQueryMetric wants segments (K, 2) and scores (K,); got '
                    f'{segments.shape} and {scores.shape} for query {name}.'
                )
            if not np.isfinite(scores).all():
                raise ValueError(
                    f'Ego4dQueryMetric wants finite scores; query {name} has NaN or infinity. Look '
                    'for a diverged model or broken features.'
                )
            best = np.argsort(-scores, kind='stable')[: max(TOP_K)]
            self.results.append(
                Answer(
                    sample['clip_id'],
                    sample['annotation_id'],
                    int(sample['query_index']),
                    list(sample['window']),
                    segments[best].tolist(),
                )
            )

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Score the queries of all processes."""
        answers = {row[:3]: row for row in (Answer(*result) for result in results)}
        # Every query becomes an annotation of its own, so that its index is 0 there.
        annotations = [(f'{row.annotation_id}_{row.query_index}', row) for row in answers.values()]
        clips = [
            {
                'clip_uid': row.clip_id,
                'annotations': [
                    {
                        'annotation_uid': name,
                        'language_queries': [
                            {
                                'query': name,
                                'clip_start_sec': row.window[0],
                                'clip_end_sec': row.window[1],
                            }
                        ],
                    }
                ],
            }
            for name, row in annotations
        ]
        records = [
            {
                'clip_uid': row.clip_id,
                'annotation_uid': name,
                'query_idx': 0,
                'predicted_times': row.found,
            }
            for name, row in annotations
        ]
        scores = recall_at_k(
            {'videos': [{'clips': clips}]}, {'results': records}, THRESHOLDS, TOP_K
        )
        return {
            **{
                f'recall_{k}_at_{threshold}': float(value)
                for threshold, row in zip(THRESHOLDS, scores['recall'])
                for k, value in zip(TOP_K, row)
            },
            'mean_recall_1': scores['mean_r1'],
            'missing': scores['missing'],
        }
