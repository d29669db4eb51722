"""Evaluate a checkpoint.

python tools/test.py configs/toy/mimo_query.py work_dirs/mimo_query/epoch_7.pth

For a split without labels, write its scores and make a submission of them (tools/submit.py):

python tools/test.py CONFIG CHECKPOINT --results scores.pkl \\
    --cfg-options test_dataloader.dataset.ann_file=annotations/EPIC_100_test_timestamps.csv
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from egomm.apis import launch  # noqa: E402


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Evaluate a checkpoint.')
    launch.add_common_arguments(parser)
    parser.add_argument('checkpoint', help='path or address of the checkpoint')
    parser.add_argument(
        '--dump', metavar='FILE.pkl', help='write all predictions to this pickle, a list of dicts'
    )
    parser.add_argument(
        '--results',
        metavar='FILE.pkl|.pt|.json',
        help='instead of evaluating, write verb and noun scores in the format of the official '
        'EPIC-KITCHENS-100 scripts, or (.json) the moments or answers that were found, for '
        'tools/score.py and tools/submit.py; needs no labels',
    )
    args = parser.parse_args(arguments)
    if args.results and not args.results.endswith(('.pkl', '.pt', '.json')):
        parser.error(f'--results wants a name that ends in .pkl, .pt or .json; got {args.results}')
    if args.dump and not args.dump.endswith(('.pkl', '.pickle')):
        parser.error(f'--dump wants a name that ends in .pkl or .pickle; got {args.dump}')
    return args


def main(arguments: Sequence[str] | None = None) -> None:
    args = parse_arguments(arguments)
    config = launch.load_config(args)
    config.merge_from_dict(args.cfg_options)
    config.load_from, config.resume = args.checkpoint, False
    if not config.get('test_dataloader'):
        raise ValueError(
            f'{args.config} has no test_dataloader. Add one, with test_cfg and test_evaluator.'
        )
    for file in filter(None, (args.dump, args.results)):
        # Now, not after the whole evaluation, is the time to find out that it cannot be written.
        Path(file).parent.mkdir(parents=True, exist_ok=True)
    if args.results:
        kind = 'SegmentFile' if args.results.endswith('.json') else 'ResultFile'
        config.test_evaluator = dict(type=kind, path=args.results)
    if args.dump:
        evaluators = config.get('test_evaluator') or []
        evaluators = list(evaluators) if isinstance(evaluators, (list, tuple)) else [evaluators]
        config.test_evaluator = [*evaluators, dict(type='DumpResults', out_file_path=args.dump)]
    launch.build_runner(config).test()


if __name__ == '__main__':
    launch.run(main)
