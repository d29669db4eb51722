"""Which instants of a clip are looked at.

Shapes: N = instants.
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

    Args:
        num_frames: N.
        mode: ``'random'`` within each segment, or its ``'centre'``.
    """

    def __init__(self, num_frames: int = 8, mode: str = 'random') -> None:
        if num_frames < 1 or mode not in ('random', 'centre'):
            raise ValueError(
                "SampleSegments wants num_frames >= 1 and mode 'random' or 'centre'; "
                f'got {num_frames!r} and {mode!r}.'
            )
        self.num_frames = num_frames
        self.mode = mode

    def transform(self, results: dict) -> dict:
        """Add ``offsets``, ``frame_indices`` and ``times``."""
        length = results['stop_frame'] - results['start_frame'] + 1
        if self.mode == 'random':
            offsets = segment_random_offsets(length, self.num_frames, results['rng'])
        else:
            offsets = segment_centre_offsets(length, self.num_frames)
        duration = results['stop_seconds'] - results['start_seconds']
        results['offsets'] = offsets
        results['frame_indices'] = np.minimum(
            results['start_frame'] + offsets, results['stop_frame']
        )
        results['times'] = results['start_seconds'] + (offsets + 0.5) / length * duration
        return results
