"""The scores of every clip in a file, for splits with or without labels."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from egomm.functional.result_file import Results, check_suffix, write_results
from egomm.metrics import rows as clip_rows
from egomm.metrics.rows import TASKS, Row
from egomm.registry import METRICS


@METRICS.register_module()
class ResultFile(BaseMetric):
    """Write verb and noun logits as the official EPIC-KITCHENS-100 scripts read them.

    It needs no labels and gives no numbers: ``tools/score.py`` scores the file, ``tools/submit.py``
    makes a submission of it. Clips that a distributed sampler repeats are written once.

    Args:
        path: File to write; its name ends in ``.pkl`` or ``.pt``.
        **kwargs: Of ``mmengine.evaluator.BaseMetric``.

    Raises:
        ValueError: If the name has another end. When samples arrive: if a key or a prediction is
            missing. In the evaluation: if there are no clips, they differ in their number of
            classes, a score is not finite, or an id occurs twice with different scores.
    """

    default_prefix = 'result_file'

    def __init__(self, *, path: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_suffix(path)
        self.path = path

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the logits of one batch, one result per sample."""
        for sample in data_samples:
            clip_rows.check_keys('ResultFile', sample, {'narration_id', 'pred'})
            scores = tuple(clip_rows.logits('ResultFile', sample, task) for task in TASKS)
            self.results.append(Row(str(sample['narration_id']), '', (None, None), scores))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Write the file; there are no metrics."""
        rows = clip_rows.unique_rows('ResultFile', [Row(*result) for result in results])
        clip_rows.check_scores('ResultFile', rows)
        shapes = sorted({tuple(len(scores) for scores in row.scores) for row in rows})
        if len(shapes) > 1:
            raise ValueError(
                f'ResultFile wants the same number of classes for every clip; got (verbs, nouns) '
                f'{shapes}. Let the heads give all logits.'
            )
        verb, noun = (np.stack([row.scores[index] for row in rows]) for index in range(len(TASKS)))
        write_results(self.path, Results([row.narration_id for row in rows], verb, noun))
        print_log(
            f'Wrote the scores of {len(rows)} clips to {self.path}. Score them with '
            'tools/score.py, or make a submission with tools/submit.py.',
            logger='current',
        )
        return {}
