"""Generates long clips as features, with moments and questions, in the layout of Ego4D.

Run:  python tools/make_toy_features.py data/toy_features
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from egomm.apis import launch  # noqa: E402
from egomm.testing.features import write_feature_world  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the world."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('out', help='folder to write')
    parser.add_argument('--train', type=int, default=64, help='clips to train on')
    parser.add_argument('--val', type=int, default=24, help='clips to test on')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--signal', type=float, default=1.1, help='how clear words are, over noise')
    options = parser.parse_args(arguments)
    write_feature_world(options.out, options.train, options.val, options.seed, options.signal)
    print(f'{options.out}: {options.train} clips to train on, {options.val} to test on')


if __name__ == '__main__':
    launch.run(main)
