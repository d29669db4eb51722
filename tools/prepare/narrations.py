"""Make queries to train on first out of Ego4D's narrations, in the layout of nlq_train.json.

python tools/prepare/narrations.py data/ego4d/annotations/narration.json \\
    --clips data/ego4d/annotations/{nlq,moments}_train.json \\
    --held-out data/ego4d/annotations/{nlq_val,nlq_test_unannotated}.json \\
    --out data/ego4d/annotations/nlq_narrations.json

Clips are those of the episodic memory files, so their features are there already. No video of a
file that is held out is taken. configs/asl/nlq_asl_sf-ov-clip_narrations.py trains on the result.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

# An installed egomm comes first, then the one of this checkout.
sys.path.append(str(Path(__file__).resolve().parents[2]))

from egomm.apis import launch  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('narrations', help='the official narration.json')
    parser.add_argument('--clips', nargs='+', required=True, help='annotations of train')
    parser.add_argument(
        '--held-out', nargs='+', required=True, help='annotations of validation and test'
    )
    parser.add_argument('--out', required=True, help='the file to write')
    args = parser.parse_args(arguments)

    from egomm.datasets.narrations import narration_queries
    from egomm.datasets.windows import read_json

    content, counts = narration_queries(
        read_json(args.narrations), map(read_json, args.clips), map(read_json, args.held_out)
    )
    Path(args.out).parent.mkdir(parents=True, exist_ok=True)
    Path(args.out).write_text(json.dumps(content), encoding='utf-8')
    found = ', '.join(f'{name} {count}' for name, count in counts.items())
    print(f'{args.out}: {found}')


if __name__ == '__main__':
    launch.run(main)
