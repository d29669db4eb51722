"""Train a model.

Asked to end by SIGTERM or SIGUSR1, a run saves what it has and leaves with code 143; --resume goes
on at the very step. A mistake of the user ends it with code 2.

python tools/train.py configs/toy/mimo_query.py
bash tools/dist_train.sh configs/mimo/epic100_swin-t_query.py 8
"""

import argparse
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from egomm.apis import launch  # noqa: E402
from egomm.apis.folder_lock import folder_lock  # noqa: E402


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Train a model.')
    launch.add_common_arguments(parser)
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='go on from this checkpoint, or from the latest of the work dir',
    )
    parser.add_argument(
        '--amp', action='store_true', help='mixed precision: float16 on CUDA, bfloat16 on the CPU'
    )
    parser.add_argument('--no-validate', action='store_true', help='do not evaluate on the way')
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate by the clips of a step / auto_scale_lr.base_batch_size',
    )
    parser.add_argument('--seed', type=int, help='the one seed of the run')
    parser.add_argument('--diff-rank-seed', action='store_true', help='seed + rank in each process')
    parser.add_argument(
        '--deterministic', action='store_true', help='only deterministic algorithms, slower on CUDA'
    )
    parser.add_argument(
        '--dry-run',
        action='store_true',
        help='build everything, make one step of training, evaluation and saving, write nothing',
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    args = parse_arguments(arguments)
    config = launch.load_config(args)
    if not config.get('train_dataloader'):
        raise ValueError(
            f'{args.config} has no train_dataloader. Add one, with train_cfg and optim_wrapper.'
        )
    if args.no_validate:
        config.val_cfg = config.val_dataloader = config.val_evaluator = None
    if args.amp:
        launch.use_mixed_precision(config)
    if args.resume is not None:
        config.resume = True
        config.load_from = None if args.resume == 'auto' else args.resume
    if args.auto_scale_lr:
        if not config.get('auto_scale_lr'):
            raise ValueError(
                '--auto-scale-lr wants auto_scale_lr=dict(base_batch_size=...) in '
                'the config: the batch size that its learning rate is for.'
            )
        config.auto_scale_lr.enable = True
    randomness = dict(config.get('randomness') or {})
    if args.seed is not None:
        randomness['seed'] = args.seed
    for name in ('diff_rank_seed', 'deterministic'):
        if getattr(args, name):
            randomness[name] = True
    config.randomness = randomness
    config.merge_from_dict(args.cfg_options)
    if args.auto_scale_lr:
        # MMEngine compares it with the clips of one batch, but a step may be of several.
        config.auto_scale_lr.base_batch_size /= config.optim_wrapper.get('accumulative_counts', 1)
    if args.dry_run:
        from egomm.apis.dry_run import dry_run

        print('\n'.join(dry_run(config)))
        return
    with folder_lock(config.work_dir) if launch.is_first_process(args.launcher) else nullcontext():
        launch.build_runner(config).train()


if __name__ == '__main__':
    launch.run(main)
