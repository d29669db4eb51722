"""Scores of verb, noun and action recognition under the EPIC-KITCHENS-100 protocol."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric

from egomm.functional.actions import mix_pairs, pair_place
from egomm.functional.csv_columns import read_list
from egomm.functional.labels import read_labels
from egomm.functional.scores import class_report, epic100, shot_accuracy, shot_groups
from egomm.functional.wording import first_names
from egomm.metrics import rows as clip_rows
from egomm.metrics.rows import TASKS, Row
from egomm.registry import METRICS


@METRICS.register_module()
class EpicActionMetric(BaseMetric):
    """The official numbers of the action recognition challenge (C1), in percent.

    Official keys: ``all_{verb,noun,action}_accuracy_at_{1,5}``, and at 1 only ``tail_...`` and
    ``unseen_...`` where the CSV files are given and have rows. Not part of the challenge script:
    ``all_{verb,noun}_mean_class_accuracy_present``, the mean over the classes that occur in the
    labels; with ``train_annotations`` ``shots/{many,medium,few}_{verb,noun}_accuracy_at_1``,
    over the rows whose class has that many training instances (`egomm.functional.scores`); and,
    where the model has an `ActionHead` named ``action``, ``all_mixed_action_accuracy_at_{1,5}``,
    which ranks the pairs by the mixture of that head's probability and the product of verb and
    noun (`functional.actions.mix_pairs`).

    Clips that a distributed sampler repeats to fill the last round count once.

    Args:
        tail_verbs: EPIC_100_tail_verbs.csv (column ``verb``).
        tail_nouns: EPIC_100_tail_nouns.csv (column ``noun``).
        unseen: EPIC_100_unseen_participant_ids_validation.csv (column ``participant_id``).
        train_annotations: EPIC_100_train.csv, whose instances are counted by class.
        verb_classes: Number of verb classes.
        noun_classes: Number of noun classes.
        action_share: Weight of the action head in the mixture, 0..1.
        **kwargs: Of ``mmengine.evaluator.BaseMetric``.

    Raises:
        ValueError: If a file or its column is missing or holds something else than ids. When
            samples arrive: if a key or a prediction is missing, or a prediction has another
            number of classes. In the evaluation: if there are no rows, or a row has no label, a
            label out of range, a score that is not finite, or the id of a different row.
    """

    default_prefix = 'epic100'

    def __init__(
        self,
        *,
        tail_verbs: str | None = None,
        tail_nouns: str | None = None,
        unseen: str | None = None,
        train_annotations: str | None = None,
        verb_classes: int = 97,
        noun_classes: int = 300,
        action_share: float = 0.5,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.tail_verbs = [] if tail_verbs is None else read_list(tail_verbs, 'verb', int)
        self.tail_nouns = [] if tail_nouns is None else read_list(tail_nouns, 'noun', int)
        self.unseen = [] if unseen is None else read_list(unseen, 'participant_id', str)
        self.classes = {'verb': verb_classes, 'noun': noun_classes}
        self.train_labels = {}
        if train_annotations:
            self.train_labels = dict(zip(TASKS, read_labels(train_annotations).T))
        for task, labels in self.train_labels.items():
            shot_groups(labels, self.classes[task])  # a wrong file is found now, not after the run
        self.action_share = action_share

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep labels and logits of one batch, one result per sample.

        A sample without labels is kept as well: it may be padding, which `evaluate` drops by
        position once the results of all processes are together.
        """
        for sample in data_samples:
            wanted = {'narration_id', 'participant_id', 'gt', 'pred'}
            clip_rows.check_keys('EpicActionMetric', sample, wanted)
            labels = [sample['gt'].get(task) for task in TASKS]
            self.results.append(
                Row(
                    str(sample['narration_id']),
                    str(sample['participant_id']),
                    tuple(None if label is None else int(label) for label in labels),
                    tuple(self._logits(sample, task) for task in TASKS),
                    self._action_place(sample, labels),
                )
            )

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Score the rows of all processes."""
        rows = [Row(*result) for result in results]  # collecting made them plain tuples
        rows = clip_rows.unique_rows('EpicActionMetric', rows)
        self._check(rows)
        labels = np.array([row.labels for row in rows])
        verb_scores, noun_scores = (
            np.stack([row.scores[index] for row in rows]) for index in range(len(TASKS))
        )
        report = epic100(
            verb_scores,
            noun_scores,
            labels[:, 0],
            labels[:, 1],
            participants=[row.participant_id for row in rows],
            unseen=self.unseen,
            tail_verbs=self.tail_verbs,
            tail_nouns=self.tail_nouns,
        )
        for task, scores, truth in zip(TASKS, (verb_scores, noun_scores), labels.T, strict=True):
            accuracy = class_report(scores, truth)['mean_class_accuracy']
            report[f'all_{task}_mean_class_accuracy_present'] = accuracy
            if self.train_labels:
                shots = shot_accuracy(scores, truth, self.train_labels[task])
                for group, accuracy in shots.items():
                    report[f'shots/{group}_{task}_accuracy_at_1'] = accuracy
        places = [row.action_place for row in rows]
        if None not in places:
            for k in (1, 5):
                hits = [place < k for place in places]
                report[f'all_mixed_action_accuracy_at_{k}'] = 100 * float(np.mean(hits))
        return report

    def _action_place(self, sample: dict, labels: list) -> int | None:
        """Place of the true pair in the mixture; None without truth or an action head's answer."""
        action = sample['pred'].get('action')
        # Data sets that number their actions have plain logits here.
        if not isinstance(action, dict) or None in labels:
            return None
        verb, noun = (torch.as_tensor(sample['pred'][task]) for task in TASKS)
        try:
            mixed = mix_pairs(action['logits'], action['pairs'], verb, noun, self.action_share)
            return pair_place(mixed, (int(labels[0]), int(labels[1])))
        except ValueError as error:
            raise ValueError(f'Action of clip {sample["narration_id"]}: {error}') from error

    def _logits(self, sample: dict, task: str) -> np.ndarray:
        values = clip_rows.logits('EpicActionMetric', sample, task)
        if values.shape != (self.classes[task],):
            raise ValueError(
                f'EpicActionMetric wants {self.classes[task]} {task} logits per clip; got '
                f'{values.shape} for {sample["narration_id"]}. Set {task}_classes of the metric '
                'and the head to the same number.'
            )
        return values

    def _check(self, rows: list[Row]) -> None:
        unlabelled = [row.narration_id for row in rows if None in row.labels]
        if unlabelled:
            raise ValueError(
                f'EpicActionMetric wants a verb and a noun label for every clip; '
                f'{first_names(unlabelled)} lack one. For the test split, which has no '
                'labels, write a result file instead (tools/test.py --results FILE.pkl) and make a '
                'submission of it.'
            )
        clip_rows.check_scores('EpicActionMetric', rows)
        for row in rows:
            for task, label in zip(TASKS, row.labels, strict=True):
                if not 0 <= label < self.classes[task]:  # type: ignore[operator]
                    raise ValueError(
                        f'EpicActionMetric wants {task} labels within 0..{self.classes[task] - 1}; '
                        f'got {label} for {row.narration_id}. Check the annotation file and '
                        f'{task}_classes.'
                    )
