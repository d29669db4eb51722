"""Points of hands and gaze as targets: after crops and flips, in the coordinates of heat maps.

Loaders leave ``points[task]`` (N, L, 3) in the results: x and y relative to the original frame and
whether the point is visible, for L points at each of N sampled frames.
"""

from collections.abc import Sequence

import numpy as np
from mmcv.transforms import BaseTransform

from egomm.functional.points import follow_crop, inside
from egomm.registry import TRANSFORMS


def point_source(results: dict, task: str, loader: str) -> dict | None:
    """Where the points of a clip are, for a transform that loads them at the sampled frames.

    Args:
        results: What the pipeline has so far.
        task: ``'gaze'`` or ``'hands'``.
        loader: Name of the transform, for complaints.

    Returns:
        The resolved source; None if this clip has none.

    Raises:
        ValueError: If the dataset has no source of this task, or nothing is sampled yet.
    """
    if task not in results['sources'] or 'frame_indices' not in results:
        raise ValueError(
            f'{loader} reads at sampled frames from a source of {task}; the dataset has sources '
            f'for {sorted(results["sources"])}, and frames are '
            f'{"" if "frame_indices" in results else "not "}sampled. Add sources[{task!r}] to '
            f'the dataset, and put the sampling before {loader} in the pipeline.'
        )
    return results['sources'][task]


@TRANSFORMS.register_module()
class PointTargets(BaseTransform):
    """Make labels of the points: put it after all crops and flips, before `PackSample`.

    ``gt[task]`` is then (T, L, 3) float32: x and y from -1 to 1 over the image that the model gets
    (see `egomm.functional.points`), and 1 where the point is visible and inside that image, else
    0. Points outside keep their coordinates.

    Args:
        every: A target for every so many sampled frames: 2 for a network that halves time.
        swap: Tasks of two points, left and right, that change places when the image is flipped;
            the left hand of a mirrored image looks like a right one. Kapidis et al. do not swap.

    Raises:
        ValueError: If ``every`` is below 1, or ``swap`` is one text.
    """

    def __init__(self, every: int = 1, swap: Sequence[str] = ()) -> None:
        if every < 1 or isinstance(swap, str):
            raise ValueError(
                f"PointTargets wants every >= 1 and a list of tasks as `swap`, such as ['hands']; "
                f'got {every!r} and {swap!r}.'
            )
        self.every = every
        self.swap = tuple(swap)

    def transform(self, results: dict) -> dict:
        """Add ``gt[task]`` for every task that has points.

        Raises:
            ValueError: If points are to be swapped that are not two, or there are several crops.
        """
        if results.get('crops', 1) > 1:
            raise ValueError(
                'PointTargets follows one crop of a frame; got '
                f'{results["crops"]} from ThreeCrops. Test points with CentreCrop.'
            )
        if results.get('padding', False):  # padding comes without labels
            return results
        flipped = results.get('flipped', False)
        for task, points in results.get('points', {}).items():
            targets = points[:: self.every].astype(np.float32)
            box = results.get('crop_box', (0.0, 0.0, 1.0, 1.0))
            places = follow_crop(targets[..., :2], box, flipped)
            targets[..., :2] = places
            targets[..., 2] *= inside(places)
            if flipped and task in self.swap:
                if targets.shape[1] != 2:
                    raise ValueError(
                        f'PointTargets(swap={self.swap}) swaps left and right, but {task!r} has '
                        f'{targets.shape[1]} points a frame. Take {task!r} out of `swap`.'
                    )
                targets = targets[:, ::-1].copy()
            results['gt'][task] = targets
        return results
