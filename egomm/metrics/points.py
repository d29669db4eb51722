"""How far predicted points of gaze and hands are from the true ones.

A `CoordinateHead` predicts ``points`` (T, L, 2) and ``heatmaps`` (T, L, H, W); `PointTargets` makes
the truth (T, L, 3), whose last number is 1 where the point counts. Pixels are those of the square
image that the model gets.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from numpy.typing import NDArray
from torch.nn.functional import interpolate

from egomm.functional.gaze import angular_error, auc_judd, auc_point
from egomm.registry import METRICS

Array = NDArray[Any]


@METRICS.register_module()
class GazeMetric(BaseMetric):
    """Angle and AUC of gaze, each a mean over the frames in which gaze is tracked and visible.

    * ``angle``: average angular error in degrees (`functional.gaze.angular_error`).
    * ``auc_judd``: over the cells of the heat map, the true cell being the fixation.
    * ``auc_judd_image``: over the pixels of the image, to which the heat map is enlarged between
      the centres of its cells; this one compares maps of different sizes.
    * ``auc_point``: what Kapidis et al. (2019) and others call AUC, for comparison with them; the
      heat map has no part in it, and predicting a corner pays.
    * ``frames``, ``frames_skipped`` and ``frames_unlabelled``: how many counted, how many of clips
      with gaze did not, and how many are of clips without gaze; together all that were looked at.

    Clips that a distributed sampler repeats count once.

    Args:
        task: Name of the head.
        size: Side of the image in pixels.
        blob_sigma: Of ``auc_point``, in pixels; the default goes with 224 pixels.
        **kwargs: Of ``mmengine.evaluator.BaseMetric``.

    Raises:
        ValueError: When samples arrive: if a prediction is missing or has another number of
            steps or points. In the evaluation: if no frame counts.
    """

    default_prefix = 'gaze'

    def __init__(
        self, task: str = 'gaze', size: int = 224, blob_sigma: float = 14, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.task = task
        self.size = size
        self.blob_sigma = blob_sigma

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the scores of every frame of one batch, one result a sample."""
        for sample in data_samples:
            steps = _steps(self, sample, self.task, self.size)
            if steps.visible is None:
                left_out = {'unlabelled': int(steps.counted.sum())}
                self.results.append((steps.name, None, left_out))
                continue
            seen = steps.visible[:, 0]
            one, other = steps.predicted[seen, 0], steps.true[seen, 0]
            maps = np.asarray(sample['pred'][self.task]['heatmaps'])[steps.counted][seen, 0]
            cells = np.array([maps.shape[-1], maps.shape[-2]])
            places = np.clip(((other + 0.5) / self.size * cells).astype(int), 0, cells - 1)
            pixels = np.clip(np.rint(other).astype(int), 0, self.size - 1)
            scores = {
                'angle': angular_error(one, other, self.size),
                'auc_judd': _auc_judd(maps, places),
                'auc_judd_image': _auc_judd(_enlarge(maps, self.size), pixels),
                'auc_point': auc_point(
                    *(np.clip(p, 0, self.size - 1) for p in (one, other)),
                    self.size,
                    self.blob_sigma,
                ),
            }
            scores = {name: np.asarray(values, np.float64) for name, values in scores.items()}
            self.results.append((steps.name, scores, {'skipped': int((~seen).sum())}))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Average over the frames of all clips."""
        clips = _once(results)
        report = _means(self, [scores for _, scores, _ in clips])
        for name in ('skipped', 'unlabelled'):
            report[f'frames_{name}'] = float(sum(left.get(name, 0) for _, _, left in clips))
        return report


@METRICS.register_module()
class PointErrorMetric(BaseMetric):
    """Distance of each point in pixels, a mean over the frames in which it is visible.

    ``error`` is over all points, ``<name>_error`` over those of a name, ``frames`` counts the
    points. A clip without these labels is left out; clips that a distributed sampler repeats count
    once.

    Args:
        task: Name of the head.
        names: Of its points, in order.
        size: Side of the image in pixels.
        **kwargs: Of ``mmengine.evaluator.BaseMetric``.

    Raises:
        ValueError: When samples arrive: if a prediction is missing or has another number of
            steps or points. In the evaluation: if no point counts.
    """

    default_prefix = 'hands'

    def __init__(
        self,
        task: str = 'hands',
        names: Sequence[str] = ('left', 'right'),
        size: int = 224,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.task = task
        self.names = tuple(names)
        self.size = size

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the distances of one batch, one result a sample."""
        for sample in data_samples:
            steps = _steps(self, sample, self.task, self.size, len(self.names))
            scores = None
            if steps.visible is not None:
                distances = np.linalg.norm(steps.predicted - steps.true, axis=-1)
                scores = {'error': distances[steps.visible]}
                for index, name in enumerate(self.names):
                    scores[f'{name}_error'] = distances[steps.visible[:, index], index]
            self.results.append((steps.name, scores))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Average over the points of all clips."""
        return _means(self, [scores for _, scores in _once(results)])


class _Steps(NamedTuple):
    """The steps of a sample that count, in pixels.

    Attributes:
        name: Clip and block.
        counted: ``(T,)`` of all steps, which are these.
        predicted: ``(T, L, 2)`` of these alone, as are the next two.
        true: ``(T, L, 2)``.
        visible: ``(T, L)``; None without a label.
    """

    name: tuple[str, int]
    counted: Array
    predicted: Array
    true: Array
    visible: Array | None


def _steps(metric: BaseMetric, sample: dict, task: str, size: int, count: int = 1) -> _Steps:
    """Truth and prediction of a sample."""
    answer, truth = sample['pred'].get(task), sample['gt'].get(task)
    shape = None if answer is None else tuple(answer['points'].shape)
    wanted = np.zeros((shape[0] if shape else 0, count, 3)) if truth is None else np.asarray(truth)
    if shape != (len(wanted), count, 2) or wanted.shape[1:] != (count, 3):
        raise ValueError(
            f'{type(metric).__name__} wants {count} points of {task!r} a step for '
            f'{sample["narration_id"]}; got {"none" if shape is None else shape} for labels '
            f'{wanted.shape}. Give the model a CoordinateHead of that name, and PointTargets the '
            '`every` of its backbone.'
        )
    counted = np.asarray(sample.get('counted', np.ones(len(wanted))), bool)
    # The centre of pixel p of n lies at (2p + 1) / n - 1.
    predicted, true = (
        ((np.asarray(points, np.float64) + 1) * size - 1) / 2
        for points in (answer['points'], wanted[..., :2])
    )
    return _Steps(
        (sample['narration_id'], sample.get('block', 0)),
        counted,
        predicted[counted],
        true[counted],
        None if truth is None else wanted[counted, :, 2] > 0,
    )


def _auc_judd(maps: Array, places: Array) -> list[float]:
    """Of each map, the one fixation of which has this column and row."""
    return [auc_judd(one, place[None, ::-1]) for one, place in zip(maps, places, strict=True)]


def _enlarge(maps: Array, size: int) -> Array:
    """Maps ``(T, H, W)`` as ``(T, size, size)``."""
    if not len(maps):
        return maps
    return interpolate(torch.from_numpy(maps)[None], (size, size), mode='bilinear')[0].numpy()


def _once(results: list) -> list:
    """The first result of each clip and block."""
    kept: dict[Any, Any] = {}
    for result in results:
        kept.setdefault(tuple(result[0]), result)
    return list(kept.values())


def _means(metric: BaseMetric, results: list[dict[str, Array] | None]) -> dict[str, float]:
    """Mean of each score over all frames of all clips, and how many frames they are."""
    clips = [scores for scores in results if scores is not None]
    if not any(len(values) for clip in clips for values in clip.values()):
        raise ValueError(
            f'{type(metric).__name__} wants clips with visible points; of {len(clips)} with labels '
            'none has one. Check the files of gaze or hands, or take the metric out.'
        )
    joined = {name: np.concatenate([clip[name] for clip in clips]) for name in clips[0]}
    report = {name: float(values.mean()) for name, values in joined.items() if len(values)}
    # As a float: of a whole number MMEngine's file of a test has null.
    report['frames'] = float(len(next(iter(joined.values()))))
    return report
