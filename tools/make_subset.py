"""Write the list of a share of the clips of an annotation file, with its hash.

The clips with the lowest sha256 of '<seed>:<narration_id>' are taken, so the list does not depend
on the order of the file. A dataset takes the list as `keep='LIST'`, or draws the same clips itself
with `keep=dict(fraction=..., seed=...)`.
"""

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from egomm.apis import launch  # noqa: E402
from egomm.datasets.subset import lowest_share, write_list  # noqa: E402
from egomm.functional.wording import column_names  # noqa: E402


def read_names(path: str) -> list[str]:
    """The narration ids of an annotation file, in its order."""
    try:
        with open(path, encoding='utf-8-sig', newline='') as file:
            reader = csv.DictReader(file)
            if 'narration_id' not in (reader.fieldnames or ()):
                raise ValueError(
                    f"{path} has no column 'narration_id'; got "
                    f'{column_names(reader.fieldnames or ())}. Give an annotation file of '
                    'EPIC-KITCHENS-100.'
                )
            return [row['narration_id'] for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f'{path}: a CSV in UTF-8 is expected: {error}. Fetch it again.') from error


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('csv', help='annotation file with a column narration_id')
    parser.add_argument('--fraction', type=float, default=0.25, help='share to take, within 0..1')
    parser.add_argument('--seed', type=int, default=0, help='names the draw')
    parser.add_argument('--out', required=True, help='the list to write')
    args = parser.parse_args(arguments)
    try:
        names = read_names(args.csv)
        kept = lowest_share(names, args.fraction, args.seed)
        stated = write_list(
            args.out,
            kept,
            f'{len(kept)} of {len(names)} clips: the lowest '
            f'{args.fraction} of sha256("{args.seed}:<narration_id>")',
        )
    except (OSError, ValueError) as error:
        parser.error(str(error))
    print(f'{args.out}: {len(kept)} of {len(names)} clips, sha256 {stated}')


if __name__ == '__main__':
    launch.run(main)
