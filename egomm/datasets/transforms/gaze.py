"""Reading gaze at the sampled frames.

Shapes: N = sampled frames.
"""

import numpy as np
from mmcv.transforms import BaseTransform

from egomm.datasets.gaze import TRUNCATED, UNTRACKED, read_begaze
from egomm.datasets.transforms.points import point_source
from egomm.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadGaze(BaseTransform):
    """Add ``points['gaze']`` (N, 1, 3) float32: x, y and visibility at each sampled frame.

    x and y are in 0..1 of the original frame; visibility is 1 where the gaze was tracked and lies
    inside it, else 0. A clip whose session has no file of gaze gets no points, so it is without
    that label, which `PointTargets` makes of the points. The file is found by the dataset's
    sources, for EGTEA Gaze+::

        gaze=[dict(type='begaze', path='gaze_data/{video}.txt'),
              dict(type='begaze', path='gaze_data/{video}-GazeData.txt')]

    Args:
        frame_offset: Added to the number of a video frame to get that of its gaze. Published code
            disagrees by one frame: that of GLC amounts to -1.
    """

    loads_tasks = ('gaze',)  # labels that no annotation file needs to have

    def __init__(self, frame_offset: int = 0) -> None:
        self.frame_offset = frame_offset

    def transform(self, results: dict) -> dict:
        """Add ``points['gaze']``.

        Raises:
            ValueError: If the dataset has no source of gaze, nothing is sampled yet, or the file
                is broken.
        """
        source = point_source(results, 'gaze', 'LoadGaze')
        if source is not None:
            track = read_begaze(source['path']).at(results['frame_indices'] + self.frame_offset)
            visible = (track.events != UNTRACKED) & (track.events != TRUNCATED)
            points = np.concatenate([track.points, visible[:, None]], axis=1, dtype=np.float32)
            results.setdefault('points', {})['gaze'] = points[:, None]
        return results
