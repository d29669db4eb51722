"""Metrics: thin accumulating classes over `egomm.functional`. Importing this registers them."""

from egomm.metrics.accuracy import EpicActionMetric
from egomm.metrics.moments import Ego4dMomentMetric
from egomm.metrics.queries import Ego4dQueryMetric

__all__ = ['Ego4dMomentMetric', 'Ego4dQueryMetric', 'EpicActionMetric']
