"""Generates the toy kitchen in the official layout of EPIC-KITCHENS-100.

Run:  python tools/make_toy_kitchen.py data/toy_kitchen
      python tools/make_toy_kitchen.py /tmp/small --videos 4 --seed 3
      python tools/make_toy_kitchen.py data/toy_kitchen --egtea --epic55
      python tools/make_toy_kitchen.py data/toy_kitchen --moments 60 20 60 --core centre
      python tools/make_toy_kitchen.py /tmp/hard --conflict 1 --verb-signal 0.4 0.65 0.45

Every knob of ``egomm.testing.spec.KitchenSpec`` is an option of the same name. `--moments` writes
long videos of the same kitchen with moments and questions, in the layout of Ego4D.
"""

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from egomm.apis import launch  # noqa: E402
from egomm.testing.egtea import write_egtea  # noqa: E402
from egomm.testing.epic55 import write_epic55  # noqa: E402
from egomm.testing.moments import write_moments  # noqa: E402
from egomm.testing.spec import PRESETS, KitchenSpec  # noqa: E402
from egomm.testing.timeline import CORES, TimelineSpec  # noqa: E402
from egomm.testing.toy_kitchen import make_toy_kitchen, print_progress  # noqa: E402


def parse_arguments(
    arguments: Sequence[str] | None = None,
) -> tuple[argparse.Namespace, KitchenSpec]:
    """Reads the command line; knobs override the preset."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('out', help='folder to write, new or empty')
    parser.add_argument('--preset', choices=sorted(PRESETS), default='quick')
    parser.add_argument('--videos', type=int, help='all videos together: a smaller world')
    parser.add_argument('--processes', type=int, help='default: one per core, at most 8')
    parser.add_argument(
        '--egtea', action='store_true', help='also write OUT/egtea in the layout of EGTEA Gaze+'
    )
    parser.add_argument(
        '--epic55', action='store_true', help='also write OUT/epic55 in that of EPIC-KITCHENS-55'
    )
    moments = parser.add_argument_group('long videos')
    moments.add_argument(
        '--moments',
        type=int,
        nargs=3,
        metavar=('TRAIN', 'VAL', 'TEST'),
        help='also write OUT/moments, so many videos of 3 to 6 minutes, in the layout of Ego4D',
    )
    moments.add_argument(
        '--core', choices=CORES, default='centre', help='where in a moment its class can be seen'
    )
    moments.add_argument(
        '--boundary-noise',
        type=float,
        default=0.0,
        metavar='SHARE',
        help='how far training boundaries are off, as a share of the length',
    )
    knobs = parser.add_argument_group('knobs')
    for field in dataclasses.fields(KitchenSpec):
        default = field.default
        option = f'--{field.name.replace("_", "-")}'
        if isinstance(default, tuple):
            knobs.add_argument(option, type=float, nargs=len(default), metavar='X')
        else:
            knobs.add_argument(option, type=type(default), metavar='X')
    options = parser.parse_args(arguments)
    spec = PRESETS[options.preset]
    if options.videos is not None:
        spec = spec.with_videos(options.videos)
    changes = {field.name: getattr(options, field.name) for field in dataclasses.fields(spec)}
    changes = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in changes.items()
        if value is not None
    }
    return options, dataclasses.replace(spec, **changes)


def main(arguments: Sequence[str] | None = None) -> None:
    """Generates the world and prints what was made."""
    try:
        options, spec = parse_arguments(arguments)
        made = make_toy_kitchen(options.out, spec, options.processes, print_progress)
        if options.egtea:
            write_egtea(Path(options.out), Path(options.out) / 'egtea')
        if options.epic55:
            write_epic55(Path(options.out), Path(options.out) / 'epic55')
        if options.moments:
            train, val, test = options.moments
            timelines = TimelineSpec(
                seed=spec.seed,
                **dict(train=train, val=val, test=test),
                **dict(core=options.core, boundary_noise=options.boundary_noise),
            )
            write_moments(Path(options.out) / 'moments', timelines, spec, print_progress)
    except (OSError, ValueError) as error:
        raise SystemExit(f'error: {error}') from error
    state = 'found complete' if made['reused'] else f'made in {made["seconds"]:.1f} s'
    print(
        f'{options.out}: {state}, {made["videos"]} videos of {made["participants"]} '
        f'participants, {made["frames"]} frames, {made["bytes"] / 1e6:.0f} MB'
    )
    for split, counts in made['splits'].items():
        majority = ', '.join(
            f'{task} {100 * share:.1f} %' for task, share in counts['majority'].items()
        )
        print(
            f'  {split:<10} {counts["clips"]:>5} clips in {counts["videos"]} videos, '
            f'majority class: {majority}'
        )


if __name__ == '__main__':
    launch.run(main)
