import numpy as np
import pytest
from scipy import stats

from egomm.testing.statistics import estimate, paired


def test_interval_is_that_of_the_t_test():
    values = [1.0, 2.0, 4.0, 5.0, 3.5]
    found = estimate(values)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx(tuple(expected))
    assert found.mean == pytest.approx(3.1)
    assert found.half_width == pytest.approx((expected.high - expected.low) / 2)


def test_a_paired_difference_forgets_what_seeds_share():
    shared = np.array([0.0, 30.0, 5.0])
    found = paired(shared + 2, shared + [0, 0.1, -0.1])
    assert found.mean == pytest.approx(2.0)
    assert found.verdict == 'above'
    assert paired(shared, shared + 2 + [0, 0.1, -0.1]).verdict == 'below'
    assert paired([1.0, -1.0], [0.0, 0.0]).verdict == 'undecided'


def test_an_effect_of_the_detectable_size_is_found_four_times_in_five():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(4000, 12))
    effect = np.mean([estimate(row.tolist()).detectable for row in noise])
    low = (noise + effect).mean(1) - stats.t.ppf(0.975, 11) * noise.std(1, ddof=1) / 12**0.5
    assert np.mean(low > 0) == pytest.approx(0.8, abs=0.04)


@pytest.mark.parametrize('values', [[], [1.0]])
def test_too_few_values_are_refused(values):
    with pytest.raises(ValueError, match=f'at least two values; got {len(values)}'):
        estimate(values)


def test_unpaired_seeds_are_refused():
    with pytest.raises(ValueError, match='same seeds twice; got 2 and 3'):
        paired([1, 2], [1, 2, 3])
