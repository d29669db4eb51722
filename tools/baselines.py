"""Floors of moments and queries that need no video, from annotation files alone.

python tools/baselines.py nlq-blind --train nlq_train.json --val nlq_val.json [--json FILE]
python tools/baselines.py mq-prior --train moments_train.json --val moments_val.json [--json FILE]

For mq-prior the file that ActionFormer's and ASL's converters write serves as both. What these are
and what they reach on the real files: docs/baselines.md.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from egomm.apis import blind_queries as blind  # noqa: E402
from egomm.apis import launch, moment_prior  # noqa: E402
from egomm.datasets.moments import moment_classes, read_moments  # noqa: E402
from egomm.datasets.queries import read_queries  # noqa: E402
from egomm.functional.comparison import group_interval  # noqa: E402
from egomm.functional.detection import mean_average_precision, moment_report  # noqa: E402
from egomm.functional.retrieval import THRESHOLDS  # noqa: E402
from egomm.testing.statistics import estimate  # noqa: E402

SEEDS = (1, 2, 3)
CHOOSING_SEED = 0
PARTS = (2, 4, 8, 16)


def run_nlq(args: argparse.Namespace) -> dict[str, Any]:
    train, val = (read_queries(path).records for path in (args.train, args.val))
    print(f'{len(train)} queries to train on, {len(val)} to score')
    clips = [record['clip_id'] for record in val]
    floor = torch.tensor([[[0.0, 0.05]]]).expand(len(val), 1, 2)
    report: dict[str, Any] = {'first 5 %': blind.score(val, floor)}
    show('first 5 %', report['first 5 %'])
    queries, asked = blind.encode(train), blind.encode(val)
    for name, use_place in (('words', False), ('words + place', True)):
        epochs, tried = blind.choose_epochs(train, use_place, CHOOSING_SEED)
        print(f'{name}: {epochs} epochs by the fold of train, mean R@1 {percents(tried)}')
        runs, right = [], []
        for seed in SEEDS:
            *_, model = blind.train_blind(queries, epochs, seed, use_place)
            answers = model.answer(asked)
            runs.append(blind.score(val, answers))
            right.append(blind.right_answers(val, answers))
            show(f'{name}, seed {seed}', runs[-1])
        intervals = {}
        for column, threshold in enumerate(THRESHOLDS):
            seeds = estimate([run[f'recall_1_at_{threshold}'] for run in runs])
            by_clip = group_interval(np.mean(right, axis=0)[:, column], clips)
            intervals[str(threshold)] = dict(
                mean=seeds.mean, seeds=(seeds.low, seeds.high), clips=by_clip
            )
            print(
                f'{name}: R@1 at {threshold}: {percents([seeds.mean])}, 95 % over seeds '
                f'{percents([seeds.low, seeds.high])}, over clips {percents(by_clip)}'
            )
        report[name] = dict(epochs=epochs, fold=tried, runs=runs, intervals=intervals)
    return report


def run_mq(args: argparse.Namespace) -> dict[str, Any]:
    names = moment_classes(args.train, args.val)
    train = read_moments(args.train, names, ['train']).records
    val = read_moments(args.val, names, ['val']).records
    truth = {record['clip_id']: record for record in val}
    print(f'{len(train)} clips to learn from, {len(val)} to score, {len(names)} classes')
    rows = {
        'full clip': moment_prior.full_clips(train, len(names)),
        **{
            f'{parts} uniform windows': moment_prior.uniform_windows(train, len(names), parts)
            for parts in PARTS
        },
        'class windows': moment_prior.class_windows(train, len(names)),
    }
    report, per_class = {}, {}
    for name, guesses in rows.items():
        found = {
            record['clip_id']: moment_prior.in_clip(guesses, record['duration'], names)
            for record in val
        }
        report[name] = moment_report(truth, found)
        areas = mean_average_precision(truth, found)['per_class']
        per_class[name] = np.array([areas[label].mean() for label in sorted(areas)])
        show(name, report[name])
    for name in list(rows)[:-1]:
        difference = per_class['class windows'] - per_class[name]
        labels = list(map(str, range(len(difference))))
        interval = group_interval(difference, labels)
        report[name]['class_windows_minus_this'] = (float(difference.mean()), *interval)
        print(
            f'class windows - {name}: average mAP {percents([difference.mean()])}, 95 % over '
            f'classes {percents(interval)}'
        )
    return report


def show(name: str, metrics: dict[str, float]) -> None:
    wanted = ('average_mAP', 'recall_1x_at_0.5', 'recall_1_at_0.3', 'recall_1_at_0.5')
    wanted += ('recall_5_at_0.3', 'recall_5_at_0.5', 'mean_recall_1')
    said = ', '.join(f'{key} {percents([metrics[key]])}' for key in wanted if key in metrics)
    print(f'{name}: {said} %', flush=True)


def percents(values: Sequence[float]) -> str:
    return ' .. '.join(f'{100 * value:.2f}' for value in values)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description='Floors that need no video.')
    commands = parser.add_subparsers(required=True, metavar='BASELINE')
    for name, run in (('nlq-blind', run_nlq), ('mq-prior', run_mq)):
        command = commands.add_parser(name)
        command.add_argument('--train', required=True, metavar='FILE', help='labels to learn from')
        command.add_argument('--val', required=True, metavar='FILE', help='labels to score on')
        command.add_argument('--json', metavar='FILE', help='also write the numbers to this file')
        command.set_defaults(run=run)
    args = parser.parse_args(arguments)
    report = args.run(args)
    if args.json:
        Path(args.json).write_text(json.dumps(report, indent=2) + '\n', encoding='utf-8')


if __name__ == '__main__':
    launch.run(main)
