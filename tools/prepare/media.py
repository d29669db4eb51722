"""From a data set's videos to frames, flow and sound; without that, what to download and how.

    python tools/prepare/media.py epic100 data/epic100
    python tools/prepare/media.py epic100 data/epic100 --frames --audio
    python tools/prepare/media.py videos data/mine --frames --flow --algorithm dis

The first says what to fetch, with which licence, and which videos are there. Nothing is downloaded.
The others go on where they were interrupted; what was made with which settings stands in
media.json of the folder. `videos` is any folder of files.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

# An installed egomm comes first, then the one of this checkout.
sys.path.append(str(Path(__file__).resolve().parents[2]))

from egomm.apis import launch  # noqa: E402

ENDINGS = ('.mp4', '.avi', '.mkv', '.mov', '.webm', '.m4v')
FRAME_HELP = 'frames per second; of EPIC-KITCHENS 60 or 50, as its frame numbers count'
BAR = 30


class Collection(NamedTuple):
    """One data set.

    Attributes:
        videos: Patterns of its video files below the root.
        home: Where the media of a video go, with ``{folder}``, the first part of its path.
        steps: What to do for the data, a line each.
    """

    videos: tuple[str, ...]
    home: str
    steps: tuple[str, ...]


COLLECTIONS = {
    'epic100': Collection(
        ('P*/videos/*', 'P*/videos/**/*'),
        '{folder}/',
        (
            'Licence: CC BY-NC 4.0 (annotations and media), no signature. Cite the paper.',
            'Annotations: github.com/epic-kitchens/epic-kitchens-100-annotations -> annotations/',
            'Media: github.com/epic-kitchens/epic-kitchens-download-scripts, which fetch videos, '
            'frames and flow of both years and go on after an interruption',
            'The official frames (456 x 256) and TV-L1 flow can be used instead of made ones; flow '
            'made here is another input.',
        ),
    ),
    'epic55': Collection(
        ('P*/videos/*', 'P*/videos/**/*'),
        '{folder}/',
        (
            'Licence: CC BY-NC 4.0 (annotations and media), no signature. Cite the paper.',
            'Annotations: github.com/epic-kitchens/epic-kitchens-55-annotations -> annotations/',
            'Media: github.com/epic-kitchens/epic-kitchens-download-scripts; the 432 videos with '
            'two digits after the participant are those of EPIC-KITCHENS-55',
        ),
    ),
    'egtea': Collection(
        ('videos/*', 'cropped_clips/**/*'),
        '',
        (
            'Licence: the terms of Georgia Tech on the page of the data set; read them first.',
            'From the page of EGTEA Gaze+ (cbs.ic.gatech.edu/fpv): action_annotation/, gaze_data/ '
            'and either cropped_clips/ or videos/',
            'The configs read videos directly; frames are only faster to read.',
        ),
    ),
    'ego4d': Collection(
        ('v*/full_scale/*', 'v*/clips/*', 'full_scale/*', 'clips/*'),
        '',
        (
            'Licence: sign the Ego4D agreement on ego4d-data.org; keys come by mail and end after '
            '14 days, then they are to be renewed.',
            'Annotations and features: the official command line, `pip install ego4d`, then '
            '`ego4d --output_directory data/ego4d --datasets annotations`',
            'The localization configs want features only; videos are wanted for features of your '
            'own (tools/extract_features.py), which reads them directly.',
        ),
    ),
    'videos': Collection(('**/*',), '', ('Your own files: nothing to download.',)),
}


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('dataset', choices=sorted(COLLECTIONS))
    parser.add_argument('root', type=Path, help='folder of the data set')
    for kind, what in (('frames', 'JPEG images'), ('flow', 'flow images'), ('audio', 'wav files')):
        parser.add_argument(f'--{kind}', action='store_true', help=f'make {what}')
    parser.add_argument('--fps', type=float, help=FRAME_HELP + '; else 30 by default')
    parser.add_argument(
        '--short-side', type=int, default=256, help='pixels of images, 0 leaves the size (256)'
    )
    parser.add_argument('--algorithm', default='dis', help='of flow: dis, farneback or tvl1 (dis)')
    parser.add_argument('--bound', type=float, default=8.0, help='pixels of motion kept (8)')
    parser.add_argument(
        '--stride', type=launch.positive_number, help='frames a flow image spans (EPIC: 1 or 2)'
    )
    parser.add_argument('--sample-rate', type=int, default=24_000, help='of sound (24000)')
    parser.add_argument('--only', nargs='+', metavar='VIDEO', help='names of videos')
    return parser.parse_args(arguments)


def find_videos(root: Path, collection: Collection, only: Sequence[str] | None) -> dict[str, Path]:
    """Video files by name.

    Raises:
        ValueError: If two have one name, or one that is wanted is not there.
    """
    found: dict[str, Path] = {}
    for pattern in collection.videos:
        for path in sorted(root.glob(pattern)):
            if path.suffix.lower() not in ENDINGS or not path.is_file():
                continue
            if found.setdefault(path.stem, path) != path:
                raise ValueError(
                    f'{path} and {found[path.stem]} have one name. Rename one of them, since '
                    'frames and features are filed by it.'
                )
    if only is not None:
        lacking = [name for name in only if name not in found]
        if lacking:
            raise ValueError(
                f'{root} has no video {", ".join(lacking)}. There are {len(found)}, such as '
                f'{", ".join(list(found)[:3]) or "none"}.'
            )
        found = {name: found[name] for name in only}
    return found


class Progress:
    """A bar on a terminal, a line now and then elsewhere."""

    def __init__(self, name: str, total: float) -> None:
        self.name, self.total = name, total
        self.begun = self.told = time.monotonic()

    def __call__(self, done: float) -> None:
        now = time.monotonic()
        if now - self.told < (0.2 if sys.stderr.isatty() else 10):
            return
        self.told = now
        share = min(1.0, done / self.total) if self.total else 0.0
        left = (now - self.begun) * (1 - share) / share if share else 0.0
        bar = '#' * round(BAR * share)
        text = f'{self.name} [{bar:<{BAR}}] {100 * share:3.0f} %, {left:.0f} s left'
        print(
            f'\r{text}' if sys.stderr.isatty() else text,
            end='' if sys.stderr.isatty() else '\n',
            file=sys.stderr,
            flush=True,
        )


def main(arguments: Sequence[str] | None = None) -> None:
    args = parse_arguments(arguments)
    from egomm.datasets.flow import FlowSettings
    from egomm.datasets.media import MediaError, opened
    from egomm.datasets.prepared_media import Wanted, prepare_video
    from egomm.functional.time_grid import flow_stride, nominal_fps

    collection = COLLECTIONS[args.dataset]
    videos = find_videos(args.root, collection, args.only)
    if not (args.frames or args.flow or args.audio):
        print('\n'.join(f'{number}. {step}' for number, step in enumerate(collection.steps, 1)))
        print(f'{args.root}: {len(videos)} videos there. Add --frames, --flow or --audio.')
        return
    if not videos:
        raise ValueError(f'{args.root} has no videos. Call without options for what to download.')
    epic = args.dataset.startswith('epic')
    failed = []
    for name, path in videos.items():
        folder = path.relative_to(args.root).parts[0]
        home = collection.home.format(folder=folder)
        stride = args.stride or (flow_stride(name) if epic else 1)
        wanted = Wanted(
            frames=f'{home}rgb_frames/{name}' if args.frames else None,
            flow=f'{home}flow_frames/{name}/{{axis}}' if args.flow else None,
            audio=f'{home}audio/{name}.wav' if args.audio else None,
            fps=args.fps if args.fps is not None else nominal_fps(name) if epic else 30.0,
            short_side=args.short_side,
            settings=FlowSettings(args.algorithm, args.bound, stride).checked(),
            sample_rate=args.sample_rate,
        )
        try:
            with opened(str(path)) as container:
                seconds = (container.duration or 0) / 1e6
            entry = prepare_video(args.root, name, path, wanted, Progress(name, seconds))
        except MediaError as error:
            failed.append(name)
            print(f'{name}: left out: {error}')
            continue
        if sys.stderr.isatty():
            print('\r' + ' ' * 79 + '\r', end='', file=sys.stderr)
        print(f'{name}: {"there already" if entry is None else said(entry)}', flush=True)
    print(f'{len(videos) - len(failed)} of {len(videos)} videos in {args.root}')
    if failed:
        sys.exit(1)


def said(entry: dict) -> str:
    """What was made, in words."""
    parts = [f'{entry[k]["images"]} {k}' for k in ('frames', 'flow') if k in entry]
    if 'audio' in entry:
        seconds = entry['audio']['seconds']
        parts.append('no sound' if seconds is None else f'{seconds:.1f} s of sound')
    if entry.get('damaged'):
        parts.append(f'damaged at {entry["damaged"][:3]} s')
    return ', '.join(parts)


if __name__ == '__main__':
    launch.run(main)
