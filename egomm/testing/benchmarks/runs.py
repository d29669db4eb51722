"""Measure a case: alternate its sides in one process, each side's peak memory in its own.

python -m egomm.testing.benchmarks.runs fusion '{"quick": true}'            # a case
python -m egomm.testing.benchmarks.runs mimo:0 '{"quick": true}' --side 0   # memory of a side
"""

import gc
import json
import math
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from egomm.testing.benchmarks.contest import Contest, Growth, Settings, Side, Work, contests

ROUNDS = 3  # at least
SECONDS = {True: 1.5, False: 7.0}  # more rounds until these have passed, by Settings.quick
SHORTEST = 0.02  # seconds a measurement; shorter work is repeated
MOST_ROUNDS = 100
LIMIT_SECONDS = 3600
_ROOT = Path(__file__).resolve().parents[3]  # of the egomm that is measured


class Taken(NamedTuple):
    """Seconds of one measurement: on the clock, and of all threads, also of what was started."""

    wall: float
    cpu: float


def measure(name: str, settings: Settings) -> dict[str, Any]:
    """All numbers of a case, as JSON can hold them.

    Raises:
        ValueError: If a side gives another result than the peer.
    """
    begin = time.perf_counter()
    cases = contests(name, settings)
    found = {
        'work': [case.work for case in cases],
        'rows': [
            row
            for number, case in enumerate(cases)
            for row in measure_contest(name, number, case, settings)
        ],
        'growth': [
            {'what': growth.what, **fitted(growth, settings)}
            for case in cases
            for growth in case.growth
        ],
        'facts': {label: fact() for case in cases for label, fact in case.facts.items()},
        'notes': [note for case in cases for note in case.notes],
        'load': os.getloadavg()[0],
    }
    # Processor time counts from the start of this process, which has imported torch.
    return {**found, 'took': Taken(time.perf_counter() - begin, _cpu_seconds())._asdict()}


def measure_contest(name: str, number: int, case: Contest, settings: Settings) -> list[dict]:
    """A row of the table for each side."""
    sides = [case.peer, *case.sides]
    works = [side.make() for side in sides]
    differences, expected = compare(case, works, settings.device)
    times = alternate(works, expected, ROUNDS, SECONDS[settings.quick], settings.device)
    ratios = [[theirs.wall / own.wall for theirs, own in zip(times[0], row)] for row in times]
    rows: list[dict[str, Any]] = [
        {
            'case': name,
            'side': side.name,
            'seconds': median(taken.wall for taken in row),
            'fastest': min(taken.wall for taken in row),
            'cpu_seconds': median(taken.cpu for taken in row),
            'rounds': len(row),
            'ratio': median(ratio),
            'ratio_range': [min(ratio), max(ratio)],
            'cpu_ratio': median(
                theirs.cpu / max(own.cpu, 1e-9) for theirs, own in zip(times[0], row)
            ),
            'target': side.speed,
            'limit': case.limits.get(side.name),
            'memory_target': side.memory,
            'difference': difference,
        }
        for side, row, ratio, difference in zip(sides, times, ratios, differences)
    ]
    if case.flops and not settings.quick:
        _add_flops(rows, works, settings)
    memory = _memory(case, f'{name}:{number}', settings, works)
    for row, peak in zip(rows, memory):
        row['memory'] = peak
        row['memory_ratio'] = None if peak is None else peak / memory[0]
    return rows


def compare(
    case: Contest, works: Sequence[Work], device: str
) -> tuple[list[float | None], list[float]]:
    """How far the result of each side is from the peer's, and seconds of each.

    Raises:
        ValueError: If one is too far.
    """
    results, seconds = [], []
    for work in works:
        begin = time.perf_counter()
        results.append(work())
        _finish(device)
        seconds.append(time.perf_counter() - begin)
    if case.difference is None:
        return [None] * len(works), seconds
    found: list[float | None] = [0.0]
    for side, result in zip(case.sides, results[1:]):
        if side.tolerance is None:
            found.append(None)
            continue
        distance = case.difference(results[0], result)
        if not distance <= side.tolerance:
            raise ValueError(
                f'{side.name} differs from {case.peer.name} by {distance:.3g}, more than '
                f'{side.tolerance:g}: a speed-up would be worth nothing. Look at what changed.'
            )
        found.append(distance)
    return found, seconds


def alternate(
    works: Sequence[Work],
    expected: Sequence[float],
    rounds: int,
    seconds: float,
    device: str = 'cpu',
) -> list[list[Taken]]:
    """What each work takes in each round; in a round every work is measured once.

    The order turns from round to round, so that none always follows the same other.

    Args:
        works: All have run once.
        expected: Seconds of that run of each.
        rounds: At least; two are enough where a round takes longer than ``seconds``.
        seconds: Further rounds are made until so many have passed.
        device: ``'cuda'`` is waited for.
    """
    repeats = []
    for work, first in zip(works, expected):
        # The first run may have prepared something.
        taken = _timed(work, 1, device).wall if first < 0.5 else first
        repeats.append(max(1, math.ceil(SHORTEST / max(taken, 1e-9))))
    if sum(expected) > seconds:
        rounds = 2
    times: list[list[Taken]] = [[] for _ in works]
    begin = time.perf_counter()
    while len(times[0]) < rounds or time.perf_counter() - begin < seconds:
        turn = len(times[0]) % len(works)
        gc.collect()
        for index in [*range(turn, len(works)), *range(turn)]:
            times[index].append(_timed(works[index], repeats[index], device))
        if len(times[0]) >= MOST_ROUNDS:
            break
    return times


def fitted(growth: Growth, settings: Settings) -> dict[str, Any]:
    """Seconds by size, and the exponent of the straight line through their logarithms."""
    works = [growth.make(size) for size in growth.sizes]
    expected = [_timed(work, 1, settings.device).wall for work in works]
    rows = alternate(works, expected, 2, SECONDS[settings.quick] / 5, settings.device)
    seconds = [min(taken.wall for taken in row) for row in rows]
    return dict(sizes=list(growth.sizes), seconds=seconds, exponent=exponent(growth.sizes, seconds))


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Slope of log seconds over log size, by least squares."""
    x, y = [math.log(size) for size in sizes], [math.log(value) for value in seconds]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    spread = sum((a - mean_x) ** 2 for a in x)
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y)) / spread


def peak_bytes() -> int:
    """Largest resident memory of this program so far.

    What `getrusage` says begins, on Linux, at what the process had that started this one.
    """
    status = Path('/proc/self/status')
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    lines = dict(line.split(':', 1) for line in status.read_text().splitlines())
    return int(lines['VmHWM'].split()[0]) * 1024


def saved_bytes(work: Work) -> int:
    """What autograd keeps for the backward pass of a work, without parameters."""
    import torch

    kept: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        base = tensor if tensor._base is None else tensor._base
        if not (base.is_leaf and base.requires_grad):
            storage = tensor.untyped_storage()
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        work()
    return sum(kept.values())


def _memory(
    case: Contest, place: str, settings: Settings, works: Sequence[Work]
) -> list[int | None]:
    """Bytes of each side; processes are started for the peer and for sides with a target only."""
    if case.memory is None or (case.memory == 'process' and settings.quick):
        return [None] * len(works)
    if case.memory == 'saved':
        return [saved_bytes(work) for work in works]
    if settings.device == 'cuda':
        return [_cuda_bytes(work) for work in works]
    return [
        child([place, json.dumps(settings._asdict()), '--side', str(index)])['peak']
        if index == 0 or case.sides[index - 1].memory is not None
        else None
        for index in range(len(works))
    ]


def _cuda_bytes(work: Work) -> int:
    import torch

    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    work()
    return torch.cuda.max_memory_allocated()


def _add_flops(rows: list[dict], works: Sequence[Work], settings: Settings) -> None:
    """Operations of a work, and their rate as a share of a large matrix product's."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        works[0]()
    size = 4096 if settings.device == 'cuda' else 1024
    for row in rows:
        dtype = torch.bfloat16 if 'bf16' in row['side'] else torch.float32
        a = torch.randn(size, size, dtype=dtype, device=settings.device)
        taken = [_timed(lambda a=a: a @ a, 3, settings.device) for _ in range(3)]
        # Time of the processor does not depend on who else uses it.
        on_cpu = settings.device == 'cpu'
        ceiling = min(measured.cpu if on_cpu else measured.wall for measured in taken)
        seconds = row['cpu_seconds'] if on_cpu else row['seconds']
        row['flops'] = counter.get_total_flops()
        row['rate'] = row['flops'] / seconds
        row['share'] = row['rate'] / (2 * size**3 / ceiling)


def _timed(work: Callable[[], Any], repeats: int, device: str) -> Taken:
    begin = Taken(time.perf_counter(), _cpu_seconds())
    for _ in range(repeats):
        work()
    _finish(device)
    return Taken(
        (time.perf_counter() - begin.wall) / repeats, (_cpu_seconds() - begin.cpu) / repeats
    )


def _cpu_seconds() -> float:
    """Of this process and of those that it has waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _finish(device: str) -> None:
    if device == 'cuda':
        import torch

        torch.cuda.synchronize()


def run_case(name: str, settings: dict[str, Any]) -> dict[str, Any]:
    """What `measure` gives, in a fresh process.

    Raises:
        RuntimeError: If the case cannot be measured.
    """
    return child([name, json.dumps(settings)])


def child(arguments: Sequence[str]) -> dict[str, Any]:
    """What a run of this file in a fresh process prints.

    Raises:
        RuntimeError: If it fails; with the end of what it said.
    """
    done = subprocess.run(
        [sys.executable, '-m', 'egomm.testing.benchmarks.runs', *arguments],
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        env={
            **os.environ,
            'PYTHONPATH': os.pathsep.join([str(_ROOT), os.environ.get('PYTHONPATH', '')]),
        },
    )
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        said = (done.stderr.strip() or 'nothing was said').splitlines()
        raise RuntimeError(f'{arguments[0]}: {said[-1]}')
    return json.loads(lines[-1])


def main(arguments: Sequence[str]) -> None:
    """Measure a case, or what a side of it needs at most, and print JSON as the last line."""
    name, text = arguments[:2]
    settings = Settings(**json.loads(text))
    if name != 'start-up':
        import torch

        torch.set_num_threads(settings.threads)
        torch.manual_seed(0)
    if '--side' in arguments:
        name, number = name.split(':')
        case = contests(name, settings)[int(number)]
        sides: list[Side] = [case.peer, *case.sides]
        work = sides[int(arguments[arguments.index('--side') + 1])].make()
        for _ in range(2):
            work()
        print(json.dumps({'peak': peak_bytes()}))
    else:
        print(json.dumps(measure(name, settings)))


if __name__ == '__main__':
    main(sys.argv[1:])
