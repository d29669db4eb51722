"""What the page of the study says about the rows of Kapidis et al."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from egomm.testing.claims import claims_table, rows_table, wanting_seeds
from egomm.testing.multitask_study import (
    CLAIMS,
    CLASSES,
    CONTROLS,
    LEARNING_RATES,
    TABLE_1,
    TABLE_2,
    scores_by_row,
)
from egomm.testing.rates import at_the_ends
from egomm.testing.spec import KitchenSpec

COLUMNS = {
    'action': 'action',
    'action_classes': 'action, mean class',
    'verb': 'verb',
    'noun': 'noun',
    'hands': 'hands, pixels of 64',
    'gaze': 'gaze, degrees',
}


def multitask_section(
    spec: KitchenSpec,
    labels: Mapping[str, Sequence[Mapping[str, Any]]],
    results: Sequence[Mapping[str, Any]],
    rates: Mapping[str, float],
) -> str:
    """Everything about the study, as Markdown.

    Args:
        spec: The world.
        labels: Of every clip, by split.
        results: Of all runs with test scores.
        rates: Chosen learning rate by row.
    """
    scores = scores_by_row(results)
    runs: dict[str, list[Mapping[str, Any]]] = {}
    for result in results:
        runs.setdefault(result['row'], []).append(result)

    def table(rows: Sequence, paper: str) -> str:
        return rows_table(rows, scores, runs, rates, COLUMNS, paper)

    parts = [
        _world(spec, labels),
        'Test scores, mean over seeds ± half of the 95 % interval of that mean: top-1 in percent, '
        'and the error of points against the true ones, whatever a row learned. Seeds also differ '
        'in their training participants, so rows are to be compared by the paired differences '
        'below, not by these intervals.\n',
        '### Table 1 of the paper\n',
        table(TABLE_1, 'paper (EPIC-55: verb for rows of V, else action / verb / noun)'),
        '### Table 2 of the paper\n',
        table(TABLE_2, 'paper (EGTEA split 1: action / mean class)'),
        '### Controls\n',
        '`other`: points of the clip half a video away, the same statistics without information. '
        '`away`: gaze that never rests on the handled object. `scaled`: one task alone, its loss '
        'as large as with those of points. `narrow`: fewer channels.\n',
        table(CONTROLS, 'paper'),
        '### Claims\n',
        claims_table(CLAIMS, scores),
        _gradients(runs),
        at_the_ends(rates, LEARNING_RATES) + wanting_seeds(CLAIMS, scores),
    ]
    return '\n'.join(parts)


def _world(spec: KitchenSpec, labels: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    majority = []
    for task in CLASSES:
        values = [row[task] for row in labels['test'] if task in row]
        share = 100 * max(np.bincount(values)) / len(values)
        majority.append(f'{share:.1f} % ({task})')
    unknown = sum('action' not in row for row in labels['test'])
    return (
        f'{len(labels["train"])} training clips (a fifth of the participants left out by each '
        f'seed), {len(labels["val"])} for choices, {len(labels["test"])} for the test; nobody is '
        f'in two of them. {unknown} test clips show a pair of verb and noun that does not occur '
        'in training: they count for verb and noun, not for the action. A perfect observer has '
        'something to go by in '
        + ' and '.join(f'{100 * spec.coverage(task):.0f} % ({task})' for task in ('verb', 'noun'))
        + f' of the clips; the commonest class has {", ".join(majority)}.\n'
    )


def _gradients(runs: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Whether the tasks of a row agree: cosine of their gradients at what they share."""
    lines = []
    for row, results in runs.items():
        names = [name for name in results[0]['logged'] if name.endswith('_cosine')]
        cells = []
        for name in names:
            mean = np.mean([result['logged'][name] for result in results])
            pair = name.removeprefix('tasks/').removesuffix('_cosine')
            cells.append(f'{pair} {mean:+.2f}')
        if cells:
            lines.append(f'* {row}: {", ".join(cells)}')
    return (
        'Cosine of the gradients of two tasks at the shared layers, mean over training and '
        'seeds:\n\n' + '\n'.join(lines) + '\n'
    )
