"""Which instants of a clip are looked at.

Shapes: N = instants of a view.
"""

import numpy as np
from mmcv.transforms import BaseTransform

from egomm.functional.time_grid import segment_centre_offsets, segment_random_offsets
from egomm.registry import TRANSFORMS


@TRANSFORMS.register_module()
class SampleSegments(BaseTransform):
    """One instant from each of N equal segments of the clip.

    Adds ``offsets`` (N,), frames from the start of the clip, ``frame_indices`` (N,), official
    numbers of RGB images, and ``times`` (N,), seconds. Times are shares of [start, stop], so that
    they do not depend on any frame rate. Every modality reads at these instants.

    For testing, several views share the segments: view v of n takes from each the frame at
    ``(2 v + 1) / (2 n)`` of it instead of its centre. The three keys then have N * n entries,
    ascending, of which ``[v::n]`` are those of view v, and ``temporal_views`` tells n; `PackSample`
    deals them out. Whether a clip has sound is judged once, over the windows of all views.

    Args:
        num_frames: N.
        mode: ``'random'`` within each segment, or its ``'centre'``.
        views: n; more than one goes with ``'centre'``.
    """

    def __init__(self, num_frames: int = 8, mode: str = 'random', views: int = 1) -> None:
        if num_frames < 1 or mode not in ('random', 'centre'):
            raise ValueError(
                "SampleSegments wants num_frames >= 1 and mode 'random' or 'centre'; "
                f'got {num_frames!r} and {mode!r}.'
            )
        if views < 1 or (views > 1 and mode == 'random'):
            raise ValueError(
                f"SampleSegments wants views >= 1, and mode='centre' for more than one; got "
                f'{views!r} and {mode!r}. Several views are for testing.'
            )
        self.num_frames = num_frames
        self.mode = mode
        self.views = views

    def transform(self, results: dict) -> dict:
        """Add ``offsets``, ``frame_indices`` and ``times``, and for centres ``temporal_views``."""
        length = results['stop_frame'] - results['start_frame'] + 1
        if self.mode == 'random':
            offsets = segment_random_offsets(length, self.num_frames, results['rng'])
        else:
            offsets = segment_centre_offsets(length, self.num_frames, self.views)
            results['temporal_views'] = self.views
        duration = results['stop_seconds'] - results['start_seconds']
        results['offsets'] = offsets
        results['frame_indices'] = np.minimum(
            results['start_frame'] + offsets, results['stop_frame']
        )
        results['times'] = results['start_seconds'] + (offsets + 0.5) / length * duration
        return results
