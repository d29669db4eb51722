"""Scores of moment detection under the Ego4D Moment Queries protocol, and ASL's variant of it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.evaluator import BaseMetric

from egomm.functional.detection import mean_average_precision, recall_at_kx
from egomm.registry import METRICS

TIOU = (0.1, 0.2, 0.3, 0.4, 0.5)
RECALL_TIOU = (0.3, 0.5, 0.7)
RECALL_K = (1, 5)
PARTS = dict(segments=torch.float64, scores=torch.float64, labels=torch.int64)


class Clip(NamedTuple):
    """Official annotations of one clip and what was found in it, best first."""

    clip_id: str
    annotations: list[dict]
    labels: list[str]
    scores: np.ndarray
    segments: np.ndarray


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
        names = ((self.dataset_meta or {}).get('classes') or {}).get('moment')
        if names is None:
            raise ValueError(
                "Ego4dMomentMetric wants the class names in the dataset's metainfo, under "
                f"classes['moment']; got {self.dataset_meta}."
            )
        for sample in data_samples:
            if sample.get('annotations') is None:
                raise ValueError(
                    f'Ego4dMomentMetric wants labelled clips; {sample.get("clip_id")} has no '
                    'annotations. For the test split remove the metric and write a submission.'
                )
            found = sample['pred'].get('moment')
            if found is None:
                raise ValueError(
                    f'Ego4dMomentMetric wants moments; the prediction of clip {sample["clip_id"]} '
                    f"has {sorted(sample['pred'])}, no 'moment'. Give the model such a head."
                )
            segments, scores, labels = (
                torch.as_tensor(found[key]).to(dtype).numpy(force=True)
                for key, dtype in PARTS.items()
            )
            count = len(scores)
            if segments.shape != (count, 2) or scores.ndim != 1 or labels.shape != (count,):
                raise ValueError(
                    f'Ego4dMomentMetric wants segments (K, 2), scores (K,) and labels (K,); got '
                    f'{segments.shape}, {scores.shape} and {labels.shape} for '
                    f'{sample["clip_id"]}.'
                )
            if count and not (0 <= labels.min() and labels.max() < len(names)):
                raise ValueError(
                    f'Ego4dMomentMetric wants labels within 0..{len(names) - 1}; got '
                    f'{labels.min()}..{labels.max()} for {sample["clip_id"]}. The head has to have '
                    'as many classes as the dataset.'
                )
            order = np.argsort(-scores, kind='stable')  # recall takes them as listed
            self.results.append(
                Clip(
                    sample['clip_id'],
                    list(sample['annotations']),
                    [names[label] for label in labels[order]],
                    scores[order],
                    segments[order],
                )
            )

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Score the clips of all processes."""
        clips = {clip.clip_id: clip for clip in (Clip(*result) for result in results)}
        truth = {clip_id: {'annotations': clip.annotations} for clip_id, clip in clips.items()}
        predictions = {
            clip_id: [
                {'label': label, 'score': score, 'segment': segment}
                for label, score, segment in zip(
                    clip.labels, clip.scores.tolist(), clip.segments.tolist()
                )
            ]
            for clip_id, clip in clips.items()
        }
        official = mean_average_precision(truth, predictions, TIOU)
        recall = recall_at_kx(truth, predictions, RECALL_TIOU, RECALL_K)
        asl = mean_average_precision(truth, predictions, TIOU, deduplicate=True)
        return {
            'average_mAP': official['average'],
            **{f'mAP_at_{tiou}': float(value) for tiou, value in zip(TIOU, official['mAP'])},
            **{
                f'recall_{k}x_at_{tiou}': float(value)
                for tiou, row in zip(RECALL_TIOU, recall)
                for k, value in zip(RECALL_K, row)
            },
            'asl_average_mAP': asl['average'],
        }
