"""Which claims of a paper hold in the toy kitchen: all rows, paired by seed, resumable.

    python tools/study.py mimo --seeds 5
    python tools/study.py multitask --seeds 5
    python tools/study.py asl --seeds 5
    python tools/study.py all --seeds 5
    python tools/study.py overview

Makes the worlds under data/study, trains the encoders or the recognizer, keeps what they make of
the worlds, chooses a learning rate for every row, runs every row with every seed, and writes the
page; what stands in it under "Added by hand" stays. What is done already is not done again, so the
command can be stopped and given again, also with more seeds. `overview` runs nothing: it draws
docs/study.md from the pages in docs/.
"""

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(ROOT))

from egomm.apis import launch  # noqa: E402

CONFIGS = ROOT / 'configs/toy'
HEAD = """# The study on the toy kitchen: {title}

Made by `python tools/study.py {paper} {options}`; every claim and the rule for its
verdict stood in `egomm/testing/{paper}_study.py` before the runs. The toy kitchen is a generated
world: what holds in it need not hold on {data}, and the numbers of the paper are beside
ours for their order and their differences, not for their height.

{machine}

{method} Of {rates} learning rates, and up to {further} beyond while the best is at an end, each row
takes the best on the clips for choices, with a seed of its own; the test is scored once a run. A
claim is **confirmed** if the 95 % interval of the paired difference lies above 0, **refuted** if it
lies below 0 or below a third of the paper's effect, else **undecided**.
"""
MULTITASK_METHOD = """The first three layers of a frozen encoder (RGB of
`configs/toy/mimo_encoders.py`, trained on a world of its own with other participants) give feature
maps of 64 channels, 4 steps and 8 x 8 cells; every row trains two convolutions that its tasks
share ({width} channels, {narrow} where narrow) and its heads for {epochs} epochs on them. Points
come from 4 x 4 cells. The last epoch is scored, not the best one."""


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('paper', choices=(*STUDIES, 'all', 'overview'), help='whose claims')
    parser.add_argument('--seeds', type=int, default=5, help='runs of every row')
    parser.add_argument('--worlds', nargs='+', help='of mimo or asl by name, by default all')
    parser.add_argument('--widths', type=int, nargs='+', help='of mimo, by default both')
    parser.add_argument('--rows', nargs='+', help='of mimo by name, by default all')
    parser.add_argument('--data', type=Path, default=ROOT / 'data/study', help='worlds and tokens')
    parser.add_argument('--out', type=Path, default=ROOT / 'work_dirs/study', help='results')
    parser.add_argument('--page', type=Path, help='by default study.md in the results')
    parser.add_argument(
        '--processes', type=int, default=os.cpu_count(), help='runs at the same time'
    )
    args = parser.parse_args(arguments)
    if args.seeds < 2:
        parser.error(f'--seeds wants at least 2, or there are no intervals; got {args.seeds}')
    if args.processes < 1:
        parser.error(f'--processes wants at least 1; got {args.processes}')
    if args.worlds and args.paper not in ('mimo', 'asl'):
        parser.error(f'--worlds is of mimo and of asl; leave it out for {args.paper}')
    for name in ('rows', 'widths'):
        if getattr(args, name) and args.paper != 'mimo':
            parser.error(f'--{name} is of mimo; leave it out for {args.paper}')
    if args.page and args.paper == 'all':
        parser.error('--page is of one paper; of all, each has its page in the results')
    return args


def work(jobs: Sequence[tuple[Any, ...]], processes: int, what: str) -> list[dict]:
    """Results of the runs, in their order."""
    from egomm.testing import study

    start, results = time.monotonic(), []
    with ProcessPoolExecutor(processes, mp_context=get_context('spawn')) as pool:
        waiting = [pool.submit(study.run, *job) for job in jobs]
        for done, future in enumerate(waiting, start=1):
            results.append(future.result())
            if done % 10 == 0 or done == len(jobs):
                minutes = (time.monotonic() - start) / 60
                print(f'{what}: {done} of {len(jobs)} runs, {minutes:.1f} min', flush=True)
    return results


def tune_and_run(
    args: argparse.Namespace,
    setting: Any,
    rows: Sequence[Any],
    learning_rates: Sequence[float],
    what: str,
    keep_readout: Collection[str] = (),
) -> tuple[list[dict], dict[str, float]]:
    """Results of all runs with test scores, and the learning rate of every row."""
    from egomm.testing import study
    from egomm.testing.rates import search_rates

    rates = search_rates(
        rows,
        learning_rates,
        lambda pairs: work(study.jobs_of_tuning(pairs, setting), args.processes, f'{what}, tuning'),
        lambda row, result: result['scores']['val'][row.chosen_by],
    )
    jobs = study.jobs_of_study(rows, setting, rates, range(args.seeds), keep_readout)
    return work(jobs, args.processes, f'{what}, rows'), rates


def study_mimo(args: argparse.Namespace) -> str:
    """The page of MIMO: fusion, allocating, re-allocating; its results go beside it."""
    from egomm.functional.scores import majority_share
    from egomm.testing import mimo_page, mimo_study
    from egomm.testing.mimo_runs import MIMO, TASKS
    from egomm.testing.study import Setting, named, read_labels
    from egomm.testing.study_records import merge_records

    start = time.time()
    results = page_of(args, 'mimo').with_suffix('.jsonl')
    chosen = named((*mimo_study.ROWS, *mimo_study.CONTROLS), args.rows, 'rows')
    worlds = named(mimo_study.WORLDS, args.worlds, 'worlds')
    encoders = mimo_study.train_encoders(args.data, CONFIGS, args.out / 'encoders', say)
    names = {name for row in chosen for name in (row.name, row.tuned_as)}
    for world in worlds:
        tokens = mimo_study.prepare(world, args.data, CONFIGS, encoders, say)
        labels = {split: read_labels(tokens / split) for split in ('train', 'val', 'test')}
        about = dict(
            kind='world',
            world=world.name,
            clips={split: len(rows) for split, rows in labels.items()},
            majority={
                task: majority_share([row[task] for row in labels['test']]) for task in TASKS
            },
        )
        for width in args.widths or (mimo_study.WIDTH, mimo_study.NARROW):
            out = args.out / world.name / f'w{width}'
            runs, _ = tune_and_run(
                args,
                Setting(MIMO, CONFIGS, tokens, out, width=width),
                [row for row in mimo_study.rows_of(world, width) if row.name in names],
                mimo_study.LEARNING_RATES,
                f'{world.name}, {width} channels',
                mimo_study.REALLOCATED.values(),
            )
            about_runs = dict(kind='run', world=world.name, width=width)
            merge_records(results, [about, *({**about_runs, **run} for run in runs)])
    return mimo_page.mimo_page(merge_records(results, sitting(args, start)), results.name)


def study_multitask(args: argparse.Namespace) -> str:
    """The page of multi-task learning."""
    from egomm.testing import mimo_study, multitask_study
    from egomm.testing.multitask_page import multitask_section
    from egomm.testing.rates import FURTHER
    from egomm.testing.study import Setting, read_labels

    encoders = mimo_study.train_encoders(args.data, CONFIGS, args.out / 'encoders', say)
    tokens = multitask_study.prepare(args.data, CONFIGS, encoders, say)
    setting = Setting(
        multitask_study.MULTITASK,
        CONFIGS,
        tokens,
        args.out / 'multitask',
        width=multitask_study.WIDTH,
        epochs=multitask_study.EPOCHS,
    )
    rates = multitask_study.LEARNING_RATES
    results, chosen = tune_and_run(args, setting, multitask_study.ROWS, rates, 'multitask')
    labels = {split: read_labels(tokens / split) for split in ('train', 'val', 'test')}
    head = HEAD.format(
        title='multi-task learning',
        paper='multitask',
        options=options(args),
        data='EPIC-KITCHENS-55 and EGTEA Gaze+',
        machine=machine(),
        method=MULTITASK_METHOD.format(
            width=setting.width, narrow=multitask_study.NARROW, epochs=setting.epochs
        ),
        rates=len(rates),
        further=FURTHER,
    )
    return '\n'.join(
        [head, multitask_section(multitask_study.study_world(), labels, results, chosen)]
    )


def study_asl(args: argparse.Namespace) -> str:
    """The page of ASL: what learned sensitivity is worth; its results go beside it."""
    from egomm.testing import asl_page, asl_runs, asl_study
    from egomm.testing.study import named
    from egomm.testing.study_records import merge_records

    start = time.time()
    results = page_of(args, 'asl').with_suffix('.jsonl')
    worlds = named(asl_study.WORLDS, args.worlds, 'worlds')
    folders = dict(configs=CONFIGS, data=args.data / 'asl', out=args.out / 'asl')
    for records in asl_runs.conduct(
        worlds, args.seeds, processes=args.processes, say=say, **folders
    ):
        merge_records(results, records)
    return asl_page.asl_page(merge_records(results, sitting(args, start)), results.name)


STUDIES: dict[str, Callable[[argparse.Namespace], str]] = {
    'mimo': study_mimo,
    'multitask': study_multitask,
    'asl': study_asl,
}


def sitting(args: argparse.Namespace, start: float) -> list[dict[str, Any]]:
    """The line of this call in the results file; none if nothing was left to run."""
    minutes = (time.time() - start) / 60
    if minutes < 1:
        return []
    return [
        dict(
            kind='sitting',
            began=time.strftime('%Y-%m-%d %H:%M', time.localtime(start)),
            minutes=minutes,
            processes=args.processes,
            what=f'`{options(args)}`',
            machine=machine(),
        )
    ]


def options(args: argparse.Namespace) -> str:
    """What decides about the numbers, as it was given on the command line."""
    parts = [f'--seeds {args.seeds}']
    for name in ('worlds', 'widths', 'rows'):
        if getattr(args, name):
            parts.append(' '.join(map(str, (f'--{name}', *getattr(args, name)))))
    return ' '.join(parts)


def machine() -> str:
    """What the numbers were made with."""
    import torch

    from egomm.testing.benchmarks.report import processor

    return (
        f'{os.cpu_count()} CPU cores ({processor()}), Python {platform.python_version()}, PyTorch '
        f'{torch.__version__.partition("+")[0]}, no GPU.'
    )


def say(text: str) -> None:
    print(text, flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    args = parse_arguments(arguments)
    if args.paper == 'overview':
        from egomm.testing.study_overview import write_overview

        say(f'written: {write_overview(ROOT / "docs")}')
        return
    from egomm.testing.study_records import by_hand

    for paper in STUDIES if args.paper == 'all' else (args.paper,):
        text = STUDIES[paper](args)
        page = page_of(args, paper)
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text + by_hand(page), encoding='utf-8')
        say(f'written: {page}')


def page_of(args: argparse.Namespace, paper: str) -> Path:
    """Where the page of a paper goes."""
    return args.page or (args.out if paper == 'mimo' else args.out / paper) / 'study.md'


if __name__ == '__main__':
    launch.run(main)
