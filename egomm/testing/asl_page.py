"""The page of the ASL study: rows with intervals, a verdict for every claim, and what h became.

It is written from the results file alone, see `egomm.testing.study_records`. Of a world the file
has ``centres``: where a perfect mu would be, by class, null where there is none.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from egomm.testing.asl_runs import SIZES, Setting, main_score
from egomm.testing.asl_study import (
    CORRELATED_ROWS,
    GAUSSIAN_WAY,
    H_LEAST,
    LEARNING_RATES,
    MEANINGS,
    ROWS,
    SCORES,
    WORLDS,
    World,
    claims_of,
    core_verdict,
)
from egomm.testing.claims import claims_table, rows_table
from egomm.testing.rates import FURTHER, at_the_ends
from egomm.testing.statistics import estimate, paired
from egomm.testing.study_records import Record, of_kind, sittings

# Metric of the score that is shown beside the main one.
BESIDE = {'moment': 'ego4d_mq/recall_1x_at_0.5', 'query': 'ego4d_nlq/recall_1_at_0.5'}
SOURCES = {
    'generated': 'Features generated from the timelines with a known signal; no pixels',
    'recognizer': 'Features of the drawn videos, from a recognizer trained on other participants',
}
TASKS = {'moment': 'Moments', 'query': 'Queries'}
HEAD = """# The study of action sensitivity on the toy kitchen

Made by `python tools/study.py asl`, with a line in `{results}` for every run; every claim
and the rule for its verdict stood in `egomm/testing/asl_study.py` before the runs. The toy kitchen
is a generated world: what holds in it need not hold on Ego4D, and the paper's differences are
beside ours for their order.

Long videos of {minutes}, {classes} classes of moments. A moment is a row of handlings of about a
second, of which some show its class: most near its core, which lies at the centre, at the onset, or
nowhere in particular (flat); `mixed` has all three, by class. Handlings near the ends may show the
neighbour. Rows differ in the weights h of the positive points alone:

{rows}
All train a small pyramid ({channels} channels, {length} steps a clip) for {epochs}.
Of {rates} learning rates, and up to {further} beyond while the best is at an end, `base`, `learned`
and `mean-one` take the best on the videos for choices, in every world and with a seed of its own;
`fixed` and `constant` are controls of `learned` and take its. The test is scored once a run. Over a
run the learning rates of the Gaussians add up to {way:g}, as over the 15 epochs of the paper. A
claim that something helps is **confirmed** if the 95 % interval of the paired difference lies above
0, **refuted** if it lies below 0 or below a third of the paper's effect, else **undecided**; that
something does not help (flat cores) is refuted above 0, confirmed below a third of the effect. A
row has **collapsed** if the mean of h over positive points left {least:g}..1 in an epoch.
"""
Results = Sequence[Mapping[str, Any]]


def asl_page(records: Sequence[Record], results: str) -> str:
    """The page, as Markdown; the same records give the same page.

    Args:
        records: Lines of the results file, in any order.
        results: Name of that file.
    """
    facts = {record['world']: record for record in of_kind(records, 'world')}
    runs = sorted(of_kind(records, 'run'), key=lambda run: (run['row'], run['seed']))
    by_world = {
        world: [run for run in runs if run['world'] == world.name]
        for world in WORLDS
        if world.name in facts
    }
    spec = WORLDS[0].spec
    head = HEAD.format(
        results=results,
        minutes='{:g} to {:g} minutes'.format(*spec.minutes),
        classes=spec.classes,
        rows=''.join(f'* `{row.name}`: {MEANINGS[row.name]}\n' for row in ROWS),
        channels=Setting.channels,
        length=Setting.length,
        epochs=' or '.join(f'{size["epochs"]} epochs ({task})' for task, size in SIZES.items()),
        rates=len(LEARNING_RATES),
        further=FURTHER,
        way=GAUSSIAN_WAY,
        least=H_LEAST,
    )
    missing = [title(world) for world in WORLDS if world not in by_world]
    parts = [
        head,
        sittings(records),
        'Not run: ' + '; '.join(missing) + '.\n' if missing else '',
        overview(by_world),
        *(world_section(world, runs, facts[world.name]) for world, runs in by_world.items()),
    ]
    return '\n'.join(part for part in parts if part)


def world_section(world: World, results: Results, facts: Record) -> str:
    """Everything about one world, as Markdown.

    Args:
        world: The world.
        results: Its runs.
        facts: Its line of the results file.
    """
    spec, scores = world.spec, _scores(world, results)
    rates = {run['row']: run['learning_rate'] for run in results}
    parts = [
        f'### {title(world)}\n',
        f'{SOURCES[world.features]}. {spec.train} training videos (a fifth of the participants '
        f'left out by each seed), {spec.val} for choices, {spec.test} for the test; nobody is in '
        f'two of them. Training boundaries are off by up to {100 * spec.boundary_noise:.0f} % of '
        f'the length, by {spec.annotators} annotators; those of the test are exact.\n',
        'Test scores in percent, mean over seeds ± half of the 95 % interval of that mean; rows '
        'are to be compared by the paired differences below.\n',
        rows_table(
            ROWS,
            scores,
            _runs(results),
            rates,
            {name: name for name in SCORES[world.task]},
            paper=None,
        ),
        claims_table(claims_of(world), scores, SCORES[world.task][1:]),
        _weights_table(results),
    ]
    true = np.array(facts['centres'], dtype=float)
    if spec.core != 'flat':
        parts.append(
            f'A mu at the core would be {np.nanmin(true):+.2f} .. {np.nanmax(true):+.2f}, positive '
            'before the middle.\n'
        )
    if spec.core == 'mixed':
        parts.append(_cores_table(results, true))
    parts.append(_limits(rates, results))
    return '\n'.join(part for part in parts if part)


def overview(by_world: Mapping[World, Results]) -> str:
    """Differences of the rows in all worlds, a line each.

    Args:
        by_world: Runs by world.
    """
    pairs = (('learned', 'base'), ('learned', 'constant'), ('mean-one', 'base'))
    titles = ['world', 'rows reach', *(f'{first} - {second}' for first, second in pairs)]
    lines = [f'| {" | ".join(titles)} |', '|---' * len(titles) + '|']
    for world, results in by_world.items():
        scores, main = _scores(world, results), SCORES[world.task][0]
        cells = [title(world), f'{np.mean([main_score(run, "test") for run in results]):.0f} %']
        for first, second in pairs:
            seeds = sorted(scores[first].keys() & scores[second].keys())
            between = paired(
                [scores[first][seed][main] for seed in seeds],
                [scores[second][seed][main] for seed in seeds],
            )
            cells.append(f'{between.mean:+.2f} ({between.low:+.2f} .. {between.high:+.2f})')
        lines.append(f'| {" | ".join(cells)} |')
    return (
        '### All worlds\n\nDifferences in the main score (average mAP, mean R@1), with the 95 % '
        'interval over seeds:\n\n' + '\n'.join(lines) + '\n'
    )


def title(world: World) -> str:
    """Heading of a world."""
    return (
        f'{TASKS[world.task]}, {world.features} features, core {world.core}, boundary noise '
        f'{world.boundary_noise:g}'
    )


def _scores(world: World, results: Results) -> dict[str, dict[int, dict[str, float]]]:
    """Scores of the test in percent, by row, seed and name."""
    main, beside = SCORES[world.task]
    scores: dict[str, dict[int, dict[str, float]]] = {row.name: {} for row in ROWS}
    for result in results:
        scores[result['row']][result['seed']] = {
            main: main_score(result, 'test'),
            beside: 100 * result['scores']['test'][BESIDE[world.task]],
        }
    return scores


def _runs(results: Results) -> dict[str, list[Mapping[str, Any]]]:
    return {row.name: [run for run in results if run['row'] == row.name] for row in ROWS}


def _weights_table(results: Results) -> str:
    lines = [
        '| row | mean of h in training | lowest mean of an epoch | mean weight of offsets | '
        'learned mu | learned sigma | h |',
        '|---|---|---|---|---|---|---|',
    ]
    for row in ROWS:
        runs = [run for run in _runs(results)[row.name] if 'h' in run]
        if not runs:
            continue
        means, ends = ([run['h'][key] for run in runs] for key in ('mean', 'ends'))
        lowest = min(run['h']['lowest'] for run in runs)
        spread = ['', '']
        if 'mu' in runs[0] and row.name != 'fixed':
            spread = [
                f'{np.min(values):+.2f} .. {np.max(values):+.2f}'
                for values in ([run[key] for run in runs] for key in ('mu', 'sigma'))
            ]
        state = '**collapsed**' if collapsed(runs) else f'within {H_LEAST:g}..1'
        lines.append(
            f'| {row.name} | {np.mean(means):.3f} | {lowest:.3f} | {np.mean(ends):.3f} | '
            f'{spread[0]} | {spread[1]} | {state} |'
        )
    return '\n'.join(lines) + '\n'


def collapsed(runs: Results) -> bool:
    """Whether the mean of h over positive points left [0.2, 1] in any epoch of any run."""
    return any(not H_LEAST <= run['h']['lowest'] <= 1 + 1e-6 for run in runs)


def _cores_table(results: Results, true: np.ndarray) -> str:
    seen = ~np.isnan(true)
    lines = [
        'Learned mu against the true place of the core, over the classes that have one '
        f'({seen.sum()} of {len(true)}):\n',
        '| row | correlation, mean over seeds | 95 % interval | verdict: mu follows the core |',
        '|---|---|---|---|',
    ]
    for name in CORRELATED_ROWS:
        values = [
            float(np.corrcoef(np.array(run['mu'])[seen], true[seen])[0, 1])
            for run in _runs(results)[name]
        ]
        found = estimate(values)
        lines.append(
            f'| {name} | {found.mean:+.2f} | {found.low:+.2f} .. {found.high:+.2f} | '
            f'**{core_verdict(found)}** |'
        )
    return '\n'.join(lines) + '\n'


def _limits(rates: Mapping[str, float], results: Results) -> str:
    limits = at_the_ends(rates, LEARNING_RATES)
    level = np.mean([main_score(run, 'test') for run in results])
    if not 50 <= level <= 85:
        limits += (
            f'* The rows reach {level:.0f} % on average; a world in which they reach 50 to 85 % '
            'tells more.\n'
        )
    return limits
