"""Convert the hand tracks of Kapidis et al., pickles, to the format of egomm.datasets.hands.

python tools/prepare/hand_pickles.py egtea hand_detection_tracks data/egtea/hand_tracks
python tools/prepare/hand_pickles.py epic hand_detection_tracks data/epic55/hand_tracks

Each pickle is a dict of ``left`` and ``right``, lists of (x, y); a hand whose y is not in the image
was not detected, and its point is kept as it is. It is read without running what it names. Of
EGTEA Gaze+ a file is a clip, ``<clip>.pkl``, and becomes ``<session>/<clip>.json``. Of
EPIC-KITCHENS-55 a file is an action,
``<participant>/<video>/<uid>_<start frame>.pkl`` or ``<start frame>_<verb>_<noun>.pkl``, and those
of a video become one ``<video>.npz``.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

# An installed egomm comes first, then the one of this checkout.
sys.path.append(str(Path(__file__).resolve().parents[2]))

from egomm.apis import launch  # noqa: E402
from egomm.datasets.egtea import clip_start  # noqa: E402
from egomm.datasets.hands import SIDES, write_hands  # noqa: E402
from egomm.submission.unpickle import load_pickle  # noqa: E402

SIZES = {'egtea': (640, 480), 'epic': (456, 256)}
_ACTION = re.compile(r'\d+_(?P<newer>\d+)|(?P<older>\d+)_\d+_\d+')


def read_track(path: Path, height: int) -> np.ndarray:
    """Both hands ``(N, 2, 3)``: x, y, visibility.

    Raises:
        ValueError: If the pickle is no such track.
    """
    content = load_pickle(path)
    try:
        points = np.stack([np.asarray(content[side], np.float64) for side in SIDES], axis=1)
        if points.ndim != 3 or points.shape[2] != 2:
            raise ValueError(f'arrays {points.shape}')
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ValueError(
            f'{path}: a dict of lists of (x, y), left and right, is expected; got {error!r}. '
            'Name the folder of these pickles alone.'
        ) from error
    visible = np.isfinite(points).all(axis=2) & (points[..., 1] < height)
    return np.concatenate([np.nan_to_num(points), visible[..., None]], axis=2)


def convert_egtea(source: Path, out: Path) -> int:
    """Write a file a clip; returns how many."""
    files = sorted(source.rglob('*.pkl'))
    for path in files:
        start = clip_start(path.stem)
        if start is None:
            raise ValueError(f'{path}: the name of a clip is expected. Convert its folder apart.')
        track = read_track(path, SIZES['egtea'][1])
        session, first_frame = start
        target = out / session / f'{path.stem}.json'
        write_hands(target, SIZES['egtea'], first_frame, track[:, 0], track[:, 1])
    return len(files)


def convert_epic(source: Path, out: Path) -> int:
    """Write a file a video; returns how many.

    Where actions overlap, the later file counts, unless it did not detect the hand.
    """
    videos: dict[str, list[tuple[int, np.ndarray]]] = {}
    for path in sorted(source.rglob('*.pkl')):
        match = _ACTION.fullmatch(path.stem)
        if match is None:
            raise ValueError(
                f'{path}: <uid>_<start frame>.pkl or <start frame>_<verb>_<noun>.pkl is expected.'
            )
        start = int(match['newer'] or match['older'])
        track = read_track(path, SIZES['epic'][1])
        videos.setdefault(path.parent.name, []).append((start, track))
    for video, parts in videos.items():
        first = min(start for start, _ in parts)
        whole = np.zeros((max(start + len(track) for start, track in parts) - first, 2, 3))
        for start, track in parts:
            span = whole[start - first : start - first + len(track)]
            seen_before_only = (track[..., 2:] == 0) & (span[..., 2:] == 1)
            span[:] = np.where(seen_before_only, span, track)
        write_hands(out / f'{video}.npz', SIZES['epic'], first, whole[:, 0], whole[:, 1])
    return len(videos)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('dataset', choices=SIZES)
    parser.add_argument('source', type=Path, metavar='SRC', help='folder of pickles')
    parser.add_argument('out', type=Path, metavar='OUT', help='folder to write')
    args = parser.parse_args(arguments)
    convert = {'egtea': convert_egtea, 'epic': convert_epic}[args.dataset]
    count = convert(args.source, args.out)
    if not count:
        raise ValueError(f'{args.source} holds no .pkl file. Name the folder of the pickles.')
    print(f'Wrote {count} files of hands to {args.out}.')


if __name__ == '__main__':
    launch.run(main)
