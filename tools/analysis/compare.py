"""Compare two models on the same clips: is B better than A, and at what?

    python tools/analysis/compare.py A.pkl B.pkl --annotations EPIC_100_validation.csv
    python tools/analysis/compare.py A.json B.json --annotations moments_val.json
    python tools/analysis/compare.py A.json B.json --annotations nlq_val.json

A.pkl and B.pkl are what tools/test.py --results or --dump wrote: scores of verbs and nouns. A.json
and B.json are what it wrote with --results FOUND.json: moments of clips, or answers to queries.

Differences are B - A with a 95 % interval from drawing whole videos anew, and for actions also
whole participants; an interval that holds 0 is no evidence for either. Then, for actions, how many
clips went from which kind of mistake to which, and the classes that gained and lost; for moments
the kinds of false positives and the classes; for queries the templates and the lengths of answers.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[2]))

from egomm.apis import launch  # noqa: E402
from egomm.functional.comparison import (  # noqa: E402
    Difference,
    class_changes,
    error_table,
    moment_kinds,
    paired_bootstrap,
)
from egomm.functional.csv_columns import OFFICIAL_LABELS, read_columns  # noqa: E402
from egomm.functional.segment_files import (  # noqa: E402
    read_answers,
    read_moments_found,
    refuse_unknown,
)

Table = list[tuple[Any, ...]]
NO_TEMPLATE = '(none)'


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('a', metavar='A', help='the model to compare with')
    parser.add_argument('b', metavar='B', help='the model in question')
    parser.add_argument('--annotations', required=True, help='labels of the split')
    parser.add_argument('--split', default='val', help='of the JSON annotations, val by default')
    parser.add_argument(
        '--resamples', type=launch.positive_number, default=2000, help='draws of the bootstrap'
    )
    parser.add_argument('--classes', type=int, default=8, help='how many gains and losses to show')
    parser.add_argument('--least', type=int, default=5, help='rows that a class needs to be shown')
    parser.add_argument('--json', metavar='FILE', help='also write all numbers to this file')
    return parser.parse_args(arguments)


def compare_actions(args: argparse.Namespace) -> dict[str, Any]:
    """Verbs, nouns and actions of two files of scores."""
    from egomm.submission.result_files import read_results

    kinds = {'narration_id': str, 'participant_id': str, 'video_id': str}
    kinds |= dict.fromkeys(OFFICIAL_LABELS.values(), int)
    table = read_columns(args.annotations, kinds)
    both = [read_results(path) for path in (args.a, args.b)]
    ids = [set(results.narration_ids) for results in both]
    check_same(ids[0], ids[1], 'clips', args)
    row_of = {name: row for row, name in enumerate(table['narration_id'])}
    names = sorted(ids[0])
    unknown = [name for name in names if name not in row_of]
    if unknown:
        raise ValueError(
            f'{args.annotations} has no label for {len(unknown)} clips, such as {unknown[0]}. Give '
            'the annotations of the split that was scored.'
        )
    rows = [row_of[name] for name in names]
    right: list[dict[str, np.ndarray]] = []
    for results in both:
        place = {name: i for i, name in enumerate(results.narration_ids)}
        order = [place[name] for name in names]
        found = {
            task: getattr(results, task)[order].argmax(axis=1) == np.array(table[column])[rows]
            for task, column in OFFICIAL_LABELS.items()
        }
        right.append({**found, 'action': found['verb'] & found['noun']})
    report: dict[str, Any] = {'clips': len(names), 'top-1 in percent': {}}
    for task in ('verb', 'noun', 'action'):
        values = [100 * part[task] for part in right]
        report['top-1 in percent'][task] = differences(
            values,
            {
                'videos': [table['video_id'][row] for row in rows],
                'participants': [table['participant_id'][row] for row in rows],
            },
            args,
        )
    counts, kinds_of_error = error_table(*right)
    report['clips by mistake, A down, B across'] = {
        kind: dict(zip(kinds_of_error, map(int, line)))
        for kind, line in zip(kinds_of_error, counts)
    }
    for task, column in OFFICIAL_LABELS.items():
        changes = class_changes(
            np.array(table[column])[rows], right[0][task], right[1][task], args.least
        )
        report[f'{task} classes: rows, A, B (shares right)'] = gains(changes, args.classes)
    return report


def compare_moments(args: argparse.Namespace) -> dict[str, Any]:
    """Moments of two files."""
    from egomm.datasets.moments import moment_classes, read_moments
    from egomm.functional.detection_draws import paired_average_precision
    from egomm.functional.segment_errors import nearest_moments

    classes = moment_classes(args.annotations)
    records = {
        r['clip_id']: r for r in read_moments(args.annotations, classes, [args.split]).records
    }
    found = [read_moments_found(path) for path in (args.a, args.b)]
    for moments in found:
        refuse_unknown(records, moments, 'clips', args.annotations)
    labels = [
        label
        for record in records.values()
        for label in dict.fromkeys(row['label'] for row in record['annotations'])
        for row in record['annotations']
        if row['label'] == label
    ]
    videos = [record['video_id'] for record in records.values() for _ in record['annotations']]
    hits = [nearest_moments(records, moments)[1] > 0.5 for moments in found]
    report: dict[str, Any] = {'instances': len(videos)}
    report['found by the first moments of its class (IoU over 0.5), percent'] = {
        'all': differences([100 * h for h in hits], {'videos': videos}, args)
    }
    video_of = {clip: record['video_id'] for clip, record in records.items()}
    a, b, change = paired_average_precision(records, *found, video_of, args.resamples)
    report['average mAP in percent'] = {
        'all': {
            'A': 100 * a,
            'B': 100 * b,
            'difference': 100 * change.mean,
            **interval(change, 'videos', 100),
        }
    }
    report['first moments of a clip, by kind'] = {
        name: moment_kinds(records, moments) for name, moments in zip('AB', found)
    }
    numbers = {label: number for number, label in enumerate(sorted(set(labels)))}
    changes = class_changes([numbers[label] for label in labels], *hits, args.least)
    words = {number: label for label, number in numbers.items()}
    report['classes: instances, A, B (shares found)'] = gains(changes, args.classes, words)
    return report


def compare_queries(args: argparse.Namespace) -> dict[str, Any]:
    """Answers of two files."""
    from egomm.datasets.queries import read_queries, record_key
    from egomm.functional.segment_errors import BUCKETS, nearest_answers
    from egomm.functional.segment_files import query_key

    records = {record_key(r): r for r in read_queries(args.annotations, [args.split]).records}
    windows = {key: record['window'] for key, record in records.items()}
    template = templates(args.annotations)
    videos = [record['video_id'] for record in records.values()]
    best = []
    for path in (args.a, args.b):
        answers = {query_key(row): row['predicted_times'] for row in read_answers(path)}
        refuse_unknown(windows, answers, 'queries', args.annotations)
        lengths, iou = nearest_answers(windows, answers)
        best.append(iou)
    report: dict[str, Any] = {'queries': len(videos), 'R@1 in percent': {}}
    for least in (0.3, 0.5):
        hits = [100 * (iou > least) for iou in best]
        report['R@1 in percent'][f'IoU {least}'] = differences(hits, {'videos': videos}, args)
    kinds = np.array([template.get(key, NO_TEMPLATE) for key in records])
    groups = {kind: kinds == kind for kind in sorted(set(kinds))}
    lines = {kind: shares(best, rows) for kind, rows in groups.items() if rows.sum() >= args.least}
    report['templates: queries, A, B (percent R@1, IoU 0.3)'] = lines
    lines = {}
    for low, high in BUCKETS:
        rows = (lengths >= low) & (lengths < high)
        if rows.any():
            name = f'{low}-{high} s' if np.isfinite(high) else f'over {low} s'
            lines[name] = shares(best, rows)
    report['length of the answer: queries, A, B (percent R@1, IoU 0.3)'] = lines
    return report


def templates(path: str) -> dict[tuple[str, str, int], str]:
    """Template of each query of an official file; other layouts have none."""
    content = json.loads(Path(path).read_text(encoding='utf-8'))
    return {
        (clip['clip_uid'], annotation['annotation_uid'], index): query['template']
        for video in content.get('videos', ())
        for clip in video['clips']
        for annotation in clip['annotations']
        for index, query in enumerate(annotation['language_queries'])
        if query.get('template')
    }


def shares(best: Sequence[np.ndarray], rows: np.ndarray) -> dict[str, float]:
    """Queries, and what both models get right of them."""
    a, b = (100 * float((iou[rows] > 0.3).mean()) for iou in best)
    return dict(count=int(rows.sum()), A=a, B=b, difference=b - a)


def differences(
    values: Sequence[np.ndarray], groups: Mapping[str, Sequence[str]], args: argparse.Namespace
) -> dict[str, Any]:
    """Both means, their difference, and its interval over each kind of group."""
    a, b = values
    line: dict[str, Any] = dict(A=float(a.mean()), B=float(b.mean()))
    for name, of_row in groups.items():
        found: Difference = paired_bootstrap(a, b, of_row, args.resamples)
        line['difference'] = found.mean
        line |= interval(found, name)
    return line


def interval(found: Difference, name: str, scale: float = 1) -> dict[str, list[float] | None]:
    """Ends of an interval; None for a single group, which drawn anew is always the same."""
    if found.groups == 1:
        return {f'over 1 {name[:-1]}': None}
    return {f'over {found.groups} {name}': [scale * found.low, scale * found.high]}


def gains(
    changes: Sequence[tuple[int, int, float, float]], count: int, words: Mapping | None = None
) -> dict[str, dict[str, float]]:
    """The classes that gained most and lost most."""
    ends = [*changes[:count], *changes[max(count, len(changes) - count) :]]
    return {
        str(words[label] if words else label): dict(count=rows, A=a, B=b, difference=b - a)
        for label, rows, a, b in ends
        if a != b
    }


def check_same(a: set, b: set, what: str, args: argparse.Namespace) -> None:
    """Refuse two files of different clips, whose difference would mean nothing."""
    if a != b:
        raise ValueError(
            f'{args.a} and {args.b} have {len(a & b)} {what} in common, {len(a - b)} are in the '
            f'first alone and {len(b - a)} in the second alone. Test both on the same split.'
        )


def as_text(report: Mapping[str, Any]) -> str:
    """The report as tables."""
    lines = []
    for title, content in report.items():
        if not isinstance(content, Mapping):
            lines.append(f'{content} {title}')
            continue
        lines += ['', title]
        for name, row in content.items():
            cells = [f'{key} {_cell(value)}' for key, value in row.items()]
            lines.append(f'  {name:<22} ' + '  '.join(cells))
    return '\n'.join(lines)


def _cell(value: Any) -> str:
    if value is None:
        return 'no interval'
    if isinstance(value, list):
        return f'[{value[0]:+.2f}, {value[1]:+.2f}]'
    return f'{value:.2f}' if isinstance(value, float) else str(value)


def main(arguments: Sequence[str] | None = None) -> None:
    args = parse_arguments(arguments)
    if not args.a.endswith('.json'):
        report = compare_actions(args)
    else:
        content = json.loads(Path(args.a).read_text(encoding='utf-8')).get('results')
        report = (compare_queries if isinstance(content, list) else compare_moments)(args)
    print(as_text(report))
    if args.json:
        Path(args.json).parent.mkdir(parents=True, exist_ok=True)
        Path(args.json).write_text(json.dumps(report, indent=2) + '\n', encoding='utf-8')


if __name__ == '__main__':
    launch.run(main)
