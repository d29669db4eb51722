"""What a few repeated runs can say: intervals of means and of paired differences.

Student's t; the smallest effect that a paired comparison would find with 80 % power follows
the usual normal-theory formula with t quantiles.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
POWER = 0.8


class Estimate(NamedTuple):
    """A mean over seeds with its 95 % interval.

    Attributes:
        mean: Of the values.
        low: Lower end of the interval.
        high: Upper end.
        detectable: Smallest true mean that a test against 0 finds with 80 % power.
        count: Number of values.
    """

    mean: float
    low: float
    high: float
    detectable: float
    count: int

    @property
    def half_width(self) -> float:
        """Half the length of the interval."""
        return (self.high - self.low) / 2

    @property
    def verdict(self) -> str:
        """``'above'`` or ``'below'`` 0 if the interval is, else ``'undecided'``."""
        return 'above' if self.low > 0 else 'below' if self.high < 0 else 'undecided'


def estimate(values: Sequence[float]) -> Estimate:
    """Mean and t interval of independent values.

    Raises:
        ValueError: If there are fewer than two.
    """
    count = len(values)
    if count < 2:
        raise ValueError(f'An interval wants at least two values; got {count}. Run more seeds.')
    mean = float(np.mean(values))
    error = float(np.std(values, ddof=1)) / count**0.5
    sided = stats.t.ppf(0.5 + CONFIDENCE / 2, count - 1)
    detectable = (sided + stats.t.ppf(POWER, count - 1)) * error
    return Estimate(mean, mean - sided * error, mean + sided * error, float(detectable), count)


def paired(first: Sequence[float], second: Sequence[float]) -> Estimate:
    """Mean of ``first - second``, both in the order of the same seeds.

    Raises:
        ValueError: If they differ in length or have fewer than two values.
    """
    if len(first) != len(second):
        raise ValueError(
            f'A paired comparison wants the same seeds twice; got {len(first)} and {len(second)} '
            'values. Run what is missing.'
        )
    return estimate(np.subtract(first, second).tolist())
