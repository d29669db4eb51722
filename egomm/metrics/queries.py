"""Scores of natural language queries under the Ego4D NLQ protocol."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from mmengine.evaluator import BaseMetric

from egomm.functional.retrieval import TOP_K, query_report
from egomm.metrics.found import found_segments
from egomm.registry import METRICS


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
            found = found_segments('Ego4dQueryMetric', sample, 'query', f'query {name}')
            self.results.append(
                Answer(
                    sample['clip_id'],
                    sample['annotation_id'],
                    int(sample['query_index']),
                    list(sample['window']),
                    found.segments[: max(TOP_K)].tolist(),
                )
            )

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Score the queries of all processes."""
        answers = {row[:3]: row for row in (Answer(*result) for result in results)}
        report = query_report(
            {key: row.window for key, row in answers.items()},
            {key: row.found for key, row in answers.items()},
        )
        # Floats: of a whole number MMEngine's file of a test has null.
        return {name: float(value) for name, value in report.items()}
