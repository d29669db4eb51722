"""Scores of verb, noun and action recognition under the EPIC-KITCHENS-100 protocol."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.evaluator import BaseMetric

from egomm.functional.actions import mix_pairs, pair_place
from egomm.functional.scores import class_report, epic100
from egomm.registry import METRICS

TASKS = ('verb', 'noun')

# The same clip scored in two batches differs by rounding only, also in bfloat16.
SAME_SCORES = 0.05


class Row(NamedTuple):
    """Labels and logits of one clip; a label is None where the sample has none."""

    narration_id: str
    participant_id: str
    labels: tuple[int | None, ...]
    scores: tuple[np.ndarray, ...]
    action_place: int | None = None


@METRICS.register_module()
class EpicActionMetric(BaseMetric):
    """The official numbers of the action recognition challenge (C1), in percent.

    Official keys: ``all_{verb,noun,action}_accuracy_at_{1,5}``, and at 1 only ``tail_...`` and
    ``unseen_...`` where the CSV files are given and have rows. Not part of the challenge script:
    ``all_{verb,noun}_mean_class_accuracy_present``, the mean over the classes that occur in the
    labels; and, where the model has an `ActionHead` named ``action``,
    ``all_mixed_action_accuracy_at_{1,5}``, which ranks the pairs by the mixture of that head's
    probability and the product of verb and noun (`functional.actions.mix_pairs`).

    Clips that a distributed sampler repeats to fill the last round count once.

    Args:
        tail_verbs: EPIC_100_tail_verbs.csv (column ``verb``).
        tail_nouns: EPIC_100_tail_nouns.csv (column ``noun``).
        unseen: EPIC_100_unseen_participant_ids_validation.csv (column ``participant_id``).
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
        verb_classes: int = 97,
        noun_classes: int = 300,
        action_share: float = 0.5,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.tail_verbs = _read_column(tail_verbs, 'verb', int)
        self.tail_nouns = _read_column(tail_nouns, 'noun', int)
        self.unseen = _read_column(unseen, 'participant_id', str)
        self.classes = {'verb': verb_classes, 'noun': noun_classes}
        self.action_share = action_share

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep labels and logits of one batch, one result per sample.

        A sample without labels is kept as well: it may be padding, which `evaluate` drops by
        position once the results of all processes are together.
        """
        for sample in data_samples:
            missing = {'narration_id', 'participant_id', 'gt', 'pred'} - set(sample)
            if missing:
                raise ValueError(
                    f'EpicActionMetric wants samples with narration_id, participant_id, gt and '
                    f'pred; got {sorted(sample)}: {sorted(missing)} missing. Let the last '
                    'transform of the pipeline keep these keys.'
                )
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
        rows = _unique([Row(*result) for result in results])  # collecting made them plain tuples
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
        logits = sample['pred'].get(task)
        if logits is None:
            raise ValueError(
                f'EpicActionMetric wants logits of verb and noun; the prediction of clip '
                f'{sample["narration_id"]} has {sorted(sample["pred"])}, no {task!r}. Give the '
                'model a head of that name.'
            )
        values = torch.as_tensor(logits).detach().float().cpu().numpy()
        if values.shape != (self.classes[task],):
            raise ValueError(
                f'EpicActionMetric wants {self.classes[task]} {task} logits per clip; got '
                f'{values.shape} for {sample["narration_id"]}. Set {task}_classes of the metric '
                'and the head to the same number.'
            )
        return values

    def _check(self, rows: list[Row]) -> None:
        if not rows:
            raise ValueError(
                'EpicActionMetric got no clips to score. Check the annotation file and the filter '
                'of the evaluated dataset.'
            )
        unlabelled = [row.narration_id for row in rows if None in row.labels]
        if unlabelled:
            raise ValueError(
                f'EpicActionMetric wants a verb and a noun label for every clip; '
                f'{_first(unlabelled)} lack one. For the test split, which has no labels, remove '
                'the metric and write a submission instead.'
            )
        broken = [row.narration_id for row in rows if not np.isfinite(np.hstack(row.scores)).all()]
        if broken:
            raise ValueError(
                f'EpicActionMetric wants finite logits; {_first(broken)} have NaN or infinity. '
                'Look for a diverged loss or a broken input of these clips.'
            )
        for row in rows:
            for task, label in zip(TASKS, row.labels, strict=True):
                if not 0 <= label < self.classes[task]:  # type: ignore[operator]
                    raise ValueError(
                        f'EpicActionMetric wants {task} labels within 0..{self.classes[task] - 1}; '
                        f'got {label} for {row.narration_id}. Check the annotation file and '
                        f'{task}_classes.'
                    )


def _unique(rows: Sequence[Row]) -> list[Row]:
    """Drop repeats of a clip; a repeat without labels is padding, one that disagrees an error."""
    kept: dict[str, Row] = {}
    for row in rows:
        first = kept.setdefault(row.narration_id, row)
        if first is row:
            continue
        same_labels = first.labels == row.labels or None in first.labels or None in row.labels
        if not same_labels or not _same_scores(first, row):
            raise ValueError(
                f'EpicActionMetric got clip {row.narration_id} twice with different labels or '
                'scores. Remove the repeated narration_id from the annotation file, and evaluate '
                'one view per clip.'
            )
        if None in first.labels:
            kept[row.narration_id] = row
    return list(kept.values())


def _same_scores(first: Row, second: Row) -> bool:
    return all(
        np.allclose(a, b, rtol=SAME_SCORES, atol=SAME_SCORES, equal_nan=True)
        for a, b in zip(first.scores, second.scores, strict=True)
    )


def _read_column(path: str | None, column: str, kind: Callable[[str], Any]) -> list:
    """One column of a CSV file; an empty list without a path."""
    if path is None:
        return []
    if not Path(path).is_file():
        raise ValueError(
            f'EpicActionMetric finds no file {path} (wanted: a CSV with the column {column!r}). '
            'Get it from epic-kitchens-100-annotations, or leave the argument out.'
        )
    with open(path, newline='', encoding='utf-8-sig') as file:
        reader = csv.DictReader(file)
        if column not in (reader.fieldnames or ()):
            raise ValueError(
                f'{path} has the columns {reader.fieldnames}; EpicActionMetric wants {column!r}. '
                'Check that the right file is given.'
            )
        values = []
        for row in reader:
            try:
                values.append(kind(row[column]))
            except (TypeError, ValueError) as error:
                raise ValueError(
                    f'{path}, line {reader.line_num}: {row[column]!r} in column {column!r}; '
                    'EpicActionMetric wants a class id. Restore the official file.'
                ) from error
    return values


def _first(ids: list[str]) -> str:
    shown = ', '.join(ids[:5])
    return shown if len(ids) <= 5 else f'{shown} and {len(ids) - 5} more'
