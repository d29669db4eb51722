"""Comparisons by hand, and an interval that covers the truth as often as it says."""

import numpy as np
import pytest

from egomm.functional.comparison import (
    class_changes,
    error_table,
    group_interval,
    moment_kinds,
    paired_bootstrap,
)


def test_the_difference_is_b_minus_a_over_all_rows():
    found = paired_bootstrap([0, 0, 1, 1], [1, 1, 1, 0], ['v', 'v', 'v', 'w'])
    assert found.mean == pytest.approx(0.25)
    assert found.groups == 2
    # A draw is twice v (2/3), twice w (-1) or both (1/4).
    assert (found.low, found.high) == pytest.approx((-1.0, 2 / 3))


def test_rows_of_a_group_are_drawn_together():
    a, b = np.zeros(100), np.tile([0.0, 1.0], 50)
    alone = paired_bootstrap(a, b, list(range(100)))
    together = paired_bootstrap(a, b, ['even', 'odd'] * 50)
    assert together.high - together.low == pytest.approx(1.0)  # both of one kind, or of each
    assert alone.high - alone.low < 0.25


def test_an_interval_of_one_model_draws_whole_groups_too():
    # All rows of a group are alike, so the interval is that of four groups, not of 400 rows.
    values = np.repeat([0.0, 1.0, 0.0, 1.0], 100)
    assert group_interval(values, np.repeat(list('abcd'), 100)) == (0, 1)
    assert group_interval(np.ones(5), list('abcde')) == (1, 1)


def test_the_interval_covers_a_difference_of_nought_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered = 0
    for seed in range(200):
        shift = np.repeat(rng.normal(size=40), 5)  # what the rows of a video have in common
        found = paired_bootstrap(
            np.zeros(200), shift + rng.normal(size=200), np.repeat(np.arange(40), 5), 300, seed
        )
        covered += found.low <= 0 <= found.high
    assert 0.88 <= covered / 200 <= 0.99


def test_rows_and_groups_have_to_fit():
    with pytest.raises(ValueError, match='got 2 rows and 1 groups. Of two models, give both'):
        paired_bootstrap([0, 1], [1, 1], ['v'])
    with pytest.raises(ValueError, match='got 0 rows and 0 groups'):
        group_interval([], [])


def test_mistakes_go_from_a_kind_to_a_kind():
    a = dict(verb=[True, False, True, False], noun=[True, True, False, False])
    b = dict(verb=[True, True, True, False], noun=[False, True, False, True])
    table, kinds = error_table(a, b)
    assert kinds == ['right', 'verb only', 'noun only', 'both']
    expected = np.zeros((4, 4), dtype=int)
    expected[0, 2] = expected[1, 0] = expected[2, 2] = expected[3, 1] = 1
    assert table.tolist() == expected.tolist()


def test_the_largest_gain_of_a_class_comes_first():
    labels = [3, 3, 5, 5, 7]
    a, b = [True, True, False, False, True], [True, False, True, True, True]
    assert class_changes(labels, a, b) == [
        (5, 2, 0.0, 1.0),
        (7, 1, 1.0, 1.0),
        (3, 2, 1.0, 0.5),
    ]
    assert [row[0] for row in class_changes(labels, a, b, least=2)] == [5, 3]


@pytest.mark.parametrize(
    'segments, kind',
    [
        ([('cut', 0, 10)], 'right'),
        ([('cut', 0, 10), ('cut', 0, 9)], 'double'),
        ([('wash', 0, 10)], 'wrong label'),
        ([('cut', 0, 4)], 'ends wrong'),
        ([('wash', 0, 4)], 'wrong label and ends'),
        ([('cut', 40, 50)], 'background'),
    ],
)
def test_a_moment_is_right_or_wrong_in_one_way(segments, kind):
    truth = [dict(label='cut', start_time=0, end_time=10)]
    truth += [dict(label='wash', start_time=20, end_time=30)] * (len(segments) - 1)
    found = [dict(label=label, segment=[start, end], score=1.0) for label, start, end in segments]
    extra = dict(label='cut', segment=[0, 10], score=0.1)  # more than there are instances
    counts = moment_kinds({'c': dict(annotations=truth)}, {'c': [*found, extra]})
    assert counts[kind] == 1
    assert sum(counts.values()) == len(segments)
