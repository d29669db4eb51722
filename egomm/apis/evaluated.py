"""Numbers, tables and matrices of evaluated sets, for the report of `write_report`."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from egomm.apis.answers import TASKS, Sample, accuracies, first_answers, true_classes
from egomm.apis.blind_queries import above_fixed_window
from egomm.datasets.queries import record_key
from egomm.functional.detection import mean_average_precision, moment_report
from egomm.functional.retrieval import Key, query_report
from egomm.functional.scores import confusion_matrix
from egomm.functional.segment_errors import by_length, nearest_answers, nearest_moments
from egomm.visualization.report import Matrix, Table

MOST_CLASSES = 24  # of a matrix that people can read


class Evaluated(NamedTuple):
    """What a page shows of an evaluated set.

    Attributes:
        metrics: By name.
        tables: By class, or by length.
        matrices: Of classes taken for others.
    """

    metrics: dict[str, Any]
    tables: tuple[Table, ...] = ()
    matrices: tuple[Matrix, ...] = ()


def evaluated_clips(samples: Sequence[Sample], names: Mapping[str, Sequence[str]]) -> Evaluated:
    """Of clips with a verb and a noun.

    Args:
        samples: With labels, as `read_dump` gives them.
        names: Of the classes by task; the numbers where there are none.
    """
    answers, truth = first_answers(samples), true_classes(samples)
    metrics = {f'clips: {task} top-1 %': value for task, value in accuracies(samples).items()}
    tables, matrices = [], []
    for place, task in enumerate(TASKS):
        given, true = answers[:, place], truth[:, place]
        count = len(samples[0]['pred'][task])
        known = [*names.get(task, ())][:count] or [str(number) for number in range(count)]
        counts = confusion_matrix(given, true, count)
        common = np.argsort(-counts.sum(1), kind='stable')
        common = common[counts.sum(1)[common] > 0]
        tables.append(
            Table(
                f'{task}s by class',
                ('class', 'clips', 'recall %', 'precision %'),
                [
                    (
                        known[row],
                        int(counts[row].sum()),
                        _percent(counts[row, row], counts[row].sum()),
                        _percent(counts[row, row], counts[:, row].sum()),
                    )
                    for row in common
                ],
                'the commonest first; an empty precision: never answered',
            )
        )
        shown = common[:MOST_CLASSES]
        title = f'{task}s taken for others'
        if len(shown) < len(common):
            title += f', the {MOST_CLASSES} commonest of {len(common)}'
        matrices.append(
            Matrix(title, [known[row] for row in shown], counts[np.ix_(shown, shown)].tolist())
        )
    return Evaluated({**metrics, 'clips': len(samples)}, tuple(tables), tuple(matrices))


def evaluated_moments(
    records: Sequence[dict], found: Mapping[str, Sequence[Mapping[str, Any]]]
) -> Evaluated:
    """Of moments.

    Args:
        records: Of `read_moments`, with labels.
        found: By clip, best first.
    """
    truth = {record['clip_id']: record for record in records}
    report = moment_report(truth, found)
    areas = mean_average_precision(truth, found)['per_class']
    counts: dict[str, int] = {}
    for record in records:
        for row in record['annotations']:
            counts[row['label']] = counts.get(row['label'], 0) + 1
    order = sorted(areas, key=lambda label: -counts[label])
    table = Table(
        'moments by class',
        ('class', 'moments', 'average precision %'),
        [(label, counts[label], round(100 * float(areas[label].mean()), 1)) for label in order],
        'mean over IoU 0.1 to 0.5, the commonest first',
    )
    by_seconds = _by_length('moments by length', *nearest_moments(truth, found))
    return Evaluated(
        {
            'moments: average mAP %': 100 * report['average_mAP'],
            'moments: recall@1x at IoU 0.5 %': 100 * report['recall_1x_at_0.5'],
            'moments: clips': len(records),
        },
        (table, by_seconds),
    )


def evaluated_queries(
    records: Sequence[dict],
    answers: Mapping[Key, Sequence[Sequence[float]]],
    train: Sequence[dict] = (),
) -> Evaluated:
    """Of queries.

    Args:
        records: Of `read_queries`, with windows.
        answers: By query, best first.
        train: Records that a fixed window can be chosen on.
    """
    windows = {record_key(record): record['window'] for record in records}
    report = query_report(windows, answers)
    metrics: dict[str, Any] = {
        'questions: R@1 at IoU 0.3 %': 100 * report['recall_1_at_0.3'],
        'questions: R@1 at IoU 0.5 %': 100 * report['recall_1_at_0.5'],
        'questions: R@5 at IoU 0.5 %': 100 * report['recall_5_at_0.5'],
        'questions': len(records),
    }
    if train:
        against = above_fixed_window(train, records, answers)
        low, high = (100 * end for end in against['interval'])
        metrics['questions: R@1 at IoU 0.5, 95 % over clips'] = f'{low:.1f} to {high:.1f}'
        metrics['questions: best fixed window of training, R@1 at IoU 0.5 %'] = (
            100 * against['fixed']
        )
        metrics['questions: no fixed window is above, R@1 at IoU 0.5 %'] = (
            100 * against['any_fixed']
        )
        low, high = (100 * end for end in against['difference_interval'])
        metrics['questions: points above the fixed window, 95 % over clips'] = (
            f'{low:+.1f} to {high:+.1f}'
        )
    return Evaluated(
        metrics, (_by_length('answers by length', *nearest_answers(windows, answers)),)
    )


def _by_length(title: str, lengths: np.ndarray, iou: np.ndarray) -> Table:
    shares = by_length(lengths, iou)
    kinds = list(dict.fromkeys(kind for row in shares.values() for kind in row))
    rows = [
        (name.replace('\n', ' '), *(round(100 * row.get(kind, 0.0), 1) for kind in kinds))
        for name, row in shares.items()
    ]
    note = 'the first answers; right: IoU > 0.5, ends wrong: IoU > 0.1; % of the true segments'
    return Table(title, ('length', *kinds), rows, note)


def _percent(part: int, whole: int) -> Any:
    return round(100 * int(part) / int(whole), 1) if whole else ''
