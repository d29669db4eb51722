"""The page of MIMO, written from its results file alone, see `egomm.testing.study_records`.

Of a world the file has ``clips`` by split and ``majority`` by task.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from egomm.testing.claims import Scores
from egomm.testing.mimo_study import (
    ASKED_ALONE,
    CONFLICT_PLACES,
    CONTRASTS,
    IMBALANCED,
    LEARNING_RATES,
    NARROW,
    WIDTH,
    WORLDS,
    Contrast,
    World,
    rows_of,
    scores_by_row,
    study_world,
)
from egomm.testing.rates import FURTHER
from egomm.testing.statistics import Estimate, estimate, paired
from egomm.testing.study import Setting
from egomm.testing.study_page import world_section
from egomm.testing.study_records import Record, of_kind, sittings

VERDICTS = {'above': 'confirmed', 'below': 'refuted', 'undecided': 'undecided'}
WITHIN = 3.0  # points that a modality by itself may be off
HEAD = """# The study on the toy kitchen: MIMO, fusion, allocating, re-allocating

Made by `python tools/study.py mimo`, with a line in `{results}` for every run; every claim
and the rule for its verdict stood in `egomm/testing/mimo_study.py` before the runs. The toy kitchen
is a generated world: what holds in it need not hold on EPIC-KITCHENS-100, and the numbers of the
paper are beside ours for their order and their differences, not for their height.

Frozen encoders (`configs/toy/mimo_encoders.py`, trained on a world of their own with other
participants) give token maps of clips that are drawn without files in between; every row trains a
small encoder a modality, its fusion and its heads for {epochs} epochs on them. Of {rates} learning
rates, and up to {further} beyond while the best is at an end, each row takes the best on the clips
for choices, with a seed of its own; the test is scored once a run. A claim is **confirmed** if the
95 % interval of the paired difference lies above 0, **refuted** if it lies below 0 or below a third
of the paper's effect, else **undecided**.
"""


def mimo_page(records: Sequence[Record], results: str) -> str:
    """The page, as Markdown; the same records give the same page.

    Args:
        records: Lines of the results file, in any order.
        results: Name of that file.
    """
    runs = sorted(of_kind(records, 'run'), key=lambda run: (run['row'], run['seed']))
    facts = {record['world']: record for record in of_kind(records, 'world')}
    sections, tables = [], {}
    for world in WORLDS:
        for width in (WIDTH, NARROW):
            chosen = [run for run in runs if (run['world'], run['width']) == (world.name, width)]
            seeds = {row: sum(run['row'] == row for run in chosen) for row in _names(chosen)}
            chosen = [run for run in chosen if seeds[run['row']] > 1]  # one has no interval
            if not chosen:
                continue
            tables[world, width] = scores_by_row(chosen)
            rates = {run['row']: run['learning_rate'] for run in chosen}
            about = facts[world.name]
            sections.append(
                world_section(
                    study_world(world), width, about['clips'], about['majority'], chosen, rates
                )
            )
    parts = [
        HEAD.format(
            results=results,
            epochs=Setting.epochs,
            rates=len(LEARNING_RATES),
            further=FURTHER,
        ),
        sittings(records),
        _not_run(tables),
        contrasts_table(tables),
        conflict_check(runs),
        calibration(tables.get((IMBALANCED, WIDTH), {})),
        *sections,
    ]
    return '\n'.join(part for part in parts if part)


def _names(runs: Iterable[Record]) -> list[str]:
    return sorted({run['row'] for run in runs})


def _not_run(tables: Mapping[tuple[World, int], Scores]) -> str:
    """What the study asks for and the results do not have."""
    lines = []
    for world in WORLDS:
        for width in (WIDTH, NARROW):
            asked = [row.name for row in rows_of(world, width)]
            missing = [name for name in asked if name not in tables.get((world, width), {})]
            if missing:
                what = 'nothing yet' if missing == asked else f'all but {", ".join(missing)}'
                lines.append(f'* {_name(world)}, {width} channels: {what}')
    if not lines:
        return ''
    return '### What was run of what the study asks for\n\n' + '\n'.join(lines) + '\n'


def contrasts_table(tables: Mapping[tuple[World, int], Scores]) -> str:
    """Verdicts of the claims about how a difference changes from one world to another."""
    lines = [
        '| claim (first - second) | score | difference | 95 % interval | detectable | seeds | '
        'verdict |',
        '|---' * 7 + '|',
    ]
    for claim in CONTRASTS:
        found = contrast(claim, tables)
        if found:
            lines.append(
                f'| {claim.text}: ({claim.first} - {claim.second}, {_name(claim.more)}) - (the '
                f'same, {_name(claim.less)}) | action | {found.mean:+.2f} | {found.low:+.2f} .. '
                f'{found.high:+.2f} | {found.detectable:.2f} | {found.count} | '
                f'**{VERDICTS[found.verdict]}** |'
            )
    if len(lines) == 2:
        return ''
    return (
        '### Between worlds\n\nHow a difference of two rows changes, paired by seed.\n\n'
        + '\n'.join(lines)
        + '\n'
    )


def contrast(claim: Contrast, tables: Mapping[tuple[World, int], Scores]) -> Estimate | None:
    """By how much the first row leads more in the one world; None where a row has not run."""
    more, less = (tables.get((world, claim.width), {}) for world in (claim.more, claim.less))
    if not {claim.first, claim.second} <= more.keys() & less.keys():
        return None
    sides = [table[row] for table in (more, less) for row in (claim.first, claim.second)]
    seeds = sorted(set.intersection(*(set(side) for side in sides)))
    leads = [
        [first[seed]['action'] - second[seed]['action'] for seed in seeds]
        for first, second in (sides[:2], sides[2:])
    ]
    return paired(*leads)


def conflict_check(runs: Sequence[Record]) -> str:
    """Manipulation check: whether the knob `conflict` sets the tasks' gradients against each other.

    Rows are those of `CONFLICT_PLACES`.
    """
    worlds = [world for world in WORLDS if world.balance == IMBALANCED.balance]
    levels = [f'conflict {world.conflict:g}' for world in worlds]
    lines = [f'| row, place | {" | ".join(levels)} | changes | monotone |']
    lines.append('|---' * (len(levels) + 3) + '|')
    for row, place in CONFLICT_PLACES.items():
        cosines = [
            {
                run['seed']: run['logged'][f'conflict/verb-noun/{place}']
                for run in runs
                if (run['world'], run['width'], run['row']) == (world.name, WIDTH, row)
            }
            for world in worlds
        ]
        if any(len(values) < 2 for values in cosines):
            continue
        steps = []
        for before, after in zip(cosines, cosines[1:]):
            seeds = sorted(before.keys() & after.keys())
            steps.append(paired([after[s] for s in seeds], [before[s] for s in seeds]))
        means = [f'{np.mean(list(values.values())):+.3f}' for values in cosines]
        changes = [f'{step.mean:+.3f} ({step.low:+.3f} .. {step.high:+.3f})' for step in steps]
        lines.append(
            f'| {row}, {place} | {" | ".join(means)} | {", ".join(changes)} | '
            f'**{_monotone(steps)}** |'
        )
    if len(lines) == 2:
        return ''
    return (
        '### Manipulation check of conflict\n\nCosine of the gradients of verb and noun loss at '
        'what both read: more conflict should mean less of it. Monotone if the 95 % interval of '
        'every paired change lies below 0, not if one lies above, else not shown. Where it is not '
        'monotone, or the cosine stays above 0, no world here holds the conflict of tasks with '
        'which the paper explains query fusion, whatever the knob is called: verdicts along it '
        'say nothing about that explanation.\n\n' + '\n'.join(lines) + '\n'
    )


def _monotone(steps: Sequence[Estimate]) -> str:
    if all(step.high < 0 for step in steps):
        return 'yes'
    return 'no' if any(step.low > 0 for step in steps) else 'not shown'


def calibration(scores: Scores) -> str:
    """What single modalities reach where `ASKED_ALONE` says what they should, from test scores."""
    lines = ['| modality | verb asked | verb | noun asked | noun | within three points |']
    lines.append('|---' * 6 + '|')
    for modality, asked in ASKED_ALONE.items():
        seeds = scores.get(f'concat-{modality}-only')
        if not seeds:
            continue
        found = [estimate([one[task] for one in seeds.values()]).mean for task in ('verb', 'noun')]
        fine = all(abs(got - want) <= WITHIN for got, want in zip(found, asked))
        cells = [f'{want:g} | {got:.1f}' for got, want in zip(found, asked)]
        lines.append(f'| {modality} | {" | ".join(cells)} | {"yes" if fine else "**no**"} |')
    if len(lines) == 2:
        return ''
    return (
        f'### Calibration of {_name(IMBALANCED)}\n\nTest top-1 of one modality alone against what '
        'the world was meant to show. The signals of the preset were not set anew to reach it.\n\n'
        + '\n'.join(lines)
        + '\n'
    )


def _name(world: World) -> str:
    return f'conflict {world.conflict:g}' + (f', balance {world.balance:g}' * (world.balance > 0))
