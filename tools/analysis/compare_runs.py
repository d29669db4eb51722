"""Say where two runs first differ: data, protocol, seed, config, versions.

    python tools/analysis/compare_runs.py work_dirs/a work_dirs/b

Each is a work directory, of which the latest run_card.json is taken, or such a file. Ends with 1 if
they differ.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[2]))

from egomm.apis import launch  # noqa: E402
from egomm.functional.run_cards import differences  # noqa: E402

CARD = 'run_card.json'


def read_card(path: str) -> dict[str, Any]:
    """A card by its file or its work directory."""
    place = Path(path)
    file = max(place.glob(f'*/{CARD}'), default=place / CARD) if place.is_dir() else place
    if not file.is_file():
        raise ValueError(
            f'{path} has no {CARD}. Give the work directory of a run whose default_hooks have '
            "run_card=dict(type='RunCardHook'), or the file itself."
        )
    try:
        card = json.loads(file.read_text(encoding='utf-8'))
    except ValueError as error:
        raise ValueError(f'{file}: JSON is expected, but {error}. Give a run card.') from error
    if not isinstance(card, dict) or 'config' not in card:
        raise ValueError(f'{file} is no run card: it has no config. Give one.')
    return card


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description='Say where two runs first differ.')
    parser.add_argument('first', help='work directory or run_card.json')
    parser.add_argument('second', help='another one')
    args = parser.parse_args(arguments)
    found = differences(read_card(args.first), read_card(args.second))
    if not found:
        print('The runs are of one data, protocol, seed, config and version.')
        return
    for index, (place, first, second) in enumerate(found):
        print(f'{"first difference" if index == 0 else "also"}: {place}: {first!r} | {second!r}')
    sys.exit(1)


if __name__ == '__main__':
    launch.run(main)
