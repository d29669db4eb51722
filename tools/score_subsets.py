"""Evaluate one checkpoint with every non-empty subset of its modalities.

    python tools/score_subsets.py configs/toy/mimo_query_dropout.py work_dirs/mimo_query_dropout/epoch_7.pth

The encoders run once; a row of the table equals a test with the other modalities in
`data_preprocessor.drop`, but that clips with none of the row's modalities are left out.
"""  # noqa: E501

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from egomm.apis import launch  # noqa: E402

COLUMNS = ('verb', 'noun', 'action')


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    launch.add_common_arguments(parser)
    parser.add_argument('checkpoint', help='path of the checkpoint')
    parser.add_argument('--json', metavar='FILE', help='write the rows to this file as well')
    return parser.parse_args(arguments)


def table(rows: Sequence[dict]) -> str:
    """The rows as text."""
    names = ['+'.join(row['modalities']) for row in rows]
    width = max(10, *map(len, names))
    head = ''.join(f'{column:>8}' for column in COLUMNS)
    lines = [
        f'{"":{width}}{"":16}{"top-1 %":>24}{"mean class accuracy %":>24}',
        f'{"modalities":{width}}{"clips":>7}{"excl.":>9}{head}{head}',
    ]
    for name, row in zip(names, rows):
        numbers = (
            row[kind].get(task) for kind in ('top1', 'mean_class_accuracy') for task in COLUMNS
        )
        cells = ''.join(f'{"-":>8}' if value is None else f'{value:8.1f}' for value in numbers)
        lines.append(f'{name:{width}}{row["clips"]:7}{row["excluded"]:9}{cells}')
    return '\n'.join([*lines, 'excl.: clips that have none of these modalities'])


def main(arguments: Sequence[str] | None = None) -> None:
    args = parse_arguments(arguments)
    config = launch.load_config(args)
    config.merge_from_dict(args.cfg_options)
    if not config.get('test_dataloader'):
        raise ValueError(f'{args.config} has no test_dataloader. Add one.')
    if args.json:
        # Now, not after the whole evaluation, is the time to find out that it cannot be written.
        Path(args.json).parent.mkdir(parents=True, exist_ok=True)
    from mmengine.registry import init_default_scope
    from mmengine.runner import Runner

    from egomm.apis.answers import check_heads
    from egomm.apis.load import load_model
    from egomm.apis.subsets import non_empty_subsets, predict_subsets, score_subsets

    init_default_scope(config.get('default_scope', 'egomm'))
    model = load_model(config, args.checkpoint)
    check_heads(model.heads)
    loader = Runner.build_dataloader(config.test_dataloader, seed=0)
    samples = predict_subsets(model, loader, non_empty_subsets(model.backbones))
    rows = score_subsets(samples, len(loader.dataset))
    print(table(rows))
    if args.json:
        Path(args.json).write_text(json.dumps(rows, indent=2) + '\n')


if __name__ == '__main__':
    launch.run(main)
