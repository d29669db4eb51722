"""Tracks of the two hands: a file a video or a clip, JSON or NPZ, with visibility.

The JSON file is an object; an NPZ file has arrays of the same names::

    {"frame_size": [640, 480], "first_frame": 6979,
     "left": [[101.0, 230.5, 1], [0, 0, 0]], "right": [[402.0, 260.0, 1], [404.5, 261.0, 1]]}

``frame_size`` is width and height in pixels. ``left`` and ``right`` have x, y and visibility (1 or
0) for each frame from ``first_frame`` on, which is a number as the data set counts: images of
EPIC-KITCHENS from 1, frames of a session of EGTEA Gaze+ from 0. What x and y are of a hand that is
not visible does not matter, unless a head learns it (`supervise_invisible`). Kapidis et al. (2019)
take the inner top corner of the hand's box.

Shapes: N = frames of the file.
"""

import json
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from egomm.functional.json_keys import unique_keys
from egomm.functional.points import pixel_to_relative

SIDES = ('left', 'right')
_KEYS = ('frame_size', 'first_frame', *SIDES)
_CONVERTER = 'tools/prepare/hand_pickles.py'


class HandTrack(NamedTuple):
    """The two hands by frame.

    Attributes:
        points: ``(N, 2, 3)`` float32, left and right: x and y in 0..1 of the image's width and
            height, and 1 where visible, else 0; all three are 0 where one is no number.
        first_frame: Number of the first frame.
    """

    points: np.ndarray
    first_frame: int

    def at(self, frames: np.ndarray) -> np.ndarray:
        """Points ``(M, 2, 3)`` of the frames of these numbers; nothing is visible beyond an end."""
        places = frames - self.first_frame
        inside = (places >= 0) & (places < len(self.points))
        found = self.points[np.where(inside, places, 0)]
        return np.where(inside[:, None, None], found, np.float32(0))


@lru_cache(maxsize=256)
def read_hands(path: str | Path) -> HandTrack:
    """Read a track.

    Raises:
        ValueError: If the file is missing, is a pickle, is no JSON or NPZ file, or does not hold
            what the module's text says.
    """
    if not Path(path).is_file():
        raise ValueError(f'{path}: no such file of hands. Correct the `path` of the source.')
    with open(path, 'rb') as file:
        begin = file.read(2)
    if begin[:1] == b'\x80':
        raise ValueError(
            f'{path}: a JSON or NPZ file of hands is expected; got a pickle, which could run code. '
            f'Convert it with {_CONVERTER}.'
        )
    try:
        if begin == b'PK':
            with np.load(path, allow_pickle=False) as data:
                content = {key: data[key] for key in _KEYS if key in data}
        else:
            content = json.loads(
                Path(path).read_text(encoding='utf-8'), object_pairs_hook=unique_keys
            )
    except (ValueError, RecursionError, OSError, zipfile.BadZipFile) as error:
        raise ValueError(
            f'{path}: a JSON or NPZ file of hands is expected; got one that does not read: '
            f'{error}. Write it again, or convert a pickle with {_CONVERTER}.'
        ) from error
    missing = [key for key in _KEYS if not isinstance(content, dict) or key not in content]
    if missing:
        raise ValueError(
            f'{path}: {", ".join(_KEYS)} are expected; {", ".join(missing)} missing. Write it as '
            'egomm.datasets.hands says.'
        )
    try:
        points = _relative(*(content[key] for key in ('frame_size', *SIDES)))
        first_frame = int(content['first_frame'])
        if first_frame != content['first_frame']:
            raise ValueError(f'a whole `first_frame` is expected; got {content["first_frame"]!r}')
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(
            f'{path}: {error}. Correct it; egomm.datasets.hands says what such a file holds.'
        ) from error
    points.flags.writeable = False  # the cache hands the same array out again
    return HandTrack(points, first_frame)


def write_hands(
    path: str | Path,
    frame_size: tuple[int, int],
    first_frame: int,
    left: ArrayLike,
    right: ArrayLike,
) -> None:
    """Write a track, as JSON or, where the name ends in ``.npz``, as arrays.

    Args:
        path: File to write.
        frame_size: Width and height in pixels.
        first_frame: Number of the first frame.
        left: ``(N, 3)`` x and y in pixels, and visibility.
        right: The same.

    Raises:
        ValueError: If the file could not be read again.
    """
    _relative(frame_size, left, right)
    content = dict(
        frame_size=[int(side) for side in frame_size],
        first_frame=int(first_frame),
        left=np.asarray(left, np.float64),
        right=np.asarray(right, np.float64),
    )
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    if Path(path).suffix == '.npz':
        np.savez_compressed(path, **content)
    else:
        plain = {key: np.asarray(value).tolist() for key, value in content.items()}
        Path(path).write_text(json.dumps(plain), encoding='utf-8')


def _relative(frame_size: ArrayLike, left: ArrayLike, right: ArrayLike) -> np.ndarray:
    """Checked tracks of both hands, ``(N, 2, 3)``."""
    width_height = np.asarray(frame_size, np.float64)
    if width_height.shape != (2,) or not ((width_height > 0) & (width_height < np.inf)).all():
        raise ValueError(f'width and height are expected as `frame_size`; got {frame_size}')
    tracks = [np.asarray(track, np.float64) for track in (left, right)]
    shapes = [track.shape for track in tracks]
    if shapes[0] != shapes[1] or len(shapes[0]) != 2 or shapes[0][1] != 3 or not shapes[0][0]:
        raise ValueError(
            f'x, y and visibility (N, 3) of as many frames of either hand are expected; got '
            f'{shapes[0]} and {shapes[1]}'
        )
    points = np.stack(tracks, axis=1)
    visible = points[..., 2] == 1
    if not (visible | (points[..., 2] == 0)).all():
        raise ValueError('a visibility of 0 or 1 is expected; got another number')
    if not np.isfinite(points[visible]).all():
        raise ValueError('numbers are expected for visible hands; got NaN or infinity')
    width, height = width_height
    points[..., :2] = pixel_to_relative(points[..., :2], (width, height))
    return np.where(np.isfinite(points).all(axis=-1, keepdims=True), points, 0).astype(np.float32)
