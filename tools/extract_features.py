"""Keep what the encoders of a trained model make of a data set.

    python tools/extract_features.py configs/toy/mimo_query.py work_dirs/mimo_query/epoch_7.pth \
        --tokens --out data/toy_kitchen/tokens

`--tokens` writes the token map of every clip and modality. A config whose data set is
`CachedTokens`, such as configs/toy/mimo_query_tokens.py, then trains a neck and heads on them
without decoding or encoding anything. An interrupted run goes on when it is called again.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from egomm.apis import launch  # noqa: E402

SPLITS = ('train', 'val', 'test')


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('config', help='path of the config that the model was trained with')
    parser.add_argument('checkpoint', help='path of its checkpoint')
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument('--tokens', action='store_true', help='the token map of every clip')
    parser.add_argument('--out', required=True, metavar='DIR', help='gets one folder a split')
    parser.add_argument(
        '--split',
        type=lambda text: text.split(','),
        default=['train', 'val'],
        metavar='NAMES',
        help='which dataloaders of the config, by default train,val',
    )
    parser.add_argument(
        '--dtype',
        choices=('float32', 'float16'),
        default='float32',
        help='of what is stored; float16 rounds by at most 0.05 %% and halves the disk',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=launch.OptionsAction,
        default={},
        metavar='KEY=VALUE',
        help='override settings of the config, as in tools/train.py',
    )
    parser.set_defaults(launcher='none', local_rank=0, work_dir=None)
    args = parser.parse_args(arguments)
    unknown = [name for name in args.split if name not in SPLITS]
    if unknown:
        parser.error(f'--split wants some of {",".join(SPLITS)}; got {unknown[0]!r}')
    return args


def main(arguments: Sequence[str] | None = None) -> None:
    args = parse_arguments(arguments)
    config = launch.load_config(args)
    config.merge_from_dict(args.cfg_options)

    import torch
    from mmengine.utils.dl_utils import set_multi_processing

    from egomm.apis.extract import extract_tokens

    set_multi_processing(**config.get('env_cfg', {}).get('mp_cfg', {}))
    if not torch.cuda.is_available():
        launch.leave_cores_to_loaders(config)
    extract_tokens(config, args.checkpoint, args.out, args.split, args.dtype)


if __name__ == '__main__':
    launch.run(main)
