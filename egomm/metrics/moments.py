"""Scores of moment detection under the Ego4D Moment Queries protocol, and ASL's variant of it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from mmengine.evaluator import BaseMetric

from egomm.functional.detection import Found, moment_report
from egomm.metrics.found import found_moments
from egomm.registry import METRICS


class Clip(NamedTuple):
    """Official annotations of one clip and what was found in it, best first."""

    clip_id: str
    annotations: list[dict]
    found: Found


@METRICS.register_module()
class Ego4dMomentMetric(BaseMetric):
    """The official numbers of the Moment Queries challenge, as fractions.

    ``average_mAP`` and ``mAP_at_<IoU>`` of the official evaluation; ``recall_<k>x_at_<IoU>``, of
    which the challenge reports ``recall_1x_at_0.5``; and ``asl_average_mAP``, for which repeated
    ground truth counts once, as in the numbers that ASL and ActionFormer print in training.

    A sample has ``clip_id``, ``annotations`` (``label``, ``start_time``, ``end_time``, as the file
    has them) and ``pred``: ``moment`` with ``segments`` ``(K, 2)`` in seconds of the clip,
    ``scores`` ``(K,)`` and ``labels`` ``(K,)``, numbers of the classes that the dataset's metainfo
    lists under ``classes['moment']``. Clips that a distributed sampler repeats count once.

    Args:
        **kwargs: Of ``mmengine.evaluator.BaseMetric``.

    Raises:
        ValueError: When samples arrive: if the dataset names no classes, or a sample has no labels
            or no prediction of moments or one whose parts do not belong together. In the
            evaluation: if there is no ground truth, or a score or a time is not finite.
    """

    default_prefix = 'ego4d_mq'

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep annotations and predictions of one batch, one result per clip."""
        for sample in data_samples:
            if sample.get('annotations') is None:
                raise ValueError(
                    f'Ego4dMomentMetric wants labelled clips; {sample.get("clip_id")} has no '
                    'annotations. For the test split remove the metric and write a submission.'
                )
            found = found_moments('Ego4dMomentMetric', sample, self.dataset_meta)
            self.results.append(Clip(sample['clip_id'], list(sample['annotations']), found))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Score the clips of all processes."""
        clips = {clip.clip_id: clip for clip in (Clip(*result) for result in results)}
        return moment_report(
            {name: {'annotations': clip.annotations} for name, clip in clips.items()},
            {name: Found(*clip.found) for name, clip in clips.items()},
        )
