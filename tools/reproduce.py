"""Run a row of the papers' tables: look through its data, train, test, keep the result.

    python tools/reproduce.py --list
    python tools/reproduce.py mimo-query --weights swin_t.pth --processes 8
    python tools/reproduce.py --page                      # write docs/paper_tables.md anew

The result goes to docs/paper_results.json with its run card: config and the checksum of all that
it says with its bases, options, seed, checkpoint, what the data held, what the training wrote of
itself, versions, machine, time. Training that was stopped goes on, and what is done is not done
again, so the command can be given again.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(ROOT))

from egomm.apis import launch, paper_tables, runs  # noqa: E402
from egomm.functional.whole_files import sha256_of_file  # noqa: E402

TOOLS = ROOT / 'tools'
# A wheel has no pages, and its folder may be nobody's to write to.
PAGES = ROOT / 'docs' if (ROOT / 'docs').is_dir() else Path('work_dirs/rows')
PACKAGES = ('egomm', 'torch', 'mmengine', 'mmaction2', 'numpy')
Call = Callable[[Sequence[str]], None]


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('row', nargs='?', help='as --list names it')
    parser.add_argument('--list', action='store_true', help='print all rows')
    parser.add_argument('--page', action='store_true', help='write the page of all rows')
    parser.add_argument('--weights', help='converted weights that the backbones start from')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--processes', help='on this node, one a device, as of tools/dist_train.sh')
    parser.add_argument('--work-dir', help='work_dirs/rows/<row>_<seed> unless given')
    parser.add_argument(
        '--cfg-options', nargs='+', default=[], metavar='KEY=VALUE', help='as of tools/train.py'
    )
    parser.add_argument(
        '--no-check', action='store_true', help='do not look through the data before training'
    )
    parser.add_argument('--tables', type=Path, default=ROOT / 'configs/paper_tables.yml')
    parser.add_argument('--results', type=Path, default=PAGES / 'paper_results.json')
    args = parser.parse_args(arguments)
    if not (args.row or args.list or args.page):
        parser.error('give a row, --list or --page')
    return args


def call_tool(command: Sequence[str]) -> None:
    """Run a tool in a process of its own."""
    if subprocess.run(command, check=False).returncode:
        raise ValueError(
            f'`{" ".join(command)}` failed, see above. Give the same command again once that is '
            'repaired; what is done stays.'
        )


def find_row(tables: Sequence[Mapping[str, Any]], name: str) -> paper_tables.Row:
    rows = {row.name: row for table in tables for row in table['rows'].values()}
    if name not in rows:
        raise ValueError(f'There is no row {name!r}. --list shows all: {", ".join(rows)}.')
    if rows[name].note:
        raise ValueError(f'{name} is not one command: {rows[name].note}.')
    return rows[name]


def settings_of(row: paper_tables.Row, args: argparse.Namespace) -> list[str]:
    """What to override in the config."""
    if args.weights and not row.pretrained:
        raise ValueError(f'{row.name} starts from no weights. Leave --weights out.')
    start = [f'model.backbones.{name}.pretrained={args.weights}' for name in row.pretrained]
    return [*(start if args.weights else []), f'randomness.seed={args.seed}', *args.cfg_options]


def look_through(config: str, options: Sequence[str]) -> list[dict[str, Any]]:
    """What the data of a config holds; a ValueError where a run would be stopped."""
    from egomm.apis.check_data import check_config

    checked = check_config(runs.load_config(config, options))
    wrong = [f for data in checked for f in data.findings if f.policy == 'refuse']
    if wrong:
        lines = [f'  {f.what} ({f.count}), such as {f.examples[0]}' for f in wrong]
        raise ValueError(
            '\n'.join([f'The data of {config} would stop a run:', *dict.fromkeys(lines)])
            + f'\n`python tools/check_data.py {config}` shows all.'
        )
    return [
        dict(
            loaders=data.loaders,
            ann_file=data.ann_file,
            records=data.records,
            findings={f.what: f.count for f in data.findings},
        )
        for data in checked
    ]


def train(config: str, folder: Path, options: Sequence[str], args: Any, call: Call) -> Path:
    """The checkpoint of a training, done now or before."""
    command = runs.tool_command(TOOLS, 'train', config, processes=args.processes)
    call([*command, '--work-dir', str(folder), '--resume', '--cfg-options', *options])
    return runs.choose_checkpoint(folder)


def test(config: str, checkpoint: Path, folder: Path, more: Sequence[str], call: Call) -> dict:
    """Scores of a checkpoint."""
    command = runs.tool_command(TOOLS, 'test', config, str(checkpoint))
    call([*command, '--work-dir', str(folder), *more])
    return runs.read_scores(folder)


def search(
    config: str, checkpoint: Path, folder: Path, more: Sequence[str], call: Call
) -> tuple[str, dict[str, Any]]:
    """Config with the weights of re-allocation that are best, and what they score."""
    tested, dump, numbers = (folder / n for n in ('searched.py', 'validation.pkl', 'search.json'))
    folder.mkdir(parents=True, exist_ok=True)
    record = ["model.record=['readout']"]
    test(config, checkpoint, folder / 'dump', ['--dump', str(dump), *more, *record], call)
    command = [sys.executable, str(TOOLS / 'search_reallocation.py'), config, str(checkpoint)]
    call([*command, str(dump), '--out', str(tested), '--json', str(numbers)])
    return str(tested), json.loads(numbers.read_text(encoding='utf-8'))


def over_splits(
    config: str, folder: Path, options: Sequence[str], args: Any, call: Call
) -> tuple[dict[str, float], dict[str, Any]]:
    """Means over the splits of EGTEA Gaze+, and for the card what each was tested on and scored."""
    command = [sys.executable, str(TOOLS / 'egtea_splits.py'), config, '--work-dir', str(folder)]
    processes = ['--processes', args.processes] if args.processes else []
    call([*command, *processes, '--cfg-options', *options])
    found = json.loads((folder / 'splits.json').read_text(encoding='utf-8'))
    splits = {
        split: dict(_tested(runs.choose_checkpoint(folder / f'split{split}')), scores=scores)
        for split, scores in found['splits'].items()
    }
    return found['mean'], dict(splits=splits)


def reproduce(
    row: paper_tables.Row, tables: Sequence[Mapping[str, Any]], args: Any, call: Call
) -> dict[str, Any]:
    """Result and run card of a row."""
    begin = time.time()
    first = find_row(tables, row.start) if row.start else row
    options = settings_of(first, args)
    home = Path(args.work_dir or Path('work_dirs/rows', f'{row.name}_{args.seed}'))
    config = _path(row.config)
    data = []
    splits = runs.EGTEA_SPLITS if row.splits else (1,)
    for split in splits if not args.no_check else ():
        with runs.egtea_split(split):
            data += look_through(config, options)
    folder = Path(args.work_dir or Path('work_dirs/rows', f'{first.name}_{args.seed}'))
    weights = sha256_of_file(args.weights) if args.weights else None
    says = runs.sha256_of_config(runs.load_config(_path(first.config)))
    runs.keep_settings(folder, dict(config_sha256=says, options=options, weights_sha256=weights))
    searched = None
    if row.splits:
        scores, trained = over_splits(config, folder, options, args, call)
    else:
        checkpoint = train(_path(first.config), folder, options, args, call)
        trained = _tested(checkpoint)
        tested, more = config, ['--cfg-options', *options]
        if row.search:
            tested, searched = search(config, checkpoint, home, more, call)
        scores = test(tested, checkpoint, home / 'test', more, call)
    believed = scores
    if searched:  # the test has the clips that the weights were chosen on
        top1 = searched['top1']['held_out']
        believed = {name: top1[task] for task, name in row.scores.items() if task in top1}
    return dict(
        row=row.name,
        ours=row.ours(believed),
        scores=scores,
        search=searched,
        card=dict(
            config=row.config,
            config_sha256=runs.sha256_of_config(runs.load_config(config)),
            options=options,
            seed=args.seed,
            **trained,
            weights_sha256=weights,
            data=data,
            versions={'python': platform.python_version(), **{n: version(n) for n in PACKAGES}},
            machine=dict(cores=os.cpu_count(), devices=_devices(), processes=args.processes),
            finished=datetime.now(UTC).isoformat(timespec='seconds'),
            seconds=round(time.time() - begin),
        ),
    )


def main(arguments: Sequence[str] | None = None, call: Call = call_tool) -> None:
    args = parse_arguments(arguments)
    tables = paper_tables.read_tables(args.tables)
    if args.list:
        for table in tables:
            print(f'{table["paper"]}: {table["data"]}')
            for row in table['rows'].values():
                print(f'  {row.name:32} {row.config}')
        return
    if args.row:
        with runs.egtea_split(1):  # as the tables say, whatever the environment does
            result = reproduce(find_row(tables, args.row), tables, args, call)
        runs.write_json(args.results, [*paper_tables.read_results(args.results), result])
        print(f'{args.row}: {result["ours"]}, appended to {args.results}')
    text = paper_tables.page(tables, paper_tables.read_results(args.results))
    written = args.results.with_name('paper_tables.md')
    written.parent.mkdir(parents=True, exist_ok=True)
    written.write_text(text, encoding='utf-8')
    print(f'{written}: the page of all rows')


def _path(config: str) -> str:
    return config if Path(config).is_file() else str(ROOT / config)


def _tested(checkpoint: Path) -> dict[str, Any]:
    """What the card says of a checkpoint."""
    return dict(
        training=_card(checkpoint.parent),
        checkpoint=checkpoint.name,
        checkpoint_sha256=sha256_of_file(checkpoint),
    )


def _card(folder: Path) -> dict[str, Any] | None:
    """What the training wrote of itself, if its config lets it."""
    from egomm.functional.run_cards import NAME

    return runs.read_card(folder) if list(folder.glob(f'*/{NAME}')) else None


def _devices() -> list[str]:
    import torch

    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]


if __name__ == '__main__':
    launch.run(main)
