"""Scores of detecting actions and sounds in untrimmed videos of EPIC-KITCHENS-100.

Source: the evaluation of github.com/epic-kitchens/C2-Action-Detection, whose average precision is
that of Ego4D's moments.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.evaluator import BaseMetric

from egomm.functional.detection import Found, mean_average_precision
from egomm.registry import METRICS

TIOU = (0.1, 0.2, 0.3, 0.4, 0.5)
PARTS = dict(segments=torch.float64, scores=torch.float64, labels=torch.int64)


class Video(NamedTuple):
    """Official annotations of one video and what each head found: segments, scores, labels."""

    video_id: str
    annotations: list[dict]
    found: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]


@METRICS.register_module()
class EpicDetectionMetric(BaseMetric):
    """Average mAP of verbs, nouns and actions under the C2 protocol, or of sounds, as fractions.

    ``<task>_average_mAP`` and ``<task>_mAP_at_<IoU>`` for every task among ``verb``, ``noun``,
    ``action`` and ``sound`` that can be scored. The challenge takes one list of segments, each with
    a verb and a noun: that is what a head of actions gives, so with one all three numbers come from
    its list. Heads of verbs and nouns alone are scored each on its own list.

    A sample has ``video_id``, ``annotations`` (``verb`` and ``noun``, or ``sound``, with
    ``start_time`` and ``end_time``) and ``pred``: by task ``segments`` ``(K, 2)`` in seconds,
    ``scores`` ``(K,)`` and ``labels`` ``(K,)``; an action is a place in the dataset's
    ``metainfo['actions']``. Videos that a distributed sampler repeats count once.

    Args:
        **kwargs: Of ``mmengine.evaluator.BaseMetric``.

    Raises:
        ValueError: When samples arrive: if one has no labels or no prediction of such a task, or
            its parts do not belong together. In the evaluation: if a score or a time is not finite.
    """

    default_prefix = 'epic100_c2'

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep annotations and predictions of one batch, one result per video."""
        for sample in data_samples:
            video = sample.get('video_id')
            if sample.get('annotations') is None:
                raise ValueError(
                    f'EpicDetectionMetric wants labelled videos; {video} has no annotations. For '
                    'the test split remove the metric and write a submission.'
                )
            tasks = [task for task in ('verb', 'noun', 'action', 'sound') if task in sample['pred']]
            if not tasks:
                raise ValueError(
                    f'EpicDetectionMetric wants verbs, nouns, actions or sounds; the prediction of '
                    f'{video} has {sorted(sample["pred"])}. Give the model such a head.'
                )
            actions = (self.dataset_meta or {}).get('actions', ())
            found = {}
            for task in tasks:
                parts = tuple(
                    torch.as_tensor(sample['pred'][task][key]).to(dtype).numpy(force=True)
                    for key, dtype in PARTS.items()
                )
                count = len(parts[1])
                if [part.shape for part in parts] != [(count, 2), (count,), (count,)]:
                    raise ValueError(
                        f'EpicDetectionMetric wants segments (K, 2), scores (K,) and labels (K,); '
                        f'got {[part.shape for part in parts]} for {task} of {video}.'
                    )
                if task == 'action' and count and parts[2].max() >= len(actions):
                    raise ValueError(
                        f'EpicDetectionMetric has {len(actions)} actions from the dataset, but '
                        f'{video} is said to hold action {parts[2].max()}. Give the dataset '
                        '`actions_from`, and the head as many classes.'
                    )
                found[task] = parts
            self.results.append(Video(video, list(sample['annotations']), found))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Score the videos of all processes."""
        videos = {video.video_id: video for video in (Video(*result) for result in results)}
        heads = set().union(*(video.found for video in videos.values()))
        scores: dict[str, float] = {}
        for task in ('verb', 'noun', 'action') if 'action' in heads else sorted(heads):
            head = 'action' if 'action' in heads else task
            truth = {
                name: {
                    'annotations': [
                        {**row, 'label': self._stated(task, row)} for row in video.annotations
                    ]
                }
                for name, video in videos.items()
            }
            predictions = {
                name: Found(
                    segments, scores, [self._found(head, task, label) for label in labels.tolist()]
                )
                for name, video in videos.items()
                for segments, scores, labels in [video.found[head]]
            }
            made = mean_average_precision(truth, predictions, TIOU)
            scores[f'{task}_average_mAP'] = made['average']
            for tiou, value in zip(TIOU, made['mAP']):
                scores[f'{task}_mAP_at_{tiou}'] = float(value)
        return scores

    @staticmethod
    def _stated(task: str, row: dict) -> Any:
        return (row['verb'], row['noun']) if task == 'action' else row[task]

    def _found(self, head: str, task: str, label: int) -> Any:
        """What a label of a head is for a task: an action also is a verb and a noun."""
        if head != 'action':
            return label
        pair = tuple(self.dataset_meta['actions'][label])
        return pair if task == 'action' else pair[('verb', 'noun').index(task)]
