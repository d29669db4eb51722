"""Boxes of hands as detectors and segmenters leave them, in one form: `Detections`.

Edges of boxes are pixels of the frame with 0 at the outer edge of the first pixel. Boxes of the
first two kinds that have no area, such as those cut off at the border, are left out.

* The hand-object detections of EPIC-KITCHENS-100 (epic-kitchens-100-hand-object-bboxes): a pickle
  a video, a list of Protocol Buffers messages, one a frame. Edges are shares of the frame.
* What the detector of 100DOH gives for a frame (ddshan/hand_object_detector, ``hand_dets``), by
  the name of the image: rows of left, top, right, bottom, score, contact state, three numbers of
  an offset, and side (0 left, 1 right).
* Masks of EgoHOS (owenzlz/EgoHOS): an image a frame, in which 1 is the left and 2 the right hand.
  The box is around all pieces of a hand, such as those beside an object, but for specks.
* A CSV with the columns video, frame, side (left or right), left, top, right, bottom, and maybe
  score.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from egomm.functional.hand_tracks import LEFT, RIGHT, Detections
from egomm.functional.wire_format import read_fields

SIDES = {'left': LEFT, 'right': RIGHT}
CSV_COLUMNS = ('video', 'frame', 'side', 'left', 'top', 'right', 'bottom')
SPECK_SHARE = 0.1  # of a mask, pieces below this share of the largest one
_NUMBER = re.compile(r'(\d+)\D*$')
_NAME = re.compile(r'[\w-][\w.-]*')  # becomes that of a file
_DOH_COLUMNS = 10


def epic100_detections(messages: Any, frame_size: tuple[int, int]) -> Detections:
    """Content of a pickle of the EPIC-KITCHENS-100 release.

    Args:
        messages: The content.
        frame_size: Width and height in pixels that the edges are turned into.

    Raises:
        ValueError: If it is no list of messages of that kind, or an empty one.
    """
    if not isinstance(messages, list) or not all(isinstance(text, bytes) for text in messages):
        raise ValueError(
            'a list of messages, one a frame, is expected as in the release of hand-object '
            f'detections; got {type(messages).__name__}. Give the pickle of a video of it.'
        )
    rows, numbers = [], []
    for place, message in enumerate(messages):
        try:
            frame, hands = _epic100_frame(message)
        except (ValueError, TypeError) as error:
            raise ValueError(
                f'message {place} is none of hands: {error}. Fetch it again.'
            ) from error
        numbers.append(frame)
        rows += [(frame, *hand) for hand in hands]
    scale = np.array([*frame_size, *frame_size], np.float64)
    return _with_area(_joined(rows, numbers, scale))


def doh_detections(found: Any) -> Detections:
    """What the detector of 100DOH found, by the name of the image.

    Args:
        found: Rows ``(M, 10)`` by name, whose last number is the frame's; None for no hand.

    Raises:
        ValueError: If it is nothing of that kind, or empty.
    """
    if not isinstance(found, Mapping):
        raise ValueError(
            f'rows of hands by the name of the image are expected; got {type(found).__name__}. '
            'Save `hand_dets` of every image in a dict.'
        )
    rows, numbers = [], []
    for name, hands in found.items():
        numbers.append(frame_number(str(name)))
        if hands is None or not len(hands):
            continue
        array = np.asarray(hands, np.float64)
        if array.shape[1:] != (_DOH_COLUMNS,) or not np.isin(array[:, 9], (LEFT, RIGHT)).all():
            raise ValueError(
                f'{name}: rows of {_DOH_COLUMNS} numbers that end in the side, 0 or 1, are '
                f'expected; got {array.shape}. Save `hand_dets` of every image, uncut.'
            )
        rows += [(numbers[-1], *row[:5], row[9]) for row in array.tolist()]
    return _with_area(_joined(rows, numbers))


def mask_detections(files: Sequence[str | Path]) -> tuple[Detections, tuple[int, int]]:
    """Boxes around the hands of EgoHOS masks, and width and height of the masks.

    Args:
        files: Images of a video, whose names end in the number of the frame.

    Raises:
        ValueError: If there is none, one cannot be read, has colours or another size.
    """
    rows, numbers = [], []
    size: tuple[int, int] | None = None
    for path in files:
        mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if mask is None or mask.ndim != 2 or (size or mask.shape[::-1]) != mask.shape[::-1]:
            got = 'nothing that reads' if mask is None else f'an image {mask.shape}'
            raise ValueError(
                f'{path}: a mask of one channel is expected'
                f'{f", {size[0]} x {size[1]} as the first" if size else ""}; got {got}. Give the '
                'predicted labels, not their pictures.'
            )
        size = mask.shape[::-1]
        numbers.append(frame_number(Path(path).stem))
        for side, label in ((LEFT, 1), (RIGHT, 2)):
            box = _box_around(mask == label)
            if box is not None:
                rows.append((numbers[-1], *box, 1.0, side))
    detections = _joined(rows, numbers)
    return detections, size


def csv_detections(path: str | Path) -> dict[str, Detections]:
    """Boxes of a CSV by video.

    Raises:
        ValueError: If the file is missing, has no rows or lacks a column; if a cell is not what
            its column holds.
    """
    if not Path(path).is_file():
        raise ValueError(f'{path}: no such CSV of hands. Correct the path.')
    rows: dict[str, list[tuple]] = {}
    try:
        text = Path(path).read_text(encoding='utf-8-sig')
    except UnicodeDecodeError as error:
        raise ValueError(
            f'{path}: a CSV in UTF-8 is expected, but it cannot be read as one: {error}. Save it '
            'again.'
        ) from error
    with io.StringIO(text, newline='') as file:
        reader = csv.DictReader(file)
        missing = [name for name in CSV_COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise ValueError(
                f'{path}: the columns {", ".join(CSV_COLUMNS)} are expected; '
                f'{", ".join(missing)} missing. Add them.'
            )
        for cells in reader:
            try:
                box = [float(cells[name]) for name in CSV_COLUMNS[3:]]
                row = (int(cells['frame']), *box, float(cells.get('score') or 1))
                if not _NAME.fullmatch(cells['video']):
                    raise ValueError(cells['video'])
                rows.setdefault(cells['video'], []).append((*row, SIDES[cells['side']]))
            except (ValueError, TypeError, KeyError) as error:
                raise ValueError(
                    f'{path}, line {reader.line_num}: the name of a video, a frame, left or '
                    'right, and four edges in pixels are expected; got '
                    f'{list(cells.values())}. Correct this row.'
                ) from error
    if not rows:
        raise ValueError(f'{path}: the file has no rows. Give one with detections.')
    return {video: _joined(found, [row[0] for row in found]) for video, found in rows.items()}


def frame_number(name: str) -> int:
    """The last number of the name of an image.

    Raises:
        ValueError: If there is none.
    """
    match = _NUMBER.search(name)
    if match is None:
        raise ValueError(
            f'names of images with the number of the frame are expected; got {name!r}. Rename them.'
        )
    return int(match[1])


def _joined(
    rows: Iterable[tuple], numbers: Sequence[int], scale: np.ndarray | float = 1.0
) -> Detections:
    """Rows of frame, four edges, score and side, out of all frames that were looked at."""
    if not numbers:
        raise ValueError('frames that a detector has seen are expected; got none. Give others.')
    table = np.array(list(rows), np.float64).reshape(-1, 7)
    table[:, 1:5] *= scale
    return Detections(
        table[:, 0].astype(np.int64),
        table[:, 1:5],
        table[:, 5],
        table[:, 6].astype(np.int64),
        (min(numbers), max(numbers)),
    )


def _box_around(mask: np.ndarray) -> tuple[int, ...] | None:
    """Left, top, right and bottom of what is True, but for specks; None without any."""
    count, _, pieces, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if count == 1:  # the background
        return None
    areas = pieces[1:, cv2.CC_STAT_AREA]
    kept = pieces[1:][areas >= SPECK_SHARE * areas.max()]
    corner, size = kept[:, :2], kept[:, 2:4]
    return (*corner.min(axis=0).tolist(), *(corner + size).max(axis=0).tolist())


def _with_area(detections: Detections) -> Detections:
    edges = detections.boxes
    kept = (edges[:, :2] < edges[:, 2:]).all(axis=1)
    return Detections(*(array[kept] for array in detections[:4]), detections.span)


def _epic100_frame(message: bytes) -> tuple[int, list[tuple]]:
    """Number of the frame, and of each hand four edges, score and side."""
    frame, hands = 0, []
    for number, value in read_fields(message):
        if number == 2:
            frame = int(value)
        elif number == 3:
            hand = {1: b'', 2: 0.0, 5: LEFT, **dict(read_fields(value))}
            edges = {1: 0.0, 2: 0.0, 3: 0.0, 4: 0.0, **dict(read_fields(hand[1]))}
            numbers = (*(edges[edge] for edge in (1, 2, 3, 4)), hand[2], hand[5])
            hands.append(tuple(map(float, numbers)))
    return frame, hands
