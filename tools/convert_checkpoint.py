"""Convert a checkpoint of another project for `pretrained` of a backbone.

python tools/convert_checkpoint.py omnivore swinT_checkpoint.torch weights/swin_t.pth
python tools/convert_checkpoint.py mfnet MFNet3D_Kinetics-400_72.8.pth weights/mfnet3d.pth

Omnivore's Swin-T is https://dl.fbaipublicfiles.com/omnivore/models/swinT_checkpoint.torch (CC
BY-NC 4.0, also after conversion); the file of MFNet-3D has no public address that still answers.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

# An installed egomm comes first, then the one of this checkout.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from egomm.apis import convert, launch  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description='Convert a checkpoint of another project for `pretrained` of a backbone.'
    )
    titles = '; '.join(f'{name}: {source.title}' for name, source in convert.SOURCES.items())
    parser.add_argument('source', choices=convert.SOURCES, help=titles)
    parser.add_argument('checkpoint', metavar='SRC', help='path of the checkpoint')
    parser.add_argument('destination', metavar='DST', help='path of the file to write')
    parser.add_argument('--force', action='store_true', help='replace DST where it exists')
    parser.add_argument(
        '--prefix', default='', help='before every name: backbone. for configs/features'
    )
    args = parser.parse_args(arguments)
    print(
        convert.convert_file(
            args.source, args.checkpoint, args.destination, args.force, args.prefix
        )
    )


if __name__ == '__main__':
    launch.run(main)
