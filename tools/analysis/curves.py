"""Draw what runs have logged, one panel a quantity, one line a run.

    python tools/analysis/curves.py work_dirs/a work_dirs/b --keys loss lr --out curves.png

Without --keys the names that were logged are listed.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[2]))

from egomm.apis import launch  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description='Draw what runs have logged.')
    parser.add_argument('runs', nargs='+', help='work directories')
    parser.add_argument('--keys', nargs='+', metavar='NAME', help='what to draw')
    parser.add_argument('--out', default='curves.png', help='picture to write')
    args = parser.parse_args(arguments)
    from egomm.visualization.drawing import curves, save
    from egomm.visualization.history import read_history

    logged = {run: read_history(Path(run)) for run in args.runs}
    points = {run: {**one.by_epoch, **one.by_step} for run, one in logged.items()}
    known = sorted({name for one in points.values() for name in one})
    if not known:
        raise ValueError(
            f'{", ".join(args.runs)}: nothing was logged there. Give work directories.'
        )
    if not args.keys:
        print('\n'.join(known))
        return
    unknown = [key for key in args.keys if key not in known]
    if unknown:
        raise ValueError(f'{unknown} was not logged. There is: {", ".join(known)}.')
    by_step = {name for one in logged.values() for name in one.by_step}
    panels = {
        f'{key}, by {"step" if key in by_step else "epoch"}': {
            run: one[key] for run, one in points.items() if key in one
        }
        for key in args.keys
    }
    save(curves(panels), args.out)
    print(f'{args.out}: {", ".join(args.keys)} of {len(args.runs)} run(s)')


if __name__ == '__main__':
    launch.run(main)
