"""Which claims of a paper hold in the toy kitchen: all rows, paired by seed, resumable.

    python tools/study.py mimo --seeds 5
    python tools/study.py asl --seeds 5

Generates the worlds under data/study, trains the encoders or the recognizer, keeps what they make
of the worlds, chooses a learning rate for every row, runs every row with every seed, and writes the
page. What is done already is not done again, so the command can be stopped and given again, also
with more seeds.
"""

import argparse
import os
import platform
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(ROOT))

from egomm.apis import launch  # noqa: E402

HEAD = """# The study on the toy kitchen

Made by `python tools/study.py mimo {options}`; every claim and the rule for its
verdict stood in `egomm/testing/mimo_study.py` before the runs. The toy kitchen is a generated
world: what holds in it need not hold on EPIC-KITCHENS-100, and the numbers of the paper are beside
ours for their order and their differences, not for their height.

{machine}

## MIMO: fusion, allocating, re-allocating

Frozen encoders (`configs/toy/mimo_encoders.py`, trained on a world of their own with other
participants) give token maps; every row trains a small encoder a modality ({width} channels), its
fusion and its heads for {epochs} epochs on them. Of three learning rates each row takes the best
on the clips for choices, with a seed of its own; the test is scored once a run. A claim is
**confirmed** if the 95 % interval of the paired difference lies above 0, **refuted** if it lies
below 0 or below a third of the paper's effect, else **undecided**.
"""


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('paper', choices=('mimo', 'asl'), help='whose claims')
    parser.add_argument('--seeds', type=int, default=5, help='runs of every row')
    parser.add_argument(
        '--conflict', type=float, nargs='+', help='worlds of mimo, by default 0 and 1'
    )
    parser.add_argument('--worlds', nargs='+', help='worlds of asl by name, by default all')
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


def machine() -> str:
    """What the numbers were made with."""
    import torch

    return (
        f'{os.cpu_count()} CPU cores, Python {platform.python_version()}, PyTorch '
        f'{torch.__version__.partition("+")[0]}, no GPU.'
    )


def study_asl(args: argparse.Namespace) -> None:
    """Run the ASL part, and write its page after every world."""
    from egomm.testing import asl_page, asl_runs, asl_study

    def say(text: str) -> None:
        print(text, flush=True)

    worlds = asl_study.worlds_named(args.worlds)
    out, sections = args.out / 'asl', []
    page = args.page or out / 'study.md'
    page.parent.mkdir(parents=True, exist_ok=True)
    folders = dict(configs=ROOT / 'configs/toy', data=args.data / 'asl', out=out)
    conducted = asl_runs.conduct(worlds, args.seeds, processes=args.processes, say=say, **folders)
    for found in conducted:
        sections.append(asl_page.world_section(found))
        text = [asl_page.head(args.seeds, found['setting'], machine()), *sections]
        page.write_text('\n'.join(text), encoding='utf-8')
        say(f'written: {page}')


def main(arguments: Sequence[str] | None = None) -> None:
    args = parse_arguments(arguments)
    if args.paper == 'asl':
        study_asl(args)
        return
    from egomm.functional.scores import majority_share
    from egomm.testing import mimo_study
    from egomm.testing.study import TASKS, Setting, read_labels
    from egomm.testing.study_page import world_section

    def say(text: str) -> None:
        print(text, flush=True)

    configs, sections = ROOT / 'configs/toy', []
    encoders = mimo_study.train_encoders(args.data, configs, args.out / 'encoders', say)
    for conflict in args.conflict or mimo_study.CONFLICTS:
        spec, tokens = mimo_study.prepare(conflict, args.data, configs, encoders, say)
        setting = Setting(configs, tokens, args.out / f'conflict{conflict:g}')
        tuned = work(mimo_study.jobs_of_tuning(setting), args.processes, f'{conflict:g}, tuning')
        rates = mimo_study.chosen_rates(tuned)
        jobs = mimo_study.jobs_of_study(setting, rates, range(args.seeds))
        results = work(jobs, args.processes, f'{conflict:g}, rows')
        labels = {split: read_labels(tokens / split) for split in ('train', 'val', 'test')}
        sections.append(
            world_section(
                spec,
                {split: len(rows) for split, rows in labels.items()},
                {task: majority_share([row[task] for row in labels['test']]) for task in TASKS},
                results,
                rates,
            )
        )
    options = ' '.join((sys.argv[1:] if arguments is None else list(arguments))[1:])
    head = HEAD.format(
        options=options, machine=machine(), width=setting.width, epochs=setting.epochs
    )
    page = args.page or args.out / 'study.md'
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text('\n'.join([head, *sections]), encoding='utf-8')
    say(f'written: {page}')


if __name__ == '__main__':
    launch.run(main)
