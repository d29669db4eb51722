"""Draw samples of a config as its model gets them: augmented, with points and labels.

    python tools/browse_data.py configs/toy/multitask_avnhg.py --out pictures

Writes a picture a sample, evenly spaced over the training data. --epoch shows another augmentation,
the same as a run sees in that epoch.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from egomm.apis import launch  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    launch.add_common_arguments(parser)
    parser.add_argument('--out', required=True, help='folder for the pictures')
    parser.add_argument('--split', choices=('train', 'val', 'test'), default='train')
    parser.add_argument('--count', type=int, default=8, help='how many samples (8)')
    parser.add_argument('--epoch', type=int, default=0, help='whose augmentation to show (0)')
    args = parser.parse_args(arguments)
    config = launch.load_config(args)
    config.merge_from_dict(args.cfg_options)
    from mmengine.registry import init_default_scope

    from egomm.apis.browse import browse

    init_default_scope(config.get('default_scope', 'egomm'))
    written = browse(config, args.split, args.out, args.count, args.epoch)
    print(f'{len(written)} pictures in {args.out}: {written[0].name} to {written[-1].name}')


if __name__ == '__main__':
    launch.run(main)
