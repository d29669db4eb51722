"""Which instants of a clip are looked at.

Shapes: N = instants of a view.
"""

import numpy as np
from mmcv.transforms import BaseTransform

from egomm.functional.clip_sampling import (
    doubled_offsets,
    middle_window_offsets,
    random_window_offsets,
    repeated_frame_offsets,
    sequential_windows,
)
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
        return _look_at(results, offsets)


@TRANSFORMS.register_module()
class SampleWindow(BaseTransform):
    """Frames of a window, for networks that were trained at a stride, such as MFNet.

    Adds the keys of `SampleSegments`. Modes:

    * ``'random'``: a window of stride ``interval`` times a random ``speed``, anywhere.
    * ``'middle'``: evenly spaced over ``window`` frames around the middle.
    * ``'sequential'``: one of the windows of stride ``interval`` that follow one another, drawn by
      the sample's random numbers, so in tests always the same one.
    * ``'every'``: every frame of the clip twice, N = 2 frames, so that a network that halves time
      answers once a frame. Clips differ in length then: use a batch size of 1.

    A clip that is too short for a window is one repeated frame in ``'random'`` and
    ``'sequential'``, as in the original, and is used whole in ``'middle'``.

    Args:
        num_frames: N, for all modes but ``'every'``.
        mode: See above.
        interval: Frames from one to the next.
        speed: Smallest and largest factor of ``interval`` in ``'random'``.
        window: Width in frames of ``'middle'``.
    """

    MODES = ('random', 'middle', 'sequential', 'every')

    def __init__(
        self,
        num_frames: int = 16,
        mode: str = 'random',
        interval: int = 2,
        speed: tuple[float, float] = (0.5, 1.5),
        window: int = 32,
    ) -> None:
        if min(num_frames, interval, window) < 1 or mode not in self.MODES:
            raise ValueError(
                f'SampleWindow wants a mode out of {self.MODES}, and num_frames, interval and '
                f'window of at least 1; got {mode!r}, {num_frames!r}, {interval!r} and {window!r}.'
            )
        self.num_frames = num_frames
        self.mode = mode
        self.interval = interval
        self.speed = speed
        self.window = window

    def transform(self, results: dict) -> dict:
        """Add ``offsets``, ``frame_indices`` and ``times``."""
        length, rng = results['stop_frame'] - results['start_frame'] + 1, results['rng']
        if self.mode == 'every':
            offsets = doubled_offsets(length)
        elif self.mode == 'middle':
            offsets = middle_window_offsets(length, self.num_frames, self.window)
        elif self.mode == 'random':
            offsets = random_window_offsets(length, self.num_frames, self.interval, self.speed, rng)
        else:
            windows = sequential_windows(length, self.num_frames, self.interval)
            if len(windows):
                offsets = windows[rng.choice(len(windows))]
            else:
                offsets = repeated_frame_offsets(length, self.num_frames, rng)
        return _look_at(results, offsets)


def _look_at(results: dict, offsets: np.ndarray) -> dict:
    """Add the frames at these offsets, and their times as shares of the clip."""
    length = results['stop_frame'] - results['start_frame'] + 1
    duration = results['stop_seconds'] - results['start_seconds']
    results['offsets'] = offsets
    results['frame_indices'] = np.minimum(results['start_frame'] + offsets, results['stop_frame'])
    results['times'] = results['start_seconds'] + (offsets + 0.5) / length * duration
    return results
