"""Write the weights of a checkpoint as safetensors, to give away.

python tools/publish.py work_dirs/mimo_query/epoch_7.pth mimo_query.safetensors
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from egomm.apis import launch  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description='Write weights as safetensors.')
    parser.add_argument('checkpoint', help='a .pth file of a training run')
    parser.add_argument('out', help='the .safetensors file to write')
    args = parser.parse_args(arguments)
    from egomm.apis.publish import publish

    digest = publish(args.checkpoint, args.out)
    print(f'{args.out}: sha256 of the tensors {digest}')


if __name__ == '__main__':
    launch.run(main)
