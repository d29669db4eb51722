"""EPIC-KITCHENS time: timestamps, image numbers, flow numbers, and which frames make up a clip.

Frames of RGB are numbered from 1 (``frame_0000000001.jpg``) at a nominal rate: 60 per second for
the videos of 2018 (``P01_11``), 50 for those of 2020 (``P01_101``). The ``fps`` column of
EPIC_100_video_info.csv (59.94 and others) is not the rate of the frame numbers: using it drifts by
up to 220 frames.

Offsets count from 0 at the first frame of a clip.
"""

import math
import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

_VIDEO = re.compile(r'P\d{2}_(\d{2,3})')
_TIMESTAMP = re.compile(r'(\d+):([0-5]\d):([0-5]\d(?:\.\d+)?)')


def parse_timestamp(text: str) -> float:
    """Seconds of a timestamp ``HH:MM:SS.ss`` (any number of decimals).

    Raises:
        ValueError: If the text has another form.
    """
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise ValueError(
            f"A timestamp looks like '00:01:02.53' (HH:MM:SS.ss); got {text!r}. "
            'Correct the row of the annotation file.'
        )
    hours, minutes, seconds = match.groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def nominal_fps(video_id: str) -> int:
    """Rate of the frame numbers: 60 for ``PXX_YY``, 50 for ``PXX_1YY``.

    Raises:
        ValueError: If the id is not one of EPIC-KITCHENS.
    """
    return 50 if _is_extension(video_id) else 60


def official_frame(seconds: float, fps: float) -> int:
    """Image number that the official annotations give to a time: ``max(1, floor(t * fps))``.

    The product is a float64 one, whose last bit decides some rows: for start and stop of all
    9,668 validation and 13,092 test rows this is the number in the CSV, while exact decimal
    arithmetic differs by one frame in up to 3 % of them.

    Args:
        seconds: Time from the start of the video, as `parse_timestamp` gives it.
        fps: `nominal_fps` of the video.

    Returns:
        The number of an RGB image, counted from 1.

    Raises:
        ValueError: If the time is negative or not finite, or ``fps`` is not positive.
    """
    if not (0 <= seconds < math.inf and fps > 0):
        raise ValueError(
            f'official_frame wants seconds >= 0 and fps > 0; got {seconds} s at {fps} fps. '
            'Times count from the start of the video.'
        )
    return max(1, math.floor(seconds * fps))


def frame_seconds(frame: int, fps: float) -> float:
    """Time that the official annotations give to an image number: ``frame / fps``.

    The inverse of `official_frame` up to its rounding down to a frame. Image 1 shows time 0, so
    this is one frame late as a time of exposure, like the annotations themselves.

    Raises:
        ValueError: If ``frame`` is below 1 or ``fps`` is not positive.
    """
    if frame < 1 or fps <= 0:
        raise ValueError(
            f'frame_seconds wants an image number >= 1 and fps > 0; got {frame} at {fps} fps. '
            'EPIC images are numbered from 1.'
        )
    return frame / fps


def flow_stride(video_id: str) -> int:
    """RGB frames per flow frame: 2 for ``PXX_YY``, 1 for ``PXX_1YY``.

    Raises:
        ValueError: If the id is not one of EPIC-KITCHENS.
    """
    return 1 if _is_extension(video_id) else 2


def flow_index(rgb_index: int, stride: int) -> int:
    """Number of the flow image that belongs to an RGB image, both counted from 1.

    A video has fewer flow than RGB images, so the last ones need clamping to what is on disk.

    Raises:
        ValueError: If a number is below 1.
    """
    if rgb_index < 1 or stride < 1:
        raise ValueError(
            f'flow_index wants an RGB image number >= 1 and a stride >= 1; got {rgb_index} and '
            f'{stride}. EPIC images are numbered from 1.'
        )
    return (rgb_index - 1) // stride + 1


def segment_centre_offsets(num_frames: int, segments: int, views: int = 1) -> Integers:
    """Frames in the middle of equal segments, as Omnivore samples a clip.

    The borders of the segments lie at ``round(i * (num_frames - 1) / segments)`` (halves to even);
    a frame is the mean of two borders, rounded down. Of several views, view v takes the frame
    ``(2 v + 1) / (2 views)`` of the way from one border to the next, rounded down: the views
    interleave, and the middle one of an odd number is what one view alone sees.

    Args:
        num_frames: Frames of the clip, ``stop_frame - start_frame + 1``.
        segments: How many frames a view takes.
        views: How many views.

    Returns:
        Offsets ``(segments * views,)``, ascending; they repeat where the clip is shorter. View v
        has ``[v::views]`` of them.

    Raises:
        ValueError: If a number is below 1.
    """
    _check_counts(num_frames, segments)
    if views < 1:
        raise ValueError(f'Sampling wants at least one view of a clip; got {views}.')
    step = (num_frames - 1) / segments
    borders = np.rint(step * np.arange(segments + 1)).astype(np.int64)[:, None]
    share = 2 * np.arange(views) + 1
    return ((borders[:-1] * (2 * views - share) + borders[1:] * share) // (2 * views)).ravel()


def segment_random_offsets(num_frames: int, segments: int, rng: np.random.Generator) -> Integers:
    """One frame drawn evenly from each of equal segments, for training.

    Args:
        num_frames: Frames of the clip.
        segments: How many frames to take.
        rng: Where the randomness comes from.

    Returns:
        Offsets ``(segments,)``, ascending; they repeat where the clip is shorter.

    Raises:
        ValueError: If a number is below 1.
    """
    _check_counts(num_frames, segments)
    positions = (np.arange(segments) + rng.random(segments)) * (num_frames / segments)
    return np.minimum(positions.astype(np.int64), num_frames - 1)


def tsn_test_offsets(num_frames: float, segments: int, stack: int = 1) -> Integers:
    """First frames in the middle of equal segments, as TSN and TBN test.

    Args:
        num_frames: Frames of the clip; a half counts (see `tbn_clip`).
        segments: How many snippets to take.
        stack: Consecutive frames per snippet: 1 for RGB, 5 for flow.

    Returns:
        Offsets ``(segments,)`` of the snippets' first frames. As in the reference they fall below
        0 where the clip is shorter than one snippet, so a loader has to clamp what it reads.

    Raises:
        ValueError: If ``num_frames`` is not positive or another number is below 1.
    """
    if num_frames <= 0 or segments < 1 or stack < 1:
        raise ValueError(
            f'tsn_test_offsets wants num_frames > 0, segments >= 1 and stack >= 1; got '
            f'{num_frames}, {segments} and {stack}. Check start and stop of the clip.'
        )
    step = (num_frames - stack + 1) / segments
    return (step / 2 + step * np.arange(segments)).astype(np.int64)


class TbnClip(NamedTuple):
    """A clip in the bookkeeping of Temporal Binding Networks; indices count from 0."""

    rgb_start: int
    num_rgb: int
    flow_start: int
    num_flow: float


def tbn_clip(start_frame: int, stop_frame: int, stride: int) -> TbnClip:
    """The clip that Temporal Binding Networks cut out of an annotation.

    TBN numbers frames from 0 and leaves the last two of the annotated frames out.

    Args:
        start_frame: Official ``start_frame``, counted from 1.
        stop_frame: Official ``stop_frame``, counted from 1.
        stride: `flow_stride` of the video.

    Returns:
        Start and number of RGB and of flow frames; ``num_flow`` may end in a half.

    Raises:
        ValueError: If the frames are not ``1 <= start < stop`` or the stride is below 1.
    """
    if not 1 <= start_frame < stop_frame or stride < 1:
        raise ValueError(
            f'tbn_clip wants 1 <= start_frame < stop_frame and stride >= 1; got {start_frame}, '
            f'{stop_frame} and {stride}. Use the frame columns of the official CSV.'
        )
    start, count = start_frame - 1, stop_frame - start_frame - 1
    return TbnClip(start, count, start // stride, count / stride)


def _is_extension(video_id: str) -> bool:
    match = _VIDEO.fullmatch(video_id)
    if match is None:
        raise ValueError(
            f"EPIC-KITCHENS wants a video id like 'P01_11' (2018) or 'P01_101' (2020); got "
            f'{video_id!r}. For other videos pass the frame rate and flow stride yourself.'
        )
    return len(match[1]) == 3


def _check_counts(num_frames: int, segments: int) -> None:
    if num_frames < 1 or segments < 1:
        raise ValueError(
            f'Sampling wants at least one frame and one segment; got {num_frames} frames and '
            f'{segments} segments. Check start and stop of the clip.'
        )
