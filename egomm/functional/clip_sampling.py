"""Which frames of a clip a network of a fixed number of frames looks at.

Sources: the samplers of MFNet (Chen et al., 2018, cypw/PyTorch-MFNet) and of Kapidis et al. (2019,
georkap/hand_track_classification), which test on the middle of a clip and on every frame of it.

Offsets count from 0 at the first frame of a clip. Shapes: K = frames of a window.
"""

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


def random_window_offsets(
    num_frames: int,
    count: int,
    interval: int,
    speed: tuple[float, float],
    rng: np.random.Generator,
) -> Integers:
    """A window at a random place, of a random stride.

    The stride is ``interval`` times a number drawn evenly from ``speed``, whose upper end gives
    way so that the window fits. Where even the lower end does not fit, one frame is repeated.

    Args:
        num_frames: Frames of the clip.
        count: K.
        interval: Frames from one to the next at speed 1.
        speed: Smallest and largest speed.
        rng: Where the randomness comes from.

    Returns:
        Offsets ``(K,)``, not decreasing.

    Raises:
        ValueError: If a number is below 1, or ``speed`` is not ``0 < smallest <= largest``.
    """
    _check(num_frames, count, interval)
    if not 0 < speed[0] <= speed[1]:
        raise ValueError(
            f'random_window_offsets wants speed as 0 < smallest <= largest; got {speed!r}.'
        )
    if count == 1:
        return repeated_frame_offsets(num_frames, count, rng)
    fastest = min(speed[1], (num_frames - 1) / ((count - 1) * interval))
    if fastest < speed[0]:
        return repeated_frame_offsets(num_frames, count, rng)
    span = (count - 1) * interval * rng.uniform(speed[0], fastest)
    # At full speed the span is the whole clip, up to rounding.
    start = rng.uniform(0, max(num_frames - 1 - span, 0.0))
    return _evenly(start, start + span, count)


def middle_window_offsets(num_frames: int, count: int, window: int) -> Integers:
    """Evenly spaced frames around the middle: the final test of Kapidis et al.

    They reach from ``window // 2`` frames before the middle to as many after it, so over
    ``window + 1`` frames if that is even; a clip of at most ``window`` frames is used whole.

    Args:
        num_frames: Frames of the clip.
        count: K.
        window: Width in frames; 32, and 64 for the EPIC-KITCHENS test server.

    Returns:
        Offsets ``(K,)``, not decreasing.

    Raises:
        ValueError: If a number is below 1.
    """
    _check(num_frames, count, window)
    if num_frames <= window:
        return _evenly(0, num_frames - 1, count)
    middle, half = num_frames // 2, window // 2
    return _evenly(middle - half, middle + half, count)


def sequential_windows(num_frames: int, count: int, interval: int) -> Integers:
    """All windows of a constant stride that follow one another from the first frame on.

    Args:
        num_frames: Frames of the clip.
        count: K.
        interval: Frames from one to the next within a window.

    Returns:
        Offsets ``(W, K)``; a window covers ``(K - 1) * interval + 1`` frames, and a clip of fewer
        has none (W = 0).

    Raises:
        ValueError: If a number is below 1.
    """
    _check(num_frames, count, interval)
    span = (count - 1) * interval + 1
    starts = np.arange(0, num_frames - span + 1, span)
    return (starts[:, None] + interval * np.arange(count)).astype(np.int64)


def repeated_frame_offsets(num_frames: int, count: int, rng: np.random.Generator) -> Integers:
    """One random frame, ``count`` times ``(K,)``: what short clips come to in MFNet's samplers.

    Raises:
        ValueError: If a number is below 1.
    """
    _check(num_frames, count, 1)
    return np.full(count, rng.choice(num_frames), np.int64)


def every_frame_blocks(num_frames: int, count: int, every: int = 2) -> tuple[Integers, Booleans]:
    """Windows that together answer once for every frame of a clip.

    In a window each frame stands ``every`` times, so a network that makes one step of as many
    frames answers once a frame. What is left over at the end is run as the last full window, of
    which only the steps count that no window before had. A clip of less than a window begins with
    its first frame repeated.

    Args:
        num_frames: Frames of the clip.
        count: K.
        every: Frames that the network makes one step of.

    Returns:
        Offsets ``(W, K)``, and which steps count ``(W, K / every)``; they are ``num_frames`` in
        all, in order.

    Raises:
        ValueError: If a number is below 1, or ``count`` no multiple of ``every``.
    """
    _check(num_frames, count, every)
    if count % every:
        raise ValueError(
            f'every_frame_blocks wants a multiple of {every} frames a window, as each stands '
            f'{every} times; got {count}.'
        )
    steps = count // every
    blocks = -(-num_frames // steps)
    starts = np.minimum(steps * np.arange(blocks), num_frames - steps)
    frames = starts[:, None] + np.arange(steps)
    counted = frames >= steps * np.arange(blocks)[:, None]
    return np.repeat(np.maximum(frames, 0), every, axis=1).astype(np.int64), counted


def _evenly(start: float, stop: float, count: int) -> Integers:
    """``count`` evenly spaced numbers from start to stop, both included, rounded down."""
    return np.linspace(start, stop, count).astype(np.int64)


def _check(num_frames: int, count: int, width: int) -> None:
    if num_frames < 1 or count < 1 or width < 1:
        raise ValueError(
            f'Sampling wants at least one frame, one frame a window and a stride or width of one; '
            f'got {num_frames}, {count} and {width}. Check start and stop of the clip.'
        )
