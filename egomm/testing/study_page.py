"""The page that a study leaves: tables with intervals, and a verdict for every claim."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from egomm.testing.claims import Scores, claims_table, rows_table
from egomm.testing.mimo_study import (
    CLAIMS,
    CONTROLS,
    LEARNING_RATES,
    PAPER_REALLOCATED,
    REALLOCATED,
    ROWS,
    scores_by_row,
)
from egomm.testing.rates import at_the_ends
from egomm.testing.spec import KitchenSpec
from egomm.testing.statistics import estimate
from egomm.testing.study import Row

KINDS = ('verb', 'noun', 'action')


def world_section(
    spec: KitchenSpec,
    width: int,
    clips: Mapping[str, int],
    majority: Mapping[str, float],
    results: Sequence[Mapping[str, Any]],
    rates: Mapping[str, float],
) -> str:
    """Everything about one world, as Markdown.

    Args:
        spec: The world.
        width: Channels of the trained encoders.
        clips: Number of clips by split.
        majority: Share of the commonest class of the test split, in percent, by task.
        results: Of all runs with test scores.
        rates: Chosen learning rate by row.
    """
    scores = scores_by_row(results)
    balance = f'balance {spec.balance:g}, ' if spec.balance else ''
    parts = [
        f'### Conflict {spec.conflict:g}, {balance}encoders of {width} channels\n',
        f'{clips["train"]} training clips (a fifth of the participants left out by each seed), '
        f'{clips["val"]} for choices, {clips["test"]} for the test; nobody is in two of them. A '
        'perfect observer has something to go by in '
        + ' and '.join(f'{100 * spec.coverage(task):.0f} % ({task})' for task in KINDS[:2])
        + ' of the clips; the commonest class has '
        + ' and '.join(f'{majority[task]:.1f} % ({task})' for task in KINDS[:2])
        + '.\n',
        _rows_table(scores, results, rates),
        claims_table(CLAIMS, scores, KINDS[:2]),
        _checks(scores, results),
        _limits(results, rates),
        _reallocation(results),
    ]
    return '\n'.join(parts)


def _rows_table(
    scores: Scores, results: Sequence[Mapping[str, Any]], rates: Mapping[str, float]
) -> str:
    rows = list(ROWS)
    after = 1 + [row.name for row in rows].index('query-aa')
    rows.insert(after, Row('query-aa-ar', '', paper=PAPER_REALLOCATED['query-aa-ar']))
    rows += [Row('query-ar', ''), *CONTROLS]
    runs: dict[str, list[Mapping[str, Any]]] = {}
    for result in results:
        runs.setdefault(result['row'], []).append(result)
    # A row with re-allocation is the run of another row.
    sources = {name: REALLOCATED.get(name, name) for name in scores}
    sources = {name: source for name, source in sources.items() if source in runs}
    table = rows_table(
        rows,
        scores,
        {name: runs[source] for name, source in sources.items()},
        {name: rates[source] for name, source in sources.items()},
        {kind: kind for kind in KINDS},
        'paper (EPIC-100)',
    )
    return (
        'Test top-1 in percent, mean over seeds ± half of the 95 % interval of that mean. Seeds '
        'also differ in their training participants, so rows are to be compared by the paired '
        'differences below, not by these intervals.\n\n' + table
    )


def _checks(scores: Scores, results: Sequence[Mapping[str, Any]]) -> str:
    """Manipulation checks: what single modalities give, and how far the tasks disagree."""
    alone = []
    for modality in ('rgb', 'flow', 'audio'):
        values = scores.get(f'concat-{modality}-only')
        if values:
            means = {kind: np.mean([row[kind] for row in values.values()]) for kind in KINDS}
            alone.append(f'{modality} {means["verb"]:.0f} / {means["noun"]:.0f}')
    lines = []
    for row in ('concat', 'query-1token', 'query'):
        runs = [result['logged'] for result in results if result['row'] == row]
        places = [name for name in runs[0] if name.startswith('conflict/')] if runs else []
        cells = []
        for place in places:
            values = [run[place] for run in runs]
            interval = estimate(values) if len(values) > 1 else None
            spread = f' ± {interval.half_width:.2f}' if interval else ''
            cells.append(f'{place.rpartition("/")[2]} {np.mean(values):+.2f}{spread}')
        if cells:
            lines.append(f'* {row}: {", ".join(cells)}')
    single = f'One modality alone (verb / noun, percent): {"; ".join(alone)}.\n\n'
    return (
        (single if alone else '')
        + 'Cosine of the gradients of verb and noun loss, mean over training and seeds:\n\n'
        + '\n'.join(lines)
        + '\n'
    )


def _limits(results: Sequence[Mapping[str, Any]], rates: Mapping[str, float]) -> str:
    """What the numbers of this world cannot carry, as far as they show it themselves."""
    limits = []
    shared = [
        value
        for result in results
        for name, value in result['logged'].items()
        if name.startswith('conflict/') and name.endswith(('/fused', '/shared'))
    ]
    if shared and np.mean(shared) >= 0:
        limits.append(
            f'The gradients of the tasks agree on the features that both read (mean cosine '
            f'{np.mean(shared):+.2f}): this world does not hold the conflict of tasks with which '
            'the paper explains query fusion, so it says nothing about that explanation.'
        )
    ends = at_the_ends(rates, LEARNING_RATES)
    return ends + ''.join(f'* {limit}\n' for limit in limits)


def _reallocation(results: Sequence[Mapping[str, Any]]) -> str:
    lines = ['| trained row | split | without | held out | in sample |', '|---|---|---|---|---|']
    for source in REALLOCATED.values():
        runs = [result['reallocated'] for result in results if result['row'] == source]
        if not runs:
            continue
        cells = [
            f'{np.mean([run[kind]["action"] for run in runs]):.2f}'
            for kind in ('plain', 'held_out', 'in_sample')
        ]
        gains = {
            kind: estimate([run[kind]['action'] - run['plain']['action'] for run in runs])
            for kind in ('held_out', 'in_sample')
        }
        lines.append(
            f'| {source} | choices | {cells[0]} | {cells[1]} '
            f'({gains["held_out"].mean:+.2f} ± {gains["held_out"].half_width:.2f}) | {cells[2]} '
            f'({gains["in_sample"].mean:+.2f} ± {gains["in_sample"].half_width:.2f}) |'
        )
    return (
        'Re-allocation on the clips for choices: weights chosen on one half of the participants '
        'and scored on the other (held out), or chosen and scored on all (in sample); action '
        'top-1 and its change. The rows `query-ar` and `query-aa-ar` above are on the test.\n\n'
        + '\n'.join(lines)
        + '\n'
    )
