"""Generates long videos of the toy kitchen with moments and questions, in the layout of Ego4D.

Run:  python tools/make_toy_moments.py data/toy_moments
      python tools/make_toy_moments.py /tmp/long --train 60 --val 20 --minutes 3 6 --lengths 1 60

The words are those of `tools/make_toy_kitchen.py`, of which a recognizer can learn them; the people
are others, unless --seed is that of the kitchen. What is there of the same settings is kept.
"""

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from egomm.apis import launch  # noqa: E402
from egomm.testing.moments import write_moments  # noqa: E402
from egomm.testing.spec import PRESETS  # noqa: E402
from egomm.testing.timeline import TEMPLATES, TimelineSpec  # noqa: E402
from egomm.testing.toy_kitchen import cores, print_progress  # noqa: E402

# Small enough for a minute or two of drawing; questions that name what is asked for.
SMALL = TimelineSpec(
    seed=1,
    train=40,
    val=12,
    test=1,
    minutes=(1.0, 2.0),
    lengths=(2.0, 20.0),
    annotators=1,
    questions=('verb', 'noun', 'when'),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the world."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('out', type=Path, help='folder to write')
    for name in ('train', 'val', 'test', 'seed'):
        value = getattr(SMALL, name)
        parser.add_argument(f'--{name}', type=int, default=value, help=f'default {value}')
    for name in ('minutes', 'lengths'):
        value = getattr(SMALL, name)
        parser.add_argument(
            *(f'--{name}',),
            **dict(type=float, nargs=2, default=value, metavar=('LEAST', 'MOST')),
            help=f'{"of a clip" if name == "minutes" else "seconds of a moment"}, default {value}',
        )
    parser.add_argument('--questions', nargs='+', choices=TEMPLATES, default=SMALL.questions)
    parser.add_argument('--silent', action='store_true', help='without sound, twice as fast')
    parser.add_argument('--processes', type=int, default=cores(), help='one per core by default')
    options = vars(parser.parse_args(arguments))
    out, silent, processes = (options.pop(name) for name in ('out', 'silent', 'processes'))
    options = {key: tuple(x) if isinstance(x, list) else x for key, x in options.items()}
    spec = dataclasses.replace(SMALL, **options)
    out.mkdir(parents=True, exist_ok=True)
    timelines = write_moments(out, spec, PRESETS['quick'], print_progress, not silent, processes)
    minutes = sum(timeline.video.duration for timeline in timelines) / 60
    print(f'{out}: {len(timelines)} videos, {minutes:.0f} minutes, {spec.classes} classes')


if __name__ == '__main__':
    launch.run(main)
