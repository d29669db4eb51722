"""Claims of a paper, the rule that decides about them, and the tables that show it.

Every claim of a study is written down with what would refute it before anything is run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from egomm.testing.statistics import Estimate, estimate, paired

Scores = Mapping[str, Mapping[int, Mapping[str, float]]]  # by row, seed and name of the score


class NamedRow(Protocol):
    """A row of a table; what a paper reports of it is its ``paper``, if it has such."""

    @property
    def name(self) -> str:
        """As in the table."""


@dataclass(frozen=True)
class Claim:
    """A difference of two rows in one score, paired by seed.

    If the first is said to win: confirmed if the 95 % interval of ``first - second`` lies above 0,
    refuted if it lies below 0 or entirely below a third of the paper's effect, else undecided.
    If it is said not to win: refuted if the interval lies above 0, confirmed if it lies entirely
    below a third of the paper's effect, else undecided.

    Attributes:
        text: What is claimed.
        first: Row that should win, or should not.
        second: Row that it is compared with.
        effect: The paper's difference in points, None where it has no such pair of rows.
        score: Name of the score.
        wins: Whether the first should win.
    """

    text: str
    first: str
    second: str
    effect: float | None = None
    score: str = 'action'
    wins: bool = True


def verdict(found: Estimate, claim: Claim) -> str:
    """Confirmed, refuted or undecided, by the rule that stands with `Claim`."""
    small = claim.effect is not None and found.high < claim.effect / 3
    if found.low > 0:
        return 'confirmed' if claim.wins else 'refuted'
    if small or (claim.wins and found.high < 0):
        return 'refuted' if claim.wins else 'confirmed'
    return 'undecided'


def rows_table(
    rows: Sequence[NamedRow],
    scores: Scores,
    runs: Mapping[str, Sequence[Mapping[str, Any]]],
    rates: Mapping[str, float],
    columns: Mapping[str, str],
    paper: str | None,
) -> str:
    """Mean and interval of every row's scores, beside the paper's, and what a run costs.

    Args:
        rows: The rows, in order; those without scores are left out.
        scores: Of the test.
        runs: Results by row, for parameters and time.
        rates: Learning rate by row.
        columns: Title by name of the score.
        paper: Title of the column with the paper's numbers; None for no such column.
    """
    titles = ['row', *([] if paper is None else [paper]), *columns.values()]
    titles += ['seeds', 'learning rate', 'parameters', 'train, CPU s']
    lines = [f'| {" | ".join(titles)} |', '|---' * len(titles) + '|']
    for row in rows:
        if row.name not in scores:
            continue
        values = scores[row.name]
        cells = [spread([values[seed].get(name) for seed in sorted(values)]) for name in columns]
        if paper is not None:
            cells.insert(0, ' / '.join(f'{value:.2f}' for value in getattr(row, 'paper', ()) or ()))
        results = runs[row.name]
        lines.append(
            f'| {row.name} | {" | ".join(cells)} | {len(values)} | '
            f'{rates[row.name]:g} | {results[0]["parameters"]:,} | '
            f'{np.mean([result["seconds"] for result in results]):.0f} |'
        )
    return '\n'.join(lines) + '\n'


def spread(values: Sequence[float | None]) -> str:
    """Mean and half the interval of it, as text; empty where there is no such score."""
    known = [value for value in values if value is not None]
    if not known:
        return ''
    found = estimate(known)
    return f'{found.mean:.1f} ± {found.half_width:.1f}'


def claims_table(claims: Sequence[Claim], scores: Scores, others: Sequence[str] = ()) -> str:
    """The verdict of every claim whose two rows have run, with what it rests on.

    Args:
        claims: The claims.
        scores: Of the test.
        others: Names of scores whose difference is shown as well.
    """
    lines = [
        '| claim (first - second) | score | paper | difference | 95 % interval | detectable | '
        + ''.join(f'{name} | ' for name in others)
        + 'verdict |',
        '|---' * (len(others) + 7) + '|',
    ]
    for claim in claims:
        if not {claim.first, claim.second} <= scores.keys():
            continue
        found = {name: _difference(claim, scores, name) for name in (claim.score, *others)}
        main = found[claim.score]
        effect = '' if claim.effect is None else f'{claim.effect:+.2f}'
        beside = ''.join(
            f'{found[name].mean:+.2f} ± {found[name].half_width:.2f} | ' for name in others
        )
        lines.append(
            f'| {claim.text}: {claim.first} - {claim.second} | {claim.score} | {effect} | '
            f'{main.mean:+.2f} | {main.low:+.2f} .. {main.high:+.2f} | {main.detectable:.2f} | '
            f'{beside}**{verdict(main, claim)}** |'
        )
    return (
        'Paired by seed. *Detectable* is the true difference that as many seeds would find with '
        '80 % power.\n\n' + '\n'.join(lines) + '\n'
    )


def wanting_seeds(claims: Sequence[Claim], scores: Scores) -> str:
    """A line about the claims whose interval reaches beyond a third of the paper's effect."""
    wide = []
    for claim in claims:
        if claim.effect is None or not {claim.first, claim.second} <= scores.keys():
            continue
        if _difference(claim, scores, claim.score).half_width > claim.effect / 3:
            wide.append(f'{claim.first} - {claim.second}')
    if not wide:
        return ''
    return (
        "* Half of the interval is still more than a third of the paper's effect for "
        f'{", ".join(wide)}: more seeds are wanted there.\n'
    )


def _difference(claim: Claim, scores: Scores, name: str) -> Estimate:
    first, second = scores[claim.first], scores[claim.second]
    seeds = sorted(first.keys() & second.keys())
    return paired([first[s][name] for s in seeds], [second[s][name] for s in seeds])
