"""Join checkpoints of one architecture to the members of an ensemble.

python tools/join_checkpoints.py a/epoch_15.pth b/epoch_15.pth c/epoch_15.pth --out ensemble3.pth
python tools/test.py configs/asl/mq_asl_ensemble3.py ensemble3.pth
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from egomm.apis import launch  # noqa: E402
from egomm.apis.ensemble import join_checkpoints  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description='Join checkpoints to those of an ensemble.')
    parser.add_argument('checkpoints', nargs='+', metavar='CHECKPOINT', help='one a member')
    parser.add_argument('--out', required=True, metavar='FILE.pth', help='file to write')
    parser.add_argument('--force', action='store_true', help='overwrite an existing file')
    args = parser.parse_args(arguments)
    join_checkpoints(args.checkpoints, args.out, args.force)
    print(f'Wrote {args.out}: {len(args.checkpoints)} members')


if __name__ == '__main__':
    launch.run(main)
