"""From boxes of hands in single frames to one point a hand and frame.

Kapidis et al. (2019) joined the boxes of a detector over time with SORT (Bewley et al., 2016) and
took the inner top corner of each hand's box. The same here, in four steps: boxes of successive
frames are linked by their overlap; a whole link is a left or a right hand, by the votes of its
boxes, so a detector that takes one for the other in single frames does no harm; where two links
claim one side, that with more evidence has it; short gaps are filled.

Edges of boxes are pixels with 0 at the outer edge of the first pixel, so its centre is at 0.5.

Shapes: D = boxes, N = frames.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
LEFT, RIGHT = 0, 1
MIN_OVERLAP = 0.3  # smallest intersection over union of a hand's successive boxes
_MOST_FRAMES = 24 * 3600 * 60  # a day at 60 a second


class Detections(NamedTuple):
    """What a detector found in the frames of a video, boxes in any order.

    Attributes:
        frames: ``(D,)`` number of the frame of each box.
        boxes: ``(D, 4)`` left, top, right and bottom edge in pixels.
        scores: ``(D,)`` confidence.
        sides: ``(D,)`` ``LEFT`` or ``RIGHT``.
        span: First and last frame that the detector has seen.
    """

    frames: Integers
    boxes: Floats
    scores: Floats
    sides: Integers
    span: tuple[int, int]


class HandPoints(NamedTuple):
    """Points of both hands, left first.

    Attributes:
        points: ``(N, 2, 3)`` x and y in pixels, whose centres are whole numbers, and 1 where
            visible, else 0 all three.
        filled: ``(N, 2)`` where the point stands between two detections.
    """

    points: Floats
    filled: NDArray[np.bool_]


def track_hands(detections: Detections, min_score: float = 0.5, max_gap: int = 10) -> HandPoints:
    """Follow the two hands through a video.

    Args:
        detections: Boxes, which all lie within the span.
        min_score: Boxes below this score are left out.
        max_gap: Frames without a box that a hand is followed over.

    Returns:
        Points of the N frames of the span.

    Raises:
        ValueError: If ``max_gap`` is negative, the arrays differ in length, the span is longer
            than a day, a box is outside it or has no area, a number is not finite or a side
            neither left nor right.
    """
    if max_gap < 0:
        raise ValueError(f'max_gap >= 0 is expected; got {max_gap}. 0 fills no gaps.')
    _check(detections)
    kept = detections.scores >= min_score
    frames, boxes = detections.frames[kept], detections.boxes[kept]
    scores, sides = detections.scores[kept], detections.sides[kept]
    links = link_boxes(frames, boxes, max_gap)
    evidence = np.bincount(links, scores)
    votes = np.bincount(links, np.where(sides == RIGHT, scores, -scores))
    side_of_link = np.where(votes > 0, RIGHT, LEFT)
    first, last = detections.span
    points = np.zeros((last - first + 1, 2, 3))
    # Later ones write over earlier ones.
    order = np.argsort(evidence[links], kind='stable')
    sides, places = side_of_link[links[order]], frames[order] - first
    points[places, sides, :2] = inner_top_corners(boxes[order], sides)
    points[places, sides, 2] = 1
    filled = np.stack([fill_gaps(points[:, side], max_gap) for side in (LEFT, RIGHT)], axis=1)
    return HandPoints(points, filled)


def link_boxes(frames: Integers, boxes: Floats, max_gap: int) -> Integers:
    """Number of the link that each box belongs to ``(D,)``.

    From frame to frame the pair of box and link that overlap most is joined first; with a handful
    of boxes a frame that comes to what the best assignment of all would. A link ends when more
    than ``max_gap`` frames have no box of it.

    Args:
        frames: ``(D,)``, in any order.
        boxes: ``(D, 4)``.
        max_gap: Frames without a box within a link.
    """
    # Plain numbers: NumPy's are slow one by one.
    times, edges = frames.tolist(), boxes.tolist()
    links = [-1] * len(times)
    newest: dict[int, int] = {}  # box by link
    count = 0
    order = np.argsort(frames, kind='stable').tolist()
    for time, group in groupby(order, key=times.__getitem__):
        found = list(group)
        newest = {link: box for link, box in newest.items() if time - times[box] <= max_gap + 1}
        pairs = [
            (overlap(edges[box], edges[new]), link, new)
            for link, box in newest.items()
            for new in found
        ]
        taken: set[int] = set()
        for share, link, new in sorted(pairs, key=lambda pair: -pair[0]):
            if share >= MIN_OVERLAP and link not in taken and links[new] < 0:
                links[new] = link
                taken.add(link)
        for new in found:
            if links[new] < 0:
                links[new] = count
                count += 1
            newest[links[new]] = new
    return np.array(links, np.int64)


def overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union of two boxes of four edges."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    common = max(width, 0) * max(height, 0)
    areas = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1])
    return common / (areas - common)


def inner_top_corners(boxes: Floats, sides: Integers) -> Floats:
    """The upper corner that is nearer to the other hand, as pixel centres count.

    Args:
        boxes: ``(D, 4)``.
        sides: ``(D,)`` ``LEFT``, whose inner edge is the right one, or ``RIGHT``.

    Returns:
        ``(D, 2)`` x and y.
    """
    inner = np.where(sides == LEFT, boxes[:, 2], boxes[:, 0])
    return np.stack([inner, boxes[:, 1]], axis=1) - 0.5


def fill_gaps(track: Floats, max_gap: int) -> NDArray[np.bool_]:
    """Put points on the straight line between two visible ones, in place.

    Args:
        track: ``(N, 3)`` x, y and visibility.
        max_gap: Frames that may lie between the two; longer gaps stay, as do both ends.

    Returns:
        ``(N,)``, where a point was put.
    """
    seen = np.flatnonzero(track[:, 2])
    filled = np.zeros(len(track), bool)
    gaps = np.diff(seen) - 1
    for gap in np.flatnonzero((gaps > 0) & (gaps <= max_gap)):
        filled[seen[gap] + 1 : seen[gap + 1]] = True
    places = np.flatnonzero(filled)
    if len(places):
        for axis in (0, 1):
            track[places, axis] = np.interp(places, seen, track[seen, axis])
    track[places, 2] = 1
    return filled


def _check(detections: Detections) -> None:
    frames, boxes, scores, sides, (first, last) = detections
    count = len(frames)
    if last - first >= _MOST_FRAMES:
        raise ValueError(
            f'the frames of a video are expected, fewer than {_MOST_FRAMES}; got {first} to '
            f'{last}. Correct their numbers.'
        )
    if boxes.shape != (count, 4) or scores.shape != (count,) or sides.shape != (count,):
        raise ValueError(
            f'a box (D, 4), a score and a side for each of {count} frames are expected; got '
            f'{boxes.shape}, {scores.shape} and {sides.shape}.'
        )
    faults = {
        f'within the frames {first} to {last}': (frames < first) | (frames > last),
        'of finite edges and score': ~(np.isfinite(boxes).all(axis=1) & np.isfinite(scores)),
        'with left < right and top < bottom': ~(boxes[:, :2] < boxes[:, 2:]).all(axis=1),
        'of a left (0) or a right (1) hand': (sides != LEFT) & (sides != RIGHT),
    }
    for wanted, wrong in faults.items():
        if wrong.any():
            at = int(wrong.argmax())
            raise ValueError(
                f'boxes {wanted} are expected; got {boxes[at].tolist()} of score {scores[at]} and '
                f'side {sides[at]} in frame {frames[at]}, and {int(wrong.sum()) - 1} more. Correct '
                'or remove them.'
            )
