"""A metric: how far down the true class stands."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric

from egomm.registry import METRICS


@METRICS.register_module()
class MeanRank(BaseMetric):
    """Mean place of the true class, 1 the best. A clip met twice counts once."""

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        for sample in data_samples:
            for task, label in sample['gt'].items():
                place = 1 + int((sample['pred'][task] > sample['pred'][task][label]).sum())
                self.results.append((f'{task}_mean_rank', sample['narration_id'], place))

    def compute_metrics(self, results: list) -> dict[str, float]:
        places = defaultdict(list)
        for name, _, place in set(results):
            places[name].append(place)
        return {name: float(np.mean(found)) for name, found in places.items()}
