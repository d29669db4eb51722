"""Scores of detecting actions and sounds in untrimmed videos of EPIC-KITCHENS-100.

Source: the evaluation of github.com/epic-kitchens/C2-Action-Detection, whose average precision is
that of Ego4D's moments.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from mmengine.evaluator import BaseMetric

from egomm.functional.detection import Found, action_report, detection_report
from egomm.metrics.found import found_segments
from egomm.registry import METRICS


class Video(NamedTuple):
    """Official annotations of one video and what each head found."""

    video_id: str
    annotations: list[dict]
    found: dict[str, Found]


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
            its parts do not belong together or a number is not finite.
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
                found[task] = found_segments('EpicDetectionMetric', sample, task, video)
                number = max(found[task].labels, default=-1)
                if task == 'action' and number >= len(actions):
                    raise ValueError(
                        f'EpicDetectionMetric has {len(actions)} actions from the dataset, but '
                        f'{video} is said to hold action {number}. Give the dataset '
                        '`actions_from`, and the head as many classes.'
                    )
            self.results.append(Video(video, list(sample['annotations']), found))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Score the videos of all processes."""
        videos = {video.video_id: video for video in (Video(*result) for result in results)}
        truth = {name: video.annotations for name, video in videos.items()}
        heads = set().union(*(video.found for video in videos.values()))
        if 'action' not in heads:
            scores = [
                detection_report(
                    truth,
                    {name: Found(*video.found[task]) for name, video in videos.items()},
                    task,
                )
                for task in sorted(heads)
            ]
            return {name: value for part in scores for name, value in part.items()}
        pairs = [tuple(pair) for pair in self.dataset_meta['actions']]
        found = {}
        for name, video in videos.items():
            segments, confidence, labels = video.found['action']
            found[name] = Found(segments, confidence, [pairs[label] for label in labels])
        return action_report(truth, found)
