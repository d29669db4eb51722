"""The search for a learning rate, on scores that are a function of it."""

import math
from collections import Counter

import pytest

from egomm.testing.rates import at_the_ends, search_rates
from egomm.testing.study import Row

OFFERED = (5e-3, 1.5e-2, 4.5e-2)


def search(rows, score, offered=OFFERED):
    """Rates that are chosen, and how often each pair of a row and a rate was run."""
    runs = Counter()

    def run_all(pairs):
        runs.update((row.name, rate) for row, rate in pairs)
        return [
            dict(row=row.name, learning_rate=rate, scores=score(row.name, rate))
            for row, rate in pairs
        ]

    rates = search_rates(rows, offered, run_all, lambda row, result: result['scores'])
    return rates, runs


@pytest.mark.parametrize(
    'best, tried, ends',
    [
        (1.5e-2, 3, False),
        (4.5e-2, 4, False),  # one beyond is worse
        (0.135, 5, False),
        (10.0, 5, True),  # no end to it
        (5e-3, 4, False),
        (1e-6, 5, True),
    ],
)
def test_a_row_tries_beyond_while_the_best_is_at_an_end(best, tried, ends):
    rates, runs = search([Row('query', 'query')], lambda _, rate: -abs(rate - best))
    assert len(runs) == tried
    assert set(runs.values()) == {1}
    known = {rate for _, rate in runs}
    assert rates['query'] == min(known, key=lambda rate: abs(rate - best))
    text = at_the_ends(rates, OFFERED)
    assert bool(text) == ends
    if ends:
        assert text.startswith('* Of the learning rates 0.0005556 to 0.405 the best was at an end')


def test_rows_are_searched_by_themselves_and_some_take_the_rate_of_another():
    rows = [Row('query', 'query'), Row('concat', 'concat')]
    rows += [Row('query-0.3', 'query', tuned_as='query')]
    rates, runs = search(rows, lambda name, rate: -rate if name == 'concat' else rate)
    assert rates == {'query': 0.405, 'query-0.3': 0.405, 'concat': 0.0005556}
    assert {name for name, _ in runs} == {'query', 'concat'}


def test_of_two_equal_rates_the_higher_is_taken():
    rates, _ = search([Row('query', 'query')], lambda _, rate: min(rate, 1.5e-2))
    assert rates == {'query': 0.405}


@pytest.mark.parametrize('broken', [5e-3, 4.5e-2])
def test_a_rate_whose_score_is_no_number_is_not_taken(broken):
    rates, _ = search(
        [Row('query', 'query')], lambda _, rate: math.nan if rate == broken else -rate
    )
    assert rates == {'query': 1.5e-2 if broken == 5e-3 else 0.0005556}


def test_a_single_rate_is_taken_as_it_is():
    rates, runs = search([Row('query', 'query')], lambda _, rate: rate, (5e-3,))
    assert rates == {'query': 5e-3}
    assert len(runs) == 1
