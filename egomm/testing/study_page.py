"""The page that a study leaves: tables with intervals, and a verdict for every claim."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from egomm.testing.mimo_study import (
    CLAIMS,
    CONTROLS,
    LEARNING_RATES,
    PAPER_REALLOCATED,
    REALLOCATED,
    ROWS,
    Claim,
    scores_by_row,
)
from egomm.testing.spec import KitchenSpec
from egomm.testing.statistics import Estimate, estimate, paired

KINDS = ('verb', 'noun', 'action')
Scores = Mapping[str, Mapping[int, Mapping[str, float]]]


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
    parts = [
        f'### Conflict {spec.conflict:g}, encoders of {width} channels\n',
        f'{clips["train"]} training clips (a fifth of the participants left out by each seed), '
        f'{clips["val"]} for choices, {clips["test"]} for the test; nobody is in two of them. A '
        'perfect observer has something to go by in '
        + ' and '.join(f'{100 * spec.coverage(task):.0f} % ({task})' for task in KINDS[:2])
        + ' of the clips; the commonest class has '
        + ' and '.join(f'{majority[task]:.1f} % ({task})' for task in KINDS[:2])
        + '.\n',
        _rows_table(scores, results, rates),
        _claims_table(scores),
        _checks(scores, results),
        _limits(results, rates),
        _reallocation(results),
    ]
    return '\n'.join(parts)


def verdict(found: Estimate, claim: Claim) -> str:
    """Confirmed, refuted or undecided, by the rule that stands with `Claim`."""
    if found.low > 0:
        return 'confirmed'
    if found.high < 0 or (claim.effect is not None and found.high < claim.effect / 3):
        return 'refuted'
    return 'undecided'


def _rows_table(
    scores: Scores, results: Sequence[Mapping[str, Any]], rates: Mapping[str, float]
) -> str:
    paper = {row.name: row.paper for row in (*ROWS, *CONTROLS)} | PAPER_REALLOCATED
    order = [row.name for row in ROWS]
    order.insert(order.index('query-aa') + 1, 'query-aa-ar')
    order += ['query-ar', *(row.name for row in CONTROLS)]
    lines = [
        '| row | paper (EPIC-100) | verb | noun | action | seeds | learning rate | parameters | '
        'train, CPU s |',
        '|---|---|---|---|---|---|---|---|---|',
    ]
    for name in order:
        if name not in scores:
            continue
        source = REALLOCATED.get(name, name)
        runs = [result for result in results if result['row'] == source]
        values = scores[name]
        cells = []
        for kind in KINDS:
            found = estimate([values[seed][kind] for seed in sorted(values)])
            cells.append(f'{found.mean:.1f} ± {found.half_width:.1f}')
        cited = paper.get(name)
        lines.append(
            f'| {name} | {" / ".join(f"{value:.2f}" for value in cited) if cited else ""} | '
            + ' | '.join(cells)
            + f' | {len(values)} | {rates[source]:g} | {runs[0]["parameters"]:,} | '
            f'{np.mean([run["seconds"] for run in runs]):.0f} |'
        )
    return (
        'Test top-1 in percent, mean over seeds ± half of the 95 % interval of that mean. Seeds '
        'also differ in their training participants, so rows are to be compared by the paired '
        'differences below, not by these intervals.\n\n' + '\n'.join(lines) + '\n'
    )


def _claims_table(scores: Scores) -> str:
    lines = [
        '| claim (first - second, action top-1) | paper | difference | 95 % interval | detectable '
        '| verb | noun | verdict |',
        '|---|---|---|---|---|---|---|---|',
    ]
    for claim in CLAIMS:
        if not {claim.first, claim.second} <= set(scores):
            continue
        first, second = scores[claim.first], scores[claim.second]
        seeds = sorted(first.keys() & second.keys())
        found = {
            kind: paired([first[s][kind] for s in seeds], [second[s][kind] for s in seeds])
            for kind in KINDS
        }
        action = found['action']
        effect = '' if claim.effect is None else f'{claim.effect:+.2f}'
        lines.append(
            f'| {claim.text}: {claim.first} - {claim.second} | {effect} | {action.mean:+.2f} | '
            f'{action.low:+.2f} .. {action.high:+.2f} | {action.detectable:.2f} | '
            f'{found["verb"].mean:+.2f} ± {found["verb"].half_width:.2f} | '
            f'{found["noun"].mean:+.2f} ± {found["noun"].half_width:.2f} | '
            f'**{verdict(action, claim)}** |'
        )
    return (
        'Paired by seed. *Detectable* is the true difference that as many seeds would find with '
        '80 % power.\n\n' + '\n'.join(lines) + '\n'
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
    at_end = [
        name for name, rate in rates.items() if rate in (LEARNING_RATES[0], LEARNING_RATES[-1])
    ]
    if at_end:
        which = 'every row' if len(at_end) == len(rates) else f'{", ".join(sorted(at_end))}'
        limits.append(
            f'Of the learning rates {", ".join(f"{rate:g}" for rate in LEARNING_RATES)} the best '
            f'was at an end for {which}: a better one may lie beyond it.'
        )
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
    return ''.join(f'* {limit}\n' for limit in limits)


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
