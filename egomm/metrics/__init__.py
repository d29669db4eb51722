"""Metrics: thin accumulating classes over `egomm.functional`. Importing this registers them."""

from egomm.metrics.accuracy import EpicActionMetric
from egomm.metrics.classes import ClassAccuracyMetric
from egomm.metrics.epic_segments import EpicDetectionMetric
from egomm.metrics.moments import Ego4dMomentMetric
from egomm.metrics.points import GazeMetric, PointErrorMetric
from egomm.metrics.queries import Ego4dQueryMetric
from egomm.metrics.result_file import ResultFile
from egomm.metrics.segment_file import SegmentFile

__all__ = [
    'ClassAccuracyMetric',
    'Ego4dMomentMetric',
    'Ego4dQueryMetric',
    'EpicActionMetric',
    'EpicDetectionMetric',
    'GazeMetric',
    'PointErrorMetric',
    'ResultFile',
    'SegmentFile',
]
