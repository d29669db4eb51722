"""The learning rate of every row of a study: the best of some on what is kept for choices.

While the best of a row is the lowest or the highest that it tried, it tries one more beyond it, as
far from it as those offered are from each other, at most `FURTHER` times.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

FURTHER = 2


class TunedRow(Protocol):
    """A row of a table, and the one whose learning rate it takes instead of a search of its own."""

    @property
    def name(self) -> str:
        """As in the table."""

    @property
    def tuned_as(self) -> str | None:
        """None for a search of its own."""


AnyRow = TypeVar('AnyRow', bound=TunedRow)
Result = Mapping[str, Any]


def search_rates(
    rows: Sequence[AnyRow],
    offered: Sequence[float],
    run_all: Callable[[list[tuple[AnyRow, float]]], Sequence[Result]],
    score_of: Callable[[AnyRow, Result], float],
) -> dict[str, float]:
    """Learning rate by row: the best, the higher of two equal ones; a score of NaN is the worst.

    Args:
        rows: All rows.
        offered: Rates that every row tries, rising, each by the same factor.
        run_all: Runs pairs of a row and a rate; results have ``row`` and ``learning_rate``.
        score_of: Score that a row is chosen by, from the row and its result.
    """
    scores: dict[str, dict[float, float]] = {}
    by_name = {row.name: row for row in rows}
    wanted = [(row, rate) for row in rows if row.tuned_as is None for rate in offered]
    while wanted:
        for result in run_all(wanted):
            name = result['row']
            score = score_of(by_name[name], result)
            scores.setdefault(name, {})[result['learning_rate']] = (
                -math.inf if math.isnan(score) else score
            )
        beyond = [(by_name[name], _beyond(tried, offered)) for name, tried in scores.items()]
        wanted = [(row, rate) for row, rate in beyond if rate is not None]
    best = {name: _best(tried) for name, tried in scores.items()}
    return {row.name: best[row.tuned_as or row.name] for row in rows}


def at_the_ends(rates: Mapping[str, float], offered: Sequence[float]) -> str:
    """A line about rows that took the lowest or highest rate of all; empty without any.

    Args:
        rates: Chosen learning rate by row.
        offered: What every row tried.
    """
    every = _range(offered)
    at_end = sorted(name for name, rate in rates.items() if rate in (every[0], every[-1]))
    if not at_end:
        return ''
    which = 'every row' if len(at_end) == len(rates) else ', '.join(at_end)
    return (
        f'* Of the learning rates {every[0]:g} to {every[-1]:g} the best was at an end for '
        f'{which}: a better one may lie beyond it.\n'
    )


def _range(offered: Sequence[float]) -> list[float]:
    """All rates that a row may try; one alone is not searched beyond."""
    if len(offered) == 1:
        return list(offered)
    factor = offered[1] / offered[0]
    below = [offered[0] / factor**step for step in range(FURTHER, 0, -1)]
    above = [offered[-1] * factor**step for step in range(1, FURTHER + 1)]
    return [float(f'{rate:.4g}') for rate in (*below, *offered, *above)]


def _best(tried: Mapping[float, float]) -> float:
    return max(tried, key=lambda rate: (tried[rate], rate))


def _beyond(tried: Mapping[float, float], offered: Sequence[float]) -> float | None:
    """The next rate to try, None where the best is between others or there is no next one."""
    every = _range(offered)
    best = _best(tried)
    place = every.index(best)
    step = {min(tried): -1, max(tried): 1}.get(best, 0)
    return every[place + step] if step and 0 <= place + step < len(every) else None
