"""Gaze text of EGTEA Gaze+, as SMI BeGaze exports it: several samples a video frame -> one.

34 lines that begin with ``##``, then columns divided by blanks or tabs. Where the header states
``## Number of Samples:`` tells the layout (counting lines and columns from 0):

* line 9: 7 columns; x, y, frame number and event are 3, 4, 5 and 6.
* line 10: 26 columns; x and y are 5 and 6, the last two are the time code ``HH:MM:SS:FF`` of 24
  frames a second and the event.

x and y are pixels of 1280x960. Samples of a frame merge as in the reader that came with the data:
each new one is averaged with what there is, so the last weighs half, and its event stays. That
reader meant to mark points outside the image, but writes the event over the mark; here the mark
stays (`TRUNCATED`).

Shapes: N = frames of the session, from 0.
"""

import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from egomm.datasets.egtea import FPS

SIZE = (1280, 960)  # width, height
HEADER_LINES = 34
_MOST_FRAMES = 24 * 3600 * FPS  # a day; a session has far fewer
UNTRACKED, FIXATION, SACCADE, UNKNOWN, TRUNCATED = range(5)

_EVENTS = {'Fixation': FIXATION, 'Saccade': SACCADE}  # any other word, such as '-' or 'Blink'
_COUNT_LINE = re.compile(r'##\s*Number of Samples:')
_TIME_CODE = re.compile(r'(\d\d):([0-5]\d):([0-5]\d):(\d\d)')


class GazeTrack(NamedTuple):
    """Gaze by frame of the session.

    Attributes:
        points: ``(N, 2)`` float32, x and y in 0..1 of the image's width and height; 0 where
            untracked, at the nearest pixel where truncated.
        events: ``(N,)`` uint8: ``UNTRACKED`` (the frame has no sample), ``FIXATION``,
            ``SACCADE``, ``UNKNOWN`` (blinks and whatever else), ``TRUNCATED`` (outside the
            image, whatever the event).
    """

    points: np.ndarray
    events: np.ndarray

    def at(self, frames: np.ndarray) -> 'GazeTrack':
        """Gaze of the frames of these numbers ``(M,)``; those beyond either end are untracked."""
        inside = (frames >= 0) & (frames < len(self.events))
        places = np.where(inside, frames, 0)
        return GazeTrack(
            np.where(inside[:, None], self.points[places], np.float32(0)),
            np.where(inside, self.events[places], np.uint8(UNTRACKED)),
        )


@lru_cache(maxsize=128)  # more than the 86 sessions of the data set, 20 MB in all
def read_begaze(path: str | Path) -> GazeTrack:
    """Read the gaze of a session.

    Args:
        path: A text file in one of the two layouts.

    Raises:
        ValueError: If the file is missing, its header is another one, it has no samples, or a
            line is not a sample of its layout.
    """
    if not Path(path).is_file():
        raise ValueError(
            f'{path}: no such file of gaze. Correct the `path` of the source; the files are in '
            'gaze_data.zip of EGTEA Gaze+.'
        )
    lines = Path(path).read_text(encoding='utf-8', errors='replace').splitlines()
    columns = _columns(path, lines)
    merged: dict[int, tuple[float, float]] = {}
    events: dict[int, int] = {}
    for number, line in enumerate(lines[HEADER_LINES:], start=HEADER_LINES + 1):
        if not line.strip():
            continue
        frame, x, y, event = _sample(path, number, line.split(), columns)
        if frame in merged:
            x, y = (merged[frame][0] + x) / 2, (merged[frame][1] + y) / 2
        merged[frame] = x, y
        events[frame] = _EVENTS.get(event, UNKNOWN)
    if not merged:
        raise ValueError(f'{path}: the file has a header but no samples. Fetch it again.')
    count = max(merged) + 1
    points, kinds = np.zeros((count, 2)), np.full(count, UNTRACKED, np.uint8)
    frames = list(merged)
    points[frames] = list(merged.values())
    kinds[frames] = list(events.values())
    clamped = np.clip(points, 0, np.array(SIZE) - 1)
    kinds[(clamped != points).any(axis=1)] = TRUNCATED
    track = GazeTrack((clamped / SIZE).astype(np.float32), kinds)
    for array in track:
        array.flags.writeable = False  # the cache hands the same arrays out again
    return track


def _columns(path: str | Path, lines: list[str]) -> int:
    """Number of columns of the layout that the header states."""
    header = lines[:HEADER_LINES]
    places = [n for n, line in enumerate(header) if _COUNT_LINE.match(line)]
    if len(header) < HEADER_LINES or not all(line.startswith('##') for line in header):
        wrong = next((n for n, line in enumerate(header) if not line.startswith('##')), len(header))
        raise ValueError(
            f"{path}, line {wrong + 1}: {HEADER_LINES} header lines that begin with '##' are "
            f'expected; the header ends here. Export the session from BeGaze again.'
        )
    if places not in ([9], [10]):
        raise ValueError(
            f"{path}: '## Number of Samples:' is expected once, in line 10 (7 columns) or line 11 "
            f'(26 columns); got it in lines {[n + 1 for n in places]}. Export the session again.'
        )
    return {9: 7, 10: 26}[places[0]]


def _sample(
    path: str | Path, number: int, cells: list[str], columns: int
) -> tuple[int, float, float, str]:
    """Frame, x, y and event of a line."""
    try:
        if len(cells) != columns:
            raise ValueError(f'{len(cells)} columns')
        if columns == 7:
            frame, x, y = int(cells[5]), float(cells[3]), float(cells[4])
        else:
            frame, x, y = _frame(cells[-2]), float(cells[5]), float(cells[6])
        if not (0 <= frame < _MOST_FRAMES and np.isfinite(x) and np.isfinite(y)):
            raise ValueError(f'frame {frame} at {x}, {y}')
    except ValueError as error:
        raise ValueError(
            f'{path}, line {number}: a sample of {columns} columns with pixels and a '
            f'{"frame number" if columns == 7 else "time code HH:MM:SS:FF"} is expected; got '
            f'{error}. Correct this line, or export the session again.'
        ) from error
    return frame, x, y, cells[-1]


def _frame(code: str) -> int:
    match = _TIME_CODE.fullmatch(code)
    if match is None or int(match[4]) >= FPS:
        raise ValueError(f'the time code {code!r}')
    hours, minutes, seconds, frame = map(int, match.groups())
    return (hours * 3600 + minutes * 60 + seconds) * FPS + frame
