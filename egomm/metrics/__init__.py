"""Metrics: thin accumulating classes over `egomm.functional`. Importing this registers them."""

from egomm.metrics.accuracy import EpicActionMetric

__all__ = ['EpicActionMetric']
