"""Choose re-allocation weights for a trained query-fusion model on saved validation results.

    python tools/test.py CONFIG CHECKPOINT --dump validation.pkl \\
        --cfg-options model.record="['readout']"
    python tools/search_reallocation.py CONFIG CHECKPOINT validation.pkl --out my_ar.py

The network does not run again: its outputs under other weights have a closed form. Prints what
the weights gain on the clips they were chosen on, and on participants that they were not chosen
on, which is the number to believe; and what re-allocation costs in time. `--out` writes a config
that is the first one with these weights, `--json` the numbers.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from egomm.apis import launch  # noqa: E402


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    launch.add_common_arguments(parser)
    parser.add_argument('checkpoint', help='path of the checkpoint that made the dump')
    parser.add_argument('dump', help='what tools/test.py --dump wrote')
    parser.add_argument(
        '--steps', type=int, default=60, help='most steps of the search; 0 changes nothing'
    )
    parser.add_argument('--out', metavar='CONFIG.py', help='write a config with the weights')
    parser.add_argument('--json', type=Path, metavar='FILE', help='also write all numbers there')
    args = parser.parse_args(arguments)
    if args.steps < 0:
        parser.error(f'--steps wants a number from 0 up; got {args.steps}')
    if args.out and not args.out.endswith('.py'):
        parser.error(f'--out wants a name that ends in .py; got {args.out}')
    if args.out and Path(args.out).resolve() == Path(args.config).resolve():
        parser.error(f'--out {args.out} is the config that the new one builds on; name another')
    return args


def check(config: Any, model: Any) -> None:
    """Refuse a model whose attention cannot be re-allocated, or is already."""
    from egomm.models.heads.action import ActionHead
    from egomm.models.necks.query import QueryFusion

    if config.model.neck.get('reallocation') is not None:
        raise ValueError(
            f'{config.filename} re-allocates already, so its dump is not what the search starts '
            'from. Give the config without model.neck.reallocation, and a dump made with it.'
        )
    if not isinstance(model.neck, QueryFusion):
        raise ValueError(
            f'{config.filename} has the neck {type(model.neck).__name__}; only QueryFusion has '
            'attention that can be re-allocated.'
        )
    strangers = [task for task in model.neck.tasks if task not in model.heads]
    if strangers:
        raise ValueError(
            f'The neck has tokens for {strangers}, of which there is no head; the search takes '
            'one token for each task.'
        )
    pairs = [task for task in model.neck.tasks if isinstance(model.heads[task], ActionHead)]
    if pairs:
        raise ValueError(
            f'The heads of {pairs} classify pairs, which the search does not score. Give a model '
            'of verb and noun alone.'
        )


def added_latency(model: Any, weights: dict, tokens: int = 196, repeats: int = 40) -> list[float]:
    """Median milliseconds of the neck for one clip, without and with re-allocation."""
    import torch

    from egomm.registry import MODELS
    from egomm.structures import Stream

    neck = model.neck
    streams = {
        name: Stream(torch.rand(1, channels, tokens)) for name, channels in neck.in_channels.items()
    }
    part = MODELS.build(
        dict(
            type='FixedReallocation', weights=weights, modalities=neck.modalities, tasks=neck.tasks
        )
    )
    times: tuple[list[float], list[float]] = ([], [])
    with torch.inference_mode():
        for round_ in range(2 * repeats + 4):
            neck.reallocation = part if round_ % 2 else None
            start = time.perf_counter()
            neck(streams)
            if round_ >= 4:
                times[round_ % 2].append(time.perf_counter() - start)
    neck.reallocation = None
    return [1000 * statistics.median(values) for values in times]


def named(model: Any, weights: Any) -> dict[str, dict[str, float]]:
    """The table of weights as a config has it."""
    return {
        task: {name: round(value, 4) for name, value in zip(model.neck.modalities, row)}
        for task, row in zip(model.neck.tasks, weights.tolist())
    }


def write_config(path: Path, args: argparse.Namespace, weights: dict, fit: Any, clips: int) -> None:
    """A child config with the weights, and where they come from."""
    base = os.path.relpath(Path(args.config).resolve(), path.resolve().parent)
    action = ' -> '.join(
        f'{part["action"]:.2f}' for part in (fit.plain, fit.held_out, fit.in_sample)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f'"""{Path(args.config).stem} with attention re-allocating.\n\n'
        f'Weights chosen by tools/search_reallocation.py on {clips} clips, '
        f'{Path(args.checkpoint).name}.\n'
        f'Action top-1 there: without -> on participants not chosen on -> in sample\n{action}\n'
        '"""\n\n'
        f'_base_ = {base!r}\n'
        'model = dict(\n    neck=dict(\n        reallocation=dict(\n'
        "            type='FixedReallocation',\n            weights=dict(\n"
        + ''.join(
            f'                {task}=dict('
            + ', '.join(f'{name}={value}' for name, value in row.items())
            + '),\n'
            for task, row in weights.items()
        )
        + '            ),\n        )\n    )\n)\n',
        encoding='utf-8',
    )


def main(arguments: Sequence[str] | None = None) -> None:
    args = parse_arguments(arguments)
    config = launch.load_config(args)
    config.merge_from_dict(args.cfg_options)
    from egomm.apis import reallocation, runs
    from egomm.apis.answers import read_dump
    from egomm.apis.load import load_model

    samples = read_dump(args.dump)
    model = load_model(config, args.checkpoint).cpu()
    check(config, model)
    clips = reallocation.gather(samples, model)
    fit = reallocation.cross_fit(model, clips, args.steps)
    weights = named(model, fit.weights)

    print(f'{len(clips)} clips of {len(set(clips.participants))} participants\n')
    print(f'{"weights":8}' + ''.join(f'{name:>9}' for name in model.neck.modalities))
    for task, row in weights.items():
        print(f'{task:8}' + ''.join(f'{value:9.3g}' for value in row.values()))
    print(f'\n{"top-1 %":8}{"without":>9}{"held out":>10}{"gain":>7}{"in sample":>11}{"gain":>7}')
    for task, plain in fit.plain.items():
        held, inside = fit.held_out[task], fit.in_sample[task]
        print(
            f'{task:8}{plain:9.2f}{held:10.2f}{held - plain:+7.2f}{inside:11.2f}'
            f'{inside - plain:+7.2f}'
        )
    without, with_ = added_latency(model, weights)
    print(
        f'\nneck, one clip of 196 tokens a modality: {without:.2f} ms without, {with_:.2f} ms '
        f'with re-allocation ({100 * (with_ / without - 1):+.0f} %)'
    )
    if args.out:
        write_config(Path(args.out), args, weights, fit, len(clips))
        print(f'written: {args.out}')
    if args.json:
        found = dict(without=fit.plain, held_out=fit.held_out, in_sample=fit.in_sample)
        people = len(set(clips.participants))
        runs.write_json(
            args.json, dict(weights=weights, clips=len(clips), participants=people, top1=found)
        )


if __name__ == '__main__':
    launch.run(main)
