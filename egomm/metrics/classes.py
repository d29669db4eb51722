"""Accuracy over clips and over classes, for any classification tasks of a data set."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric

from egomm.functional.scores import class_report, trimmed_report
from egomm.registry import METRICS


@METRICS.register_module()
class ClassAccuracyMetric(BaseMetric):
    """Per task ``<task>_top1``, ``<task>_top5`` and ``<task>_mean_class_accuracy``, in percent.

    The last is the mean over the classes that occur in the labels, as EGTEA Gaze+ is scored.
    Where the data set lists many-shot classes (``metainfo['many_shot']`` of EPIC-KITCHENS-55),
    their precision and recall follow in two definitions: ``<task>_{precision,recall}_full``, the
    official one, and ``<task>_{precision,recall}_trimmed``, the higher one of Kapidis et al.
    (2019).

    A clip without a label of a task is left out there; clips that a distributed sampler repeats to
    fill the last round count once.

    Args:
        num_classes: Number of classes by task.
        prefix: Name of the protocol, which every score carries, such as ``'egtea'``.
        **kwargs: Of ``mmengine.evaluator.BaseMetric``.

    Raises:
        ValueError: When samples arrive: if a prediction is missing or has another number of
            classes, or a sample is a block of a clip (`SampleBlocks`). In the evaluation: if no
            clip has a label of a task, or a score is not finite.
    """

    def __init__(self, num_classes: Mapping[str, int], prefix: str, **kwargs: Any) -> None:
        super().__init__(prefix=prefix, **kwargs)
        self.num_classes = dict(num_classes)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep labels and logits of one batch, one result per sample."""
        for sample in data_samples:
            clip, gt = sample['narration_id'], sample['gt']
            if 'block' in sample:
                raise ValueError(
                    f'ClassAccuracyMetric wants a sample a clip; got block {sample["block"]} of '
                    f'{clip}. Test classes with SampleWindow in the place of SampleBlocks.'
                )
            scores = {task: self._logits(sample, task) for task in self.num_classes}
            self.results.append((clip, {t: gt[t] for t in self.num_classes if t in gt}, scores))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Score the clips of all processes."""
        report: dict[str, float] = {}
        many_shot = (self.dataset_meta or {}).get('many_shot', {})
        for task in self.num_classes:
            # A repetition that only fills up a round has no labels and so drops out here.
            clips = {
                clip: (scores[task], labels[task])
                for clip, labels, scores in results
                if task in labels
            }
            if not clips:
                raise ValueError(
                    f'ClassAccuracyMetric wants clips with a label of {task!r}; none of the '
                    f'{len(results)} has one. Take it out of `num_classes`, or give a file with '
                    'labels and PackSample this task.'
                )
            logits, truth = zip(*clips.values(), strict=True)
            frequent = many_shot.get(task)
            scored = class_report(np.stack(logits), np.array(truth), frequent)
            for name in ('top1', 'top5', 'mean_class_accuracy'):
                report[f'{task}_{name}'] = scored[name]
            if frequent:
                trimmed = trimmed_report(np.stack(logits), np.array(truth), frequent)
                for name in sorted(scored.keys() & trimmed.keys()):
                    report[f'{task}_{name}_full'] = scored[name]
                    report[f'{task}_{name}_trimmed'] = trimmed[name]
        return report

    def _logits(self, sample: dict, task: str) -> np.ndarray:
        logits = sample['pred'].get(task)
        shape = tuple(logits.shape) if hasattr(logits, 'shape') else type(logits).__name__
        if shape != (self.num_classes[task],):
            raise ValueError(
                f'ClassAccuracyMetric wants {self.num_classes[task]} logits of {task!r} for '
                f'{sample["narration_id"]}; got {"none" if logits is None else shape}. Give the '
                'model a head of that name, with as many classes as `num_classes` of the metric.'
            )
        return torch.as_tensor(logits).detach().float().cpu().numpy()
