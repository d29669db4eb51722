"""Say where two runs first differ: data, protocol, seed, config, versions.

    python tools/analysis/compare_runs.py work_dirs/a work_dirs/b

Each is a work directory, of which the latest run_card.json is taken, or such a file. Ends with 1 if
they differ.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[2]))

from egomm.apis import launch, runs  # noqa: E402
from egomm.functional.run_cards import differences  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description='Say where two runs first differ.')
    parser.add_argument('first', help='work directory or run_card.json')
    parser.add_argument('second', help='another one')
    args = parser.parse_args(arguments)
    found = differences(runs.read_card(args.first), runs.read_card(args.second))
    if not found:
        print('The runs are of one data, protocol, seed, config and version.')
        return
    for index, (place, first, second) in enumerate(found):
        print(f'{"first difference" if index == 0 else "also"}: {place}: {first!r} | {second!r}')
    sys.exit(1)


if __name__ == '__main__':
    launch.run(main)
