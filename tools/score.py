"""Score saved predictions without running a model; one sub-command for each protocol.

python tools/score.py epic100 RESULTS... --annotations EPIC_100_validation.csv \\
    --tail-verbs EPIC_100_tail_verbs.csv --tail-nouns EPIC_100_tail_nouns.csv \\
    --unseen EPIC_100_unseen_participant_ids_validation.csv --train-csv EPIC_100_train.csv

RESULTS are files that tools/test.py --results or --dump wrote, or that other code saved in the
format of the official scripts; of several the logits are averaged (late fusion).

python tools/score.py mq FOUND.json... --annotations moments_val.json
python tools/score.py nlq FOUND.json... --annotations nlq_val.json
python tools/score.py c2 FOUND.json... --annotations EPIC_100_validation.csv

python tools/score.py classes DUMP.pkl --protocol egtea

DUMP is what tools/test.py --dump wrote, of which the labels are taken as well: any classification
tasks, as EGTEA Gaze+ (egtea) and EPIC-KITCHENS-55 (epic55) score them.

FOUND are files that tools/test.py --results FOUND.json wrote; of several, the segments of a clip
are put together and go through soft-NMS, of a query the five most confident windows are taken.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from egomm.apis import launch  # noqa: E402
from egomm.functional.csv_columns import OFFICIAL_LABELS, read_columns, read_list  # noqa: E402
from egomm.functional.detection import action_report, moment_report, read_found  # noqa: E402
from egomm.functional.labels import read_labels  # noqa: E402
from egomm.functional.result_file import Results  # noqa: E402
from egomm.functional.retrieval import query_report  # noqa: E402
from egomm.functional.scores import class_report, epic100, shot_accuracy  # noqa: E402
from egomm.functional.segment_files import (  # noqa: E402
    action_pair,
    query_key,
    read_answers,
    read_moments_found,
    refuse_unknown,
)
from egomm.functional.segment_merging import merge_answers, merge_moments  # noqa: E402
from egomm.functional.wording import first_names  # noqa: E402
from egomm.submission.epic100_recognition import CLASSES  # noqa: E402
from egomm.submission.fusion import fuse  # noqa: E402
from egomm.submission.result_files import read_results  # noqa: E402
from egomm.submission.unpickle import load_pickle  # noqa: E402

TASKS = ('verb', 'noun', 'action')
DETECTION = ('EPIC-KITCHENS-100 action detection (C2)', 'EPIC_100_validation.csv')


def add_epic100(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser('epic100', help='EPIC-KITCHENS-100 action recognition (C1)')
    parser.add_argument('results', nargs='+', metavar='RESULTS', help='.pkl or .pt files of scores')
    parser.add_argument(
        '--annotations',
        required=True,
        metavar='EPIC_100_validation.csv',
        help='labels, looked up by narration_id; the results may have a part of the clips only',
    )
    parser.add_argument('--tail-verbs', metavar='CSV', help='EPIC_100_tail_verbs.csv')
    parser.add_argument('--tail-nouns', metavar='CSV', help='EPIC_100_tail_nouns.csv')
    parser.add_argument(
        '--unseen', metavar='CSV', help='EPIC_100_unseen_participant_ids_validation.csv'
    )
    parser.add_argument(
        '--train-csv',
        metavar='CSV',
        help='EPIC_100_train.csv: score classes with many (over 100), medium and few (under 20) '
        'training instances apart',
    )
    parser.add_argument(
        '--weights',
        nargs='+',
        type=float,
        metavar='W',
        help='weight of each result file in the mean of the logits; equal by default',
    )
    parser.add_argument('--json', metavar='FILE', help='also write the numbers to this file')
    parser.set_defaults(run=run_epic100)


def run_epic100(args: argparse.Namespace) -> None:
    results = fuse([read_results(path) for path in args.results], args.weights)
    columns = {'narration_id': str, 'participant_id': str, 'verb_class': int, 'noun_class': int}
    table = read_columns(args.annotations, columns)
    rows = annotated_rows(results, table['narration_id'], args.annotations)
    metrics = epic100_metrics(args, results, {key: [table[key][r] for r in rows] for key in table})
    count = f'{len(rows)} of the {len(table["narration_id"])} clips of {args.annotations}'
    print(f'EPIC-KITCHENS-100 action recognition (protocol epic100), percent, {count}')
    print(as_table(metrics))
    write_report(
        args,
        'epic100',
        metrics,
        results=args.results,
        weights=args.weights,
        clips=len(rows),
        annotated_clips=len(table['narration_id']),
    )


def write_report(
    args: argparse.Namespace, protocol: str, metrics: dict[str, float], **about: Any
) -> None:
    """The numbers as JSON, if they are wanted."""
    if args.json:
        report = dict(protocol=protocol, annotations=args.annotations, **about, metrics=metrics)
        Path(args.json).parent.mkdir(parents=True, exist_ok=True)
        Path(args.json).write_text(json.dumps(report, indent=2) + '\n', encoding='utf-8')


def annotated_rows(results: Results, ids: Sequence[str], path: str) -> list[int]:
    """Row of each scored clip in the annotations."""
    row_of = {name: row for row, name in enumerate(ids)}
    if len(row_of) < len(ids):
        raise ValueError(f'{path} has a narration_id more than once. Restore the official file.')
    unknown = [name for name in results.narration_ids if name not in row_of]
    if unknown:
        raise ValueError(
            f'{path} has no label for {len(unknown)} of the {len(results.narration_ids)} scored '
            f'clips: {first_names(unknown)}. Give the annotations of the split that was scored.'
        )
    return [row_of[name] for name in results.narration_ids]


def epic100_metrics(
    args: argparse.Namespace, results: Results, table: dict[str, list]
) -> dict[str, float]:
    """The numbers under the names that `EpicActionMetric` gives them."""

    def column(path: str | None, name: str, kind: type) -> list:
        return [] if path is None else read_list(path, name, kind)

    metrics = epic100(
        results.verb,
        results.noun,
        table['verb_class'],
        table['noun_class'],
        participants=table['participant_id'],
        unseen=column(args.unseen, 'participant_id', str),
        tail_verbs=column(args.tail_verbs, 'verb', int),
        tail_nouns=column(args.tail_nouns, 'noun', int),
    )
    train = {}
    if args.train_csv:
        train = dict(zip(OFFICIAL_LABELS, read_labels(args.train_csv).T))
    for task, name in OFFICIAL_LABELS.items():
        scores, labels = getattr(results, task), table[name]
        mean = class_report(scores, labels)['mean_class_accuracy']
        metrics[f'all_{task}_mean_class_accuracy_present'] = mean
        if train:
            for group, accuracy in shot_accuracy(scores, labels, train[task]).items():
                metrics[f'shots/{group}_{task}_accuracy_at_1'] = accuracy
    return metrics


def as_table(metrics: dict[str, float]) -> str:
    """One line a subset, one column a task."""
    lines: dict[str, dict[str, float]] = {}
    for key, value in metrics.items():
        [task] = [task for task in TASKS if f'_{task}_' in key]
        lines.setdefault(key.replace(f'_{task}_', ' '), {})[task] = value
    head = f'{"":<36}' + ''.join(f'{task:>9}' for task in TASKS)
    rows = [
        f'{name:<36}' + ''.join(f'{line[t]:9.2f}' if t in line else f'{"":9}' for t in TASKS)
        for name, line in lines.items()
    ]
    return '\n'.join([head, *map(str.rstrip, rows)])


def add_classes(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        'classes', help='accuracy over clips and over classes: EGTEA Gaze+, EPIC-KITCHENS-55'
    )
    parser.add_argument('dump', metavar='DUMP.pkl', help='of tools/test.py --dump')
    parser.add_argument('--protocol', required=True, help='name of the scores: egtea, epic55, ...')
    parser.add_argument('--json', metavar='FILE', help='also write the numbers to this file')
    parser.set_defaults(run=run_classes, annotations=None)


def run_classes(args: argparse.Namespace) -> None:
    metrics: dict[str, float] = {}
    for task, (scores, labels) in labelled_scores(args.dump).items():
        report = class_report(scores, labels)
        for name in ('top1', 'top5', 'mean_class_accuracy'):
            metrics[f'{args.protocol}/{task}_{name}'] = report[name]
        print(f'{task}: {len(labels)} clips with a label')
    print(f'protocol {args.protocol}, percent')
    for name, value in metrics.items():
        print(f'{name:<40} {value:.2f}')
    write_report(args, args.protocol, metrics, dump=args.dump)


def labelled_scores(path: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Scores ``(N, C)`` and labels ``(N,)`` by task, of the clips of a dump that have a label."""
    if not Path(path).is_file():
        raise ValueError(f'There is no dump {path}. Correct the path.')
    samples = load_pickle(path)
    if not isinstance(samples, list) or not all(
        isinstance(sample, dict) and {'gt', 'pred', 'narration_id'} <= sample.keys()
        for sample in samples
    ):
        raise ValueError(
            f'{path} is not a dump of classification: a list of samples with narration_id, gt and '
            'pred is wanted. Write it with tools/test.py CONFIG CHECKPOINT --dump FILE.pkl.'
        )
    # A distributed sampler repeats clips to fill its last round; each counts once.
    samples = list({sample['narration_id']: sample for sample in samples}.values())
    columns: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for task in samples[0]['pred'] if samples else ():
        found = [
            (np.asarray(sample['pred'][task], dtype=np.float32), sample['gt'][task])
            for sample in samples
            if task in sample['gt'] and task in sample['pred'] and np.ndim(sample['gt'][task]) == 0
        ]
        if found and all(scores.shape == found[0][0].shape for scores, _ in found):
            scores, labels = zip(*found, strict=True)
            columns[task] = np.stack(scores), np.array(labels)
    if not columns:
        raise ValueError(
            f'{path} has no task with scores and labels. Give the dump of a split with labels.'
        )
    return columns


def add_segments(
    commands: argparse._SubParsersAction, name: str, title: str, annotations: str, run: Any
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=title)
    parser.add_argument('found', nargs='+', metavar='FOUND.json', help='segments of one model each')
    parser.add_argument('--annotations', required=True, metavar=annotations, help='with labels')
    parser.add_argument('--json', metavar='FILE', help='also write the numbers to this file')
    parser.set_defaults(run=run)
    return parser


def add_ego4d(commands: argparse._SubParsersAction, *about: Any) -> None:
    parser = add_segments(commands, *about)
    parser.add_argument('--split', default='val', help='of the annotations, val by default')


def run_mq(args: argparse.Namespace) -> None:
    from egomm.datasets.moments import moment_classes, read_moments

    classes = moment_classes(args.annotations)
    records = read_moments(args.annotations, classes, [args.split]).records
    found = merge_moments([read_moments_found(path) for path in args.found])
    check_known([record['clip_id'] for record in records], list(found), 'clips', args.annotations)
    report_segments(
        args, 'ego4d_mq', moment_report({record['clip_id']: record for record in records}, found)
    )


def run_nlq(args: argparse.Namespace) -> None:
    from egomm.datasets.queries import read_queries, record_key

    splits = None if args.annotations.endswith('.jsonl') else [args.split]
    windows = {
        record_key(row): row['window'] for row in read_queries(args.annotations, splits).records
    }
    answers = merge_answers([read_answers(path) for path in args.found])
    found = {query_key(row): row['predicted_times'] for row in answers}
    check_known(list(windows), list(found), 'queries', args.annotations)
    report_segments(args, 'ego4d_nlq', query_report(windows, found))


def run_c2(args: argparse.Namespace) -> None:
    from egomm.datasets.annotations import read_records

    truth: dict[str, list] = {}
    for row in read_records(args.annotations, CLASSES):
        if 'action' not in row['gt']:
            raise ValueError(
                f'{args.annotations}: {row["narration_id"]} has not both a verb and a noun. Give '
                'the annotations of a split with labels.'
            )
        verb, noun = row['gt']['action']
        instance = dict(
            verb=verb, noun=noun, start_time=row['start_seconds'], end_time=row['stop_seconds']
        )
        truth.setdefault(row['video_id'], []).append(instance)
    merged = merge_moments([read_moments_found(path) for path in args.found])
    check_known(list(truth), list(merged), 'videos', args.annotations)
    found = {}
    for video, rows in merged.items():
        part = read_found(rows)
        found[video] = part._replace(labels=[action_pair(label) for label in part.labels])
    report_segments(args, 'epic100_c2', action_report(truth, found))


def check_known(known: Sequence[Any], found: Sequence[Any], what: str, path: str) -> None:
    """Refuse predictions without truth; truth without predictions counts as missed."""
    refuse_unknown(known, found, what, path)
    print(f'{len(found)} of the {len(known)} {what} of {path} have predictions')


def report_segments(args: argparse.Namespace, protocol: str, metrics: dict[str, float]) -> None:
    print(f'protocol {protocol}, fractions')
    for name, value in metrics.items():
        print(f'{name:<20} {value:.4f}')
    write_report(args, protocol, metrics, found=args.found)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description='Score saved predictions.')
    commands = parser.add_subparsers(required=True, metavar='PROTOCOL')
    add_epic100(commands)
    add_classes(commands)
    add_ego4d(commands, 'mq', 'Ego4D Moment Queries', 'moments_val.json', run_mq)
    add_ego4d(commands, 'nlq', 'Ego4D Natural Language Queries', 'nlq_val.json', run_nlq)
    add_segments(commands, 'c2', *DETECTION, run_c2)
    args = parser.parse_args(arguments)
    args.run(args)


if __name__ == '__main__':
    launch.run(main)
