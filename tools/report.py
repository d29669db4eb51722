"""Write one HTML page about a video and the sets that its models were evaluated on.

    python tools/report.py VIDEO --out report.html --recognizer CONFIG CHECKPOINT \\
        --clips predictions.pkl --moments CONFIG CHECKPOINT moments.json \\
        --queries CONFIG CHECKPOINT answers.json

predictions.pkl is what tools/test.py --dump wrote with the recognizer, the .json files what it
wrote with --results. The page shows what the recognizer sees in the video, its moments and
questions with the truth, and the scores, tables and matrices of the evaluated sets; --metrics adds
the scores to a file, under `report`. VIDEO may be a folder: then it is the first video of the
evaluated sets that lies in it.
"""

import argparse
import json
import sys
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from egomm.apis import launch  # noqa: E402

COUNT = launch.positive_number
MOST_MOMENTS, ANSWERS = 2, 3  # findings shown: times the true moments; of a question


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('video', type=Path, help='a file, or a folder of the evaluated videos')
    parser.add_argument('--out', required=True, type=Path, metavar='FILE.html')
    parser.add_argument('--metrics', type=Path, metavar='FILE.json', help='add the scores to it')
    pair, triple = ('CONFIG', 'CHECKPOINT'), ('CONFIG', 'CHECKPOINT', 'FOUND.json')
    parser.add_argument('--recognizer', nargs=2, metavar=pair, help='looks at every window')
    parser.add_argument('--window', type=COUNT, default=32, metavar='FRAMES')
    parser.add_argument('--stride', type=COUNT, metavar='FRAMES', help='half a window by default')
    parser.add_argument('--fps', type=float, default=30.0, help='of the windows, default 30')
    parser.add_argument('--clips', metavar='DUMP.pkl', help='evaluated clips of the recognizer')
    parser.add_argument('--moments', nargs=3, metavar=triple)
    parser.add_argument('--queries', nargs=3, metavar=triple)
    args = parser.parse_args(arguments)
    if not (args.recognizer or args.moments or args.queries):
        parser.error('a page wants --recognizer, --moments or --queries')
    if args.clips and not args.recognizer:
        parser.error('--clips wants the --recognizer that they are of')
    return args


def main(arguments: Sequence[str] | None = None) -> None:
    args = parse_arguments(arguments)
    from egomm.apis.evaluated import Evaluated, evaluated_clips
    from egomm.apis.report import run_card, write_report

    args.out.parent.mkdir(parents=True, exist_ok=True)
    known = read_metrics(args.metrics) if args.metrics else {}
    moments = MomentSet(*args.moments) if args.moments else None
    queries = QuerySet(*args.queries) if args.queries else None
    sets = [part for part in (moments, queries) if part]
    video = find_video(args.video, sets)
    results, evaluated, card = [], [], {}
    if args.recognizer:
        from egomm.apis import Recognizer
        from egomm.apis.answers import check_heads, labelled, read_dump

        recognizer = Recognizer(*args.recognizer)
        stride = args.stride or max(args.window // 2, 1)
        results.append(recognizer.over_time(video, args.window, stride, args.fps))
        card |= run_card(*args.recognizer, prefix='recognizer ' if sets else '')
        if args.clips:
            check_heads(recognizer.clips.model.heads)
            evaluated.append(evaluated_clips(labelled(read_dump(args.clips)), recognizer.names))
    for name, part in (('moments', moments), ('questions', queries)):
        if part:
            results += part.results(video)
            evaluated.append(part.evaluated())
            card |= run_card(*part.model, prefix=f'{name} ')
    whole = Evaluated(
        {name: value for part in evaluated for name, value in part.metrics.items()},
        tuple(table for part in evaluated for table in part.tables),
        tuple(matrix for part in evaluated for matrix in part.matrices),
    )
    write_report(
        args.out,
        video,
        results,
        truth=moments.truth(video) if moments else (),
        query_truth=queries.truth(video) if queries else None,
        metrics=whole.metrics,
        card=card,
        matrices=whole.matrices,
        tables=whole.tables,
    )
    for name, value in whole.metrics.items():
        print(f'{name:<66} {value if isinstance(value, (int, str)) else round(value, 1)}')
    if args.metrics:
        text = json.dumps({**known, 'report': whole.metrics}, indent=2)
        args.metrics.write_text(text + '\n', encoding='utf-8')
    print(f'{args.out} shows {video}')


def read_metrics(path: Path) -> dict[str, Any]:
    """What a file of scores holds so far."""
    if not path.is_file():
        return {}
    try:
        return dict(json.loads(path.read_text('utf-8')))
    except (ValueError, TypeError) as error:
        raise ValueError(
            f'{path}: a JSON object is expected, but {error}. Name another file for the scores.'
        ) from error


class EvaluatedSet:
    """Annotations of the test part of a config, and what was found in it.

    Args:
        config: Of a localizer.
        checkpoint: Its weights.
        found: What tools/test.py --results wrote.

    Attributes:
        reads: What the data set of such a model has.
    """

    reads: str

    def __init__(self, config: str, checkpoint: str, found: str) -> None:
        from mmengine.config import Config

        from egomm.apis.recognizer import toy_notes

        self.config = Config.fromfile(config)
        self.model = (self.config, checkpoint)
        self.dataset = (self.config.get('test_dataloader') or {}).get('dataset') or {}
        if self.reads not in self.dataset:
            raise ValueError(
                f'{config} has no test data with {self.reads!r}. Give the config of the model that '
                f'{found} is of.'
            )
        self.notes = toy_notes(self.config)
        self.found = found

    def annotations(self, part: str = 'test') -> list[Path]:
        """Files of a part."""
        from egomm.datasets.localization import paths_of

        dataset = self.config[f'{part}_dataloader'].dataset
        return [Path(path) for path in paths_of(dataset.ann_file, dataset.get('data_root', ''))]

    def videos(self) -> list[str]:
        """Names of the videos, in the order of the annotations."""
        return list(dict.fromkeys(record['video_id'] for record in self.records))

    def check_found(self, known: Iterable[Hashable], found: Iterable[Hashable]) -> None:
        """Refuse a file that has nothing of what was evaluated."""
        if not {*known} & {*found}:
            raise ValueError(
                f'{self.found} has nothing of the {len(self.videos())} videos of '
                f'{self.config.filename}, such as {self.videos()[:3]}. Give what tools/test.py '
                '--results wrote with this config.'
            )

    def of_video(self, video: Path) -> list[dict]:
        """Records of a video."""
        own = [record for record in self.records if record['video_id'] == video.stem]
        if not own:
            raise ValueError(
                f'{video.stem} is not among the {len(self.videos())} videos of '
                f'{self.config.filename}, such as {self.videos()[:3]}. Name one of them.'
            )
        return own

    def result(self, video: Path, **found: Any) -> dict[str, Any]:
        """In the form of `Localizer`."""
        return dict(source=str(video), notes=self.notes, **found)


class MomentSet(EvaluatedSet):
    """Moments; see `EvaluatedSet`."""

    reads = 'classes'

    def __init__(self, *model: str) -> None:
        from egomm.datasets.moments import class_names, read_moments
        from egomm.functional.segment_files import best_first, read_moments_found

        super().__init__(*model)
        root, classes = Path(self.dataset.get('data_root', '')), self.dataset.classes
        files = [classes] if isinstance(classes, str) else classes
        self.names = class_names([root / file for file in files])
        self.records = [
            record
            for path in self.annotations()
            for record in read_moments(path, self.names).records
            if record['annotations'] is not None
        ]
        found = read_moments_found(self.found)
        self.rows = {clip: best_first(rows) for clip, rows in found.items()}
        self.check_found((record['clip_id'] for record in self.records), self.rows)

    def truth(self, video: Path) -> list[dict[str, Any]]:
        """True moments of a video, in its seconds."""
        return [
            dict(
                start=record['video_start_seconds'] + row['start_time'],
                stop=record['video_start_seconds'] + row['end_time'],
                name=row['label'],
            )
            for record in self.of_video(video)
            for row in record['annotations']
        ]

    def results(self, video: Path) -> list[dict[str, Any]]:
        """The best moments that were found."""
        moments = [
            dict(
                start=record['video_start_seconds'] + row['segment'][0],
                stop=record['video_start_seconds'] + row['segment'][1],
                name=row['label'],
                score=row['score'],
            )
            for record in self.of_video(video)
            for row in self.rows.get(record['clip_id'], [])
        ]
        most = MOST_MOMENTS * len(self.truth(video))
        best = sorted(moments, key=lambda row: -row['score'])[:most]
        return [self.result(video, moments=best)]

    def evaluated(self) -> Any:
        """Scores and tables."""
        from egomm.apis.evaluated import evaluated_moments

        return evaluated_moments(self.records, self.rows)


class QuerySet(EvaluatedSet):
    """Questions; see `EvaluatedSet`."""

    reads = 'words'

    def __init__(self, *model: str) -> None:
        from egomm.datasets.queries import read_queries, record_key
        from egomm.functional.segment_files import query_key, read_answers

        super().__init__(*model)
        self.records, self.train = (
            [
                record
                for path in self.annotations(part)
                for record in read_queries(path).records
                if record['window'] is not None
            ]
            for part in ('test', 'train')
        )
        self.answers = {query_key(row): row for row in read_answers(self.found)}
        self.check_found(map(record_key, self.records), self.answers)

    def truth(self, video: Path) -> Mapping[str, list[dict[str, Any]]]:
        """By question its true window, in seconds of the video."""
        return {
            record['query']: [_window(record, record['window'])] for record in self.of_video(video)
        }

    def results(self, video: Path) -> list[dict[str, Any]]:
        """The best answers to each question."""
        from egomm.datasets.queries import record_key

        results = []
        for record in self.of_video(video):
            row = self.answers.get(record_key(record), dict(predicted_times=[]))
            scores = row.get('scores') or [0.0] * len(row['predicted_times'])
            answers = [
                dict(_window(record, window), score=score)
                for window, score in zip(row['predicted_times'], scores)
            ]
            results.append(self.result(video, query=record['query'], answers=answers[:ANSWERS]))
        return results

    def evaluated(self) -> Any:
        """Scores, tables, and whether a fixed window does as well."""
        from egomm.apis.evaluated import evaluated_queries

        times = {key: row['predicted_times'] for key, row in self.answers.items()}
        return evaluated_queries(self.records, times, self.train)


def _window(record: dict, window: Sequence[float]) -> dict[str, float]:
    offset = record['video_start_seconds'] or 0.0
    return dict(start=offset + window[0], stop=offset + window[1])


def find_video(place: Path, sets: Sequence[EvaluatedSet]) -> Path:
    """The video itself, or the first of the evaluated sets in a folder."""
    if not place.is_dir() or not sets:
        return place
    by_name = {path.stem: path for path in sorted(place.iterdir()) if path.suffix}
    for name in sets[0].videos():
        if name in by_name:
            return by_name[name]
    raise ValueError(
        f'{place} has none of the {len(sets[0].videos())} evaluated videos, such as '
        f'{sets[0].videos()[:3]}. Name the folder that holds them.'
    )


if __name__ == '__main__':
    launch.run(main)
