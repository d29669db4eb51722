"""Which instants of a clip are looked at.

Shapes: N = instants of a view.
"""

import numpy as np
from mmcv.transforms import BaseTransform

from egomm.functional.clip_sampling import (
    every_frame_blocks,
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

    Raises:
        ValueError: If a number is below 1, the mode is another, or several views are to be
            random.
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

    A clip that is too short for a window is one repeated frame in ``'random'`` and
    ``'sequential'``, as in the original, and is used whole in ``'middle'``.

    Args:
        num_frames: N.
        mode: See above.
        interval: Frames from one to the next.
        speed: Smallest and largest factor of ``interval`` in ``'random'``.
        window: Width in frames of ``'middle'``.

    Raises:
        ValueError: If a number is below 1, or the mode is another.
    """

    MODES = ('random', 'middle', 'sequential')

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
        if self.mode == 'middle':
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


@TRANSFORMS.register_module()
class SampleBlocks(BaseTransform):
    """Every frame of a clip, a block at a time: the test of gaze over whole clips.

    A `ClipDataset` whose pipeline has this step has one sample a block in the place of one a clip.
    Adds the keys of `SampleSegments`, and ``counted`` (N / every,): of which steps of the network
    the answer counts. Over all blocks of a clip that is one answer a frame, see
    `functional.clip_sampling.every_frame_blocks`.

    Args:
        num_frames: N, frames of a block.
        every: Frames that the network makes one step of, as in `PointTargets`; each frame of the
            clip stands as often in a block.
    """

    def __init__(self, num_frames: int = 16, every: int = 2) -> None:
        every_frame_blocks(1, num_frames, every)  # complains of what cannot be
        self.num_frames = num_frames
        self.every = every

    def count_blocks(self, num_frames: int) -> int:
        """How many blocks a clip of so many frames has."""
        return len(every_frame_blocks(num_frames, self.num_frames, self.every)[0])

    def transform(self, results: dict) -> dict:
        """Add ``offsets``, ``frame_indices``, ``times`` and ``counted`` of ``results['block']``."""
        length = results['stop_frame'] - results['start_frame'] + 1
        offsets, counted = every_frame_blocks(length, self.num_frames, self.every)
        results['counted'] = counted[results['block']]
        return _look_at(results, offsets[results['block']])


def _look_at(results: dict, offsets: np.ndarray) -> dict:
    """Add the frames at these offsets, and their times as shares of the clip."""
    length = results['stop_frame'] - results['start_frame'] + 1
    duration = results['stop_seconds'] - results['start_seconds']
    results['offsets'] = offsets
    results['frame_indices'] = np.minimum(results['start_frame'] + offsets, results['stop_frame'])
    results['times'] = results['start_seconds'] + (offsets + 0.5) / length * duration
    return results
