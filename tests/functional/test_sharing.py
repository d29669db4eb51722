"""Work of uneven size among processes."""

import numpy as np
import pytest

from egomm.functional.sharing import deal_out


def test_the_largest_goes_first_to_who_has_least():
    # 7 -> 0, 6 -> 1, 5 -> 2, then 4 -> 2 (5), 3 -> 1 (6), 2 -> 0 (7), all 9.
    assert deal_out([2, 7, 4, 6, 3, 5], 3).tolist() == [0, 0, 2, 1, 1, 2]


def test_of_equal_ones_the_first_comes_first():
    assert deal_out([1, 1, 1, 1], 2).tolist() == [0, 1, 0, 1]


def test_more_parts_than_items_leave_some_empty():
    assert deal_out([1.0], 5).tolist() == [0]
    assert deal_out([], 2).tolist() == []


def test_never_more_than_four_thirds_of_what_is_needed():
    rng = np.random.default_rng(0)
    for parts in (2, 3, 7):
        sizes = rng.gamma(0.5, 10, 40)
        filled = np.bincount(deal_out(sizes, parts), sizes, parts)
        assert filled.max() <= 4 / 3 * max(sizes.sum() / parts, sizes.max())


@pytest.mark.parametrize('sizes, parts', [([1.0], 0), ([-1.0], 2), ([float('nan')], 2)])
def test_what_cannot_be_dealt_out_is_refused(sizes, parts):
    with pytest.raises(ValueError, match='at least one part and finite sizes'):
        deal_out(sizes, parts)
