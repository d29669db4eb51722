"""egomm beside what a user would otherwise run: times, ratios, peak memory, equal results.

    python tools/benchmark.py --quick            # a first look, two minutes on two free cores
    python tools/benchmark.py                    # all cases, ten minutes
    python tools/benchmark.py --only fusion soft-nms --threads 1 --out benchmark.json
    python tools/benchmark.py --suite gpu        # networks on CUDA

Each case is a process of its own. In it both sides take turns, so that whatever else the machine
does meets both: believe the ratios, not the seconds. On a busy machine `--threads 1` and the ratio
of CPU seconds are steadier still. Results are compared first, and a case whose results differ is an
error. docs/benchmarks.md has the table of one machine and says what limits what.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

# This checkout is measured, also where another egomm is installed.
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from egomm.apis import launch  # noqa: E402
from egomm.testing.benchmarks.contest import CASES, names_of  # noqa: E402


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--suite', choices=('cpu', 'gpu'), default='cpu', help='default cpu')
    parser.add_argument('--quick', action='store_true', help='smaller work and fewer rounds')
    parser.add_argument('--only', nargs='+', metavar='NAME', help=f'of {", ".join(CASES)}')
    parser.add_argument('--threads', type=int, default=2, help='of torch on all sides, default 2')
    parser.add_argument('--out', type=Path, metavar='JSON', help='write all numbers there as well')
    args = parser.parse_args(arguments)
    known = names_of(args.suite)
    unknown = [name for name in args.only or () if name not in known]
    if unknown:
        parser.error(
            f'--only {unknown[0]}: no such case in the {args.suite} suite; it has '
            f'{", ".join(known)}'
        )
    if args.threads < 1:
        parser.error(f'--threads wants at least 1; got {args.threads}')
    return args


def main(arguments: Sequence[str] | None = None) -> None:
    args = parse_arguments(arguments)
    if args.suite == 'gpu':
        import torch

        if not torch.cuda.is_available():
            raise ValueError(
                '--suite gpu measures networks on CUDA, but torch finds no CUDA device here. Run '
                'it on a machine with one, or leave --suite out.'
            )
    from egomm.testing.benchmarks.report import machine, page, section
    from egomm.testing.benchmarks.runs import run_case

    settings = dict(
        quick=args.quick, threads=args.threads, device='cuda' if args.suite == 'gpu' else 'cpu'
    )
    results: dict[str, dict] = {}
    for name in args.only or names_of(args.suite):
        try:
            results[name] = run_case(name, settings)
        except RuntimeError as error:
            results[name] = {'error': str(error)}
        print(section(name, results[name]), flush=True)
    about = {'machine': machine(), 'command': ' '.join(sys.argv), 'settings': settings}
    print(page(about, results))
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({**about, 'cases': results}, indent=1)
        args.out.write_text(text + '\n', encoding='utf-8')
    failed = [name for name, result in results.items() if 'error' in result]
    if failed:
        raise ValueError(f'{", ".join(failed)} could not be measured, see above.')


if __name__ == '__main__':
    launch.run(main)
