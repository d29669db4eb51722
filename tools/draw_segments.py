"""Pictures of what a localizer found, beside the truth.

python tools/draw_segments.py mq FOUND.json --annotations moments_val.json --out pictures \\
    [--checkpoint MODEL.pth --classes moments_train.json moments_val.json]
python tools/draw_segments.py nlq FOUND.json --annotations nlq_val.json --out pictures

FOUND is a file that tools/test.py --results FOUND.json wrote. In the folder are then timelines.png
(truth and findings of a few clips), lengths.png (how near the findings come to truth of some
length) and for mq classes.png (average precision of every class); with a checkpoint also
sensitivity.png (the learned weights within an action, for every class).
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from torch.nn.functional import softplus

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from egomm.apis import launch  # noqa: E402
from egomm.compat import load_checkpoint  # noqa: E402
from egomm.datasets.moments import class_names, moment_classes, read_moments  # noqa: E402
from egomm.datasets.queries import read_queries, record_key  # noqa: E402
from egomm.functional.detection import mean_average_precision  # noqa: E402
from egomm.functional.segment_errors import by_length, nearest_answers, nearest_moments  # noqa: E402
from egomm.functional.segment_files import (  # noqa: E402
    best_first,
    query_key,
    read_answers,
    read_moments_found,
    refuse_unknown,
)
from egomm.visualization.segments import (  # noqa: E402
    Row,
    Timeline,
    class_bars,
    sensitivity_curves,
    stacked_shares,
    timelines,
)

ROWS = 8  # classes, or queries, of a clip in the timelines
LENGTHS = 'length of the true segment, and how many there are; right: IoU > 0.5, ends wrong: > 0.1'


def draw_mq(args: argparse.Namespace) -> dict[str, Figure]:
    names = moment_classes(args.annotations)
    records = read_moments(args.annotations, names, [args.split]).records
    found = {clip: best_first(rows) for clip, rows in read_moments_found(args.found).items()}
    truth = {record['clip_id']: record for record in records}
    refuse_unknown(truth, found, 'clips', args.annotations)
    areas = mean_average_precision(truth, found)
    figures = {
        'timelines': timelines(
            [moment_timeline(row, found.get(row['clip_id'], [])) for row in records[: args.clips]]
        ),
        'classes': class_bars(
            {label: float(area.mean()) for label, area in areas['per_class'].items()},
            'average precision, mean over IoU 0.1 to 0.5',
            f'average mAP {100 * areas["average"]:.2f} % over {len(areas["per_class"])} classes',
        ),
        'lengths': stacked_shares(by_length(*nearest_moments(truth, found)), LENGTHS),
    }
    if args.checkpoint:
        classes = class_names(args.classes or [args.annotations])
        figures['sensitivity'] = draw_sensitivity(args.checkpoint, classes)
    return figures


def moment_timeline(record: dict, found: Sequence[dict]) -> Timeline:
    """The classes with the first true moments of a clip; as many findings of each as are true."""
    truth: dict[str, list] = {}
    for row in sorted(record['annotations'], key=lambda row: row['start_time']):
        truth.setdefault(row['label'], []).append((row['start_time'], row['end_time']))
    rows = {}
    for label, segments in list(truth.items())[:ROWS]:
        own = [row for row in found if row['label'] == label][: len(segments)]
        rows[label] = Row(segments, [(*row['segment'], row['score']) for row in own])
    more = f', {len(truth) - ROWS} more classes' if len(truth) > ROWS else ''
    return Timeline(f'clip {record["clip_id"]}{more}', record['duration'], rows)


def draw_sensitivity(checkpoint: str, names: Sequence[str]) -> Figure:
    content = load_checkpoint(checkpoint)
    state = content.get('state_dict', content)
    parts = [
        [value.float() for name, value in state.items() if name.endswith(f'sensitivity.{part}')]
        for part in ('centres', 'raw_widths')
    ]
    if [len(values) for values in parts] != [1, 1]:
        raise ValueError(
            f'{checkpoint} is to hold the Gaussians of one model; got {len(parts[0])}. Give a '
            'checkpoint of one model with `loss=dict(sensitivity=...)`.'
        )
    [centres], [raw] = parts
    return sensitivity_curves(centres.numpy(), softplus(raw).numpy(), names)


def draw_nlq(args: argparse.Namespace) -> dict[str, Figure]:
    splits = None if args.annotations.endswith('.jsonl') else [args.split]
    records = read_queries(args.annotations, splits).records
    if any(record['window'] is None for record in records):
        raise ValueError(
            f'{args.annotations} has queries without a window to draw. Give the annotations of a '
            'split with labels.'
        )
    answers = {query_key(row): row for row in read_answers(args.found)}
    windows = {record_key(record): record['window'] for record in records}
    refuse_unknown(windows, answers, 'queries', args.annotations)
    by_clip: dict[str, list[dict]] = {}
    for record in records:
        by_clip.setdefault(record['clip_id'], []).append(record)
    clips = [query_timeline(rows, answers) for rows in list(by_clip.values())[: args.clips]]
    times = {key: row['predicted_times'] for key, row in answers.items()}
    return {
        'timelines': timelines(clips),
        'lengths': stacked_shares(by_length(*nearest_answers(windows, times)), LENGTHS),
    }


def query_timeline(records: Sequence[dict], answers: dict) -> Timeline:
    """The first queries of a clip with their answers, the first of which is the darkest."""
    rows = {}
    for record in records[:ROWS]:
        found = answers.get(record_key(record), dict(predicted_times=[]))['predicted_times']
        scored = [(*window, 1 / (place + 1)) for place, window in enumerate(found)]
        rows[f'{len(rows) + 1}. {record["query"]}'] = Row([tuple(record['window'])], scored)
    more = f', {len(records) - ROWS} more queries' if len(records) > ROWS else ''
    return Timeline(f'clip {records[0]["clip_id"]}{more}', records[0]['duration'], rows)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description='Pictures of what a localizer found.')
    commands = parser.add_subparsers(required=True, metavar='TRACK')
    for name, draw in (('mq', draw_mq), ('nlq', draw_nlq)):
        command = commands.add_parser(name)
        command.add_argument('found', metavar='FOUND.json')
        command.add_argument('--annotations', required=True, metavar='FILE', help='with labels')
        command.add_argument('--out', required=True, metavar='FOLDER')
        command.add_argument('--split', default='val', help='of the annotations, val by default')
        command.add_argument('--clips', type=int, default=4, help='in the timelines')
        command.set_defaults(draw=draw)
        if name == 'mq':
            command.add_argument('--checkpoint', metavar='FILE', help='draw its sensitivity')
            command.add_argument(
                '--classes',
                nargs='+',
                metavar='FILE',
                help='as the model had them: a label map or annotation files; those of '
                '--annotations by default',
            )
    args = parser.parse_args(arguments)
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    for name, figure in args.draw(args).items():
        figure.savefig(out / f'{name}.png')
        print(f'Wrote {out / name}.png')


if __name__ == '__main__':
    launch.run(main)
