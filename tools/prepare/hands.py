"""Make hand tracks, as egomm.datasets.hands reads them, of the boxes that a detector has found.

python tools/prepare/hands.py epic epic100 hand-objects data/epic55/hand_tracks
python tools/prepare/hands.py egtea csv hands.csv data/egtea/hand_tracks

Of the detections each kind lies as follows (see egomm/datasets/hand_detections.py for what is in
the files). <name> is a video of EPIC-KITCHENS, a session or a clip of EGTEA Gaze+.

  epic100   SRC/<any folders>/<video>.pkl, the release of EPIC-KITCHENS-100
  100doh    SRC/<any folders>/<name>.npz or .pkl, ``hand_dets`` by the name of the image
  egohos    SRC/<any folders>/<name>/<image>.png, masks
  csv       SRC is the file, <name> in its column ``video``

A video or session becomes OUT/<name>.npz, a clip OUT/<session>/<clip>.json. The point of a hand is
the inner top corner of its box, as in Kapidis et al. (2019).
"""

import argparse
import sys
import zipfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

# An installed egomm comes first, then the one of this checkout.
sys.path.append(str(Path(__file__).resolve().parents[2]))

import numpy as np  # noqa: E402

from egomm.apis import launch  # noqa: E402
from egomm.datasets import hand_detections  # noqa: E402
from egomm.datasets.egtea import clip_start  # noqa: E402
from egomm.datasets.hands import write_hands  # noqa: E402
from egomm.functional.hand_tracks import Detections, track_hands  # noqa: E402
from egomm.submission.unpickle import load_pickle  # noqa: E402

SIZES = {'egtea': (640, 480), 'epic': (456, 256)}
KINDS = ('epic100', '100doh', 'egohos', 'csv')
Size = tuple[int, int]


def read_detections(kind: str, source: Path, size: Size) -> Iterator[tuple[str, Detections, Size]]:
    """Name, detections and width and height of the frames of each video or clip.

    Raises:
        ValueError: If there is nothing of that kind, or a file is broken; the text names it.
    """
    if kind == 'csv':
        for name, found in hand_detections.csv_detections(source).items():
            yield name, found, size
        return
    suffixes = {'epic100': {'.pkl'}, '100doh': {'.npz', '.pkl'}, 'egohos': {'.png'}}[kind]
    files = sorted(path for path in source.rglob('*') if path.suffix in suffixes)
    if not files:
        raise ValueError(
            f'{source} holds no {" or ".join(sorted(suffixes))} file of {kind}. Name the folder '
            'of the detections.'
        )
    if kind == 'egohos':
        for folder in sorted({path.parent for path in files}):
            masks = [path for path in files if path.parent == folder]
            yield (folder.name, *hand_detections.mask_detections(masks))
        return
    parse = hand_detections.doh_detections
    if kind == 'epic100':
        parse = partial(hand_detections.epic100_detections, frame_size=size)
    for path in files:
        content = _arrays(path) if path.suffix == '.npz' else load_pickle(path)
        try:
            found = parse(content)
        except ValueError as error:
            raise ValueError(f'{path}: {error}') from error
        yield path.stem, found, size


def _arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return dict(arrays)
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise ValueError(
            f'{path}: an NPZ file of arrays is expected: {error}. Save it again.'
        ) from error


def place(dataset: str, name: str) -> tuple[Path, int]:
    """Name of the file to write, and the official number of the frame that an image 1 shows."""
    if dataset == 'epic':
        return Path(f'{name}.npz'), 1
    start = clip_start(name)
    if start is None:
        return Path(f'{name}.npz'), 0
    session, first_frame = start
    return Path(session) / f'{name}.json', first_frame


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('dataset', choices=SIZES)
    parser.add_argument('kind', choices=KINDS, help='of detections')
    parser.add_argument('source', type=Path, metavar='SRC', help='folder or file of detections')
    parser.add_argument('out', type=Path, metavar='OUT', help='folder to write')
    parser.add_argument(
        '--size',
        type=int,
        nargs=2,
        metavar=('WIDTH', 'HEIGHT'),
        help='of the frames in which the boxes were found, in pixels; by default '
        f'{SIZES["egtea"]} of egtea and {SIZES["epic"]} of epic; masks have their own',
    )
    parser.add_argument(
        '--first',
        type=int,
        default=1,
        metavar='N',
        help='number that the detections give to the first frame (default 1)',
    )
    parser.add_argument(
        '--min-score', type=float, default=0.5, help='leave boxes below it out (default 0.5)'
    )
    parser.add_argument(
        '--max-gap',
        type=int,
        default=10,
        metavar='FRAMES',
        help='follow a hand over so many frames without a box (default 10)',
    )
    args = parser.parse_args(arguments)
    size = tuple(args.size or SIZES[args.dataset])
    written: dict[Path, int] = {}  # frames
    visible, filled = np.zeros(2), 0
    for name, found, found_in in read_detections(args.kind, args.source, size):
        try:
            track = track_hands(found, args.min_score, args.max_gap)
        except ValueError as error:
            raise ValueError(f'{args.source}, {name}: {error}') from error
        path, official = place(args.dataset, name)
        if path in written:
            raise ValueError(f'{args.source} has {name} twice. Leave one of them out.')
        first_frame = found.span[0] - args.first + official
        write_hands(args.out / path, found_in, first_frame, track.points[:, 0], track.points[:, 1])
        written[path] = len(track.points)
        visible += track.points[..., 2].sum(axis=0)
        filled += track.filled.sum()
    left, right = 100 * visible / sum(written.values())
    share = 100 * filled / max(visible.sum(), 1)
    print(
        f'Wrote {len(written)} files of hands to {args.out}: of {sum(written.values())} frames '
        f'{left:.1f} % show the left and {right:.1f} % the right one, {share:.1f} % of these by '
        'filling gaps.'
    )


if __name__ == '__main__':
    launch.run(main)
