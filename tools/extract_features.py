"""Keep what a trained recognizer makes of videos, or its encoders of the clips of a data set.

    python tools/extract_features.py configs/toy/mimo_query.py work_dirs/mimo_query/epoch_7.pth \\
        kitchen.mp4 garden.mp4 --out data/features --fps 30 --window 32 --stride 16

writes a vector for every window of each video, `kitchen.npy` and `garden.npy`, and a manifest from
which the data sets of moments and queries know what the vectors are of. A recognizer of mmaction2
is as good. Several processes share the videos: `torchrun --nproc-per-node 4 tools/extract...`.

    python tools/extract_features.py configs/toy/mimo_query.py work_dirs/mimo_query/epoch_7.pth \\
        --tokens --out data/toy_kitchen/tokens

`--tokens` writes the token map of every clip and modality. A config whose data set is
`CachedTokens`, such as configs/toy/mimo_query_tokens.py, then trains a neck and heads on them
without decoding or encoding anything.

An interrupted run of either goes on when it is called again.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from egomm.apis import launch  # noqa: E402

if TYPE_CHECKING:
    from mmengine.config import Config

SPLITS = ('train', 'val', 'test')


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='path of the config that the model was trained with')
    parser.add_argument('checkpoint', help='path of its checkpoint')
    parser.add_argument('videos', nargs='*', metavar='VIDEO', help='a video file')
    parser.add_argument('--out', required=True, metavar='DIR', help='folder of one extraction')
    windows = parser.add_argument_group('windows of videos')
    windows.add_argument('--window', type=int, metavar='FRAMES', help='default 32')
    windows.add_argument('--stride', type=int, metavar='FRAMES', help='default 16')
    windows.add_argument('--fps', type=float, help='rate to look at videos, default 30')
    windows.add_argument(
        '--flow',
        metavar='ALGORITHM',
        help='compute flow: dis, farneback or tvl1; masked by default',
    )
    windows.add_argument('--flow-bound', type=float, help='pixels of motion kept (8)')
    windows.add_argument('--flow-stride', type=int, help='frames it spans (1)')
    windows.add_argument(
        '--compare',
        metavar='STORED',
        help='then compare with stored features of these videos; ends with 1 if they are others',
    )
    windows.add_argument('--batch-size', type=int, default=8, metavar='WINDOWS', help='default 8')
    parser.add_argument(
        '--tokens', action='store_true', help='the token map of every clip of a data set instead'
    )
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
    if args.tokens == bool(args.videos):
        parser.error('either videos or --tokens is wanted')
    given = {
        key: value
        for key, value in (('bound', args.flow_bound), ('stride', args.flow_stride))
        if value is not None
    }
    if given and not args.flow:
        parser.error(f'--flow-{next(iter(given))} wants --flow ALGORITHM')
    args.flow = args.flow and dict(algorithm=args.flow, **given)
    only = [name for name in ('window', 'stride', 'fps', 'flow', 'compare') if getattr(args, name)]
    if args.tokens and only:
        parser.error(f'--{only[0]} is for videos, --tokens for the clips of a data set')
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

    if args.videos:
        extract_videos(config, args)
        return

    from egomm.apis.extract import extract_tokens

    set_multi_processing(**config.get('env_cfg', {}).get('mp_cfg', {}))
    if not torch.cuda.is_available():
        launch.leave_cores_to_loaders(config)
    extract_tokens(config, args.checkpoint, args.out, args.split, args.dtype)


def extract_videos(config: 'Config', args: argparse.Namespace) -> None:
    """The part of this process, as torchrun has it.

    Raises:
        ValueError: If a video could not be read; the others are done.
    """
    import torch

    from egomm.apis.windows import extract_windows
    from egomm.datasets.flow import FlowSettings

    processes = int(os.environ.get('WORLD_SIZE', 1))
    if args.compare and processes > 1:
        raise ValueError('--compare wants one process: call again without torchrun afterwards.')
    windows = dict(window=32, stride=16, fps=30.0) | dict(config.get('features') or {})
    windows |= {name: getattr(args, name) for name in windows if getattr(args, name) is not None}
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get('LOCAL_RANK', 0)) % torch.cuda.device_count())
    failed = extract_windows(
        config,
        args.checkpoint,
        args.videos,
        args.out,
        **windows,
        flow=FlowSettings(**args.flow) if args.flow else None,
        batch_size=args.batch_size,
        dtype=args.dtype,
        shard=(int(os.environ.get('RANK', 0)), processes),
    )
    if failed:
        raise ValueError(
            f'{len(failed)} videos were left out, see above. The others are in {args.out}.'
        )
    if args.compare:
        from egomm.apis.parity import compare_features
        from egomm.datasets.feature_store import read_description

        dim = read_description(args.out, dim=None)['dim']
        names = [Path(video).stem for video in args.videos]
        if not all(one.near for one in compare_features(args.out, args.compare, names, dim)):
            sys.exit(1)


if __name__ == '__main__':
    launch.run(main)
