"""Make and check submissions to challenge servers; one sub-command for each challenge.

python tools/submit.py c1 RESULTS... --timestamps EPIC_100_test_timestamps.csv \\
    --out submission.zip --sls-pt 2 --sls-tl 3 --sls-td 3
python tools/submit.py c1 --check submission.zip --timestamps EPIC_100_test_timestamps.csv
python tools/submit.py c2 FOUND.json... --timestamps EPIC_100_test_timestamps.csv \\
    --out submission.json --sls-pt 2 --sls-tl 3 --sls-td 3
python tools/submit.py ek55 RESULTS... --s1 EPIC_test_s1_timestamps.csv \\
    --s2 EPIC_test_s2_timestamps.csv --out submission.zip
python tools/submit.py mq FOUND.json... --annotations moments_test_unannotated.json \\
    --classes moments_train.json moments_val.json --out submission.json
python tools/submit.py nlq FOUND.json... --annotations nlq_test_unannotated.json \\
    --out submission.json

RESULTS are files that tools/test.py --results or --dump wrote, or that other code saved in the
format of the official scripts; of several the logits are averaged (late fusion). For ek55 a file
may hold the clips of either test set; the files of s1 and s2 of one model are joined.

FOUND are files that tools/test.py --results FOUND.json wrote. Of several, the segments of a clip
are put together and go through soft-NMS, of a query the five most confident windows are taken.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from egomm.apis import launch  # noqa: E402
from egomm.functional.csv_columns import read_columns  # noqa: E402
from egomm.functional.result_file import Results  # noqa: E402
from egomm.functional.segment_files import read_answers, read_moments_found  # noqa: E402
from egomm.functional.segment_merging import merge_answers, merge_moments  # noqa: E402
from egomm.functional.wording import first_names  # noqa: E402
from egomm.submission import ego4d_segments as ego4d  # noqa: E402
from egomm.submission import epic55_recognition as ek55  # noqa: E402
from egomm.submission import epic100_detection as c2  # noqa: E402
from egomm.submission import epic100_recognition as c1  # noqa: E402
from egomm.submission.challenges import (  # noqa: E402
    EGO4D_MOMENTS,
    EGO4D_QUERIES,
    EPIC55_RECOGNITION,
    EPIC100_DETECTION,
    EPIC100_RECOGNITION,
    Challenge,
)
from egomm.submission.fusion import fuse  # noqa: E402
from egomm.submission.result_files import read_results  # noqa: E402
from egomm.submission.supervision import Supervision  # noqa: E402


def add_c1(commands: argparse._SubParsersAction) -> None:
    parser = add_epic100(commands, 'c1', EPIC100_RECOGNITION, 'clips', 'FILE.zip')
    parser.add_argument('results', nargs='*', metavar='RESULTS', help='.pkl or .pt files of scores')
    parser.add_argument(
        '--weights',
        nargs='+',
        type=float,
        metavar='W',
        help='weight of each result file in the mean of the logits; equal by default',
    )
    parser.set_defaults(run=run_c1)


def add_epic100(
    commands: argparse._SubParsersAction, name: str, challenge: Challenge, what: str, target: str
) -> argparse.ArgumentParser:
    """What both challenges of EPIC-KITCHENS-100 take."""
    parser = commands.add_parser(name, help=challenge.name)
    parser.add_argument(
        '--timestamps',
        required=True,
        metavar='EPIC_100_test_timestamps.csv',
        help=f'the official test file, whose {what} a submission has to have',
    )
    add_target(parser, target)
    levels = parser.add_argument_group(
        'levels of supervision, each 0..5 (see github.com/epic-kitchens/sls)'
    )
    levels.add_argument('--sls-pt', type=int, choices=range(6), help='pretraining')
    levels.add_argument('--sls-tl', type=int, choices=range(6), help='training labels')
    levels.add_argument('--sls-td', type=int, choices=range(6), help='training data')
    parser.set_defaults(parser=parser)
    return parser


def add_target(parser: argparse.ArgumentParser, name: str) -> None:
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument('--out', metavar=name, help='submission to write')
    target.add_argument('--check', metavar=name, help='only check this submission')
    parser.add_argument('--force', action='store_true', help='overwrite an existing file')


def check_epic100(
    args: argparse.Namespace, challenge: Challenge, given: Sequence[str], name: str
) -> Supervision | None:
    """The levels of the submission that is to be written; None where one is to be checked."""
    levels = (args.sls_pt, args.sls_tl, args.sls_td)
    if args.check and (given or levels != (None, None, None)):
        args.parser.error('--check takes --timestamps alone')
    if args.out and (not given or None in levels):
        args.parser.error(f'--out wants {name}, --sls-pt, --sls-tl and --sls-td')
    print(challenge.describe())
    return None if args.check else Supervision(*levels)


def run_c1(args: argparse.Namespace) -> None:
    given = [*args.results, *(args.weights or ())]
    supervision = check_epic100(args, EPIC100_RECOGNITION, given, 'RESULTS')
    ids = read_columns(args.timestamps, {'narration_id': str})['narration_id']
    if supervision is None:
        supervision = c1.check_submission(args.check, ids)
        print(f'{args.check} is valid: {len(ids)} clips, {_said(supervision)}')
        return
    results = fuse([read_results(path) for path in args.results], args.weights)
    c1.write_submission(args.out, results, ids, supervision, args.force)
    print(
        f'Wrote {args.out}: {len(ids)} clips from {len(args.results)} result file(s), '
        f'{_said(supervision)}, {Path(args.out).stat().st_size} bytes'
    )


def _said(supervision: Supervision) -> str:
    scores = ' and '.join(f'{count} {task}' for task, count in c1.CLASSES.items())
    return f'{scores} scores each, {supervision.describe()}'


def add_c2(commands: argparse._SubParsersAction) -> None:
    parser = add_epic100(commands, 'c2', EPIC100_DETECTION, 'videos', 'FILE.json')
    parser.add_argument('found', nargs='*', metavar='FOUND.json', help='actions of one model each')
    parser.set_defaults(run=run_c2)


def run_c2(args: argparse.Namespace) -> None:
    supervision = check_epic100(args, EPIC100_DETECTION, args.found, 'FOUND.json')
    table = read_columns(args.timestamps, {'video_id': str})
    videos = list(dict.fromkeys(table['video_id']))
    if supervision is None:
        supervision = c2.check_detections(args.check, videos)
        print(f'{args.check} is valid: {len(videos)} videos, {supervision.describe()}')
        return
    found = merge_moments([read_moments_found(path) for path in args.found])
    c2.write_detections(args.out, found, videos, supervision, args.force)
    count = sum(map(len, found.values()))
    print(
        f'Wrote {args.out}: {len(videos)} videos, {count} actions of {len(args.found)} file(s), '
        f'{supervision.describe()}'
    )


def add_ek55(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser('ek55', help=EPIC55_RECOGNITION.name)
    parser.add_argument('results', nargs='*', metavar='RESULTS', help='.pkl or .pt files of scores')
    for test_set in ek55.MEMBERS:
        parser.add_argument(
            f'--{test_set}',
            required=True,
            metavar=f'EPIC_test_{test_set}_timestamps.csv',
            help='the official test file, whose clips a submission has to have',
        )
    add_target(parser, 'FILE.zip')
    parser.set_defaults(run=run_ek55, parser=parser)


def run_ek55(args: argparse.Namespace) -> None:
    if bool(args.check) == bool(args.results):
        args.parser.error('--out wants RESULTS, --check takes none')
    print(EPIC55_RECOGNITION.describe())
    ids = {name: read_columns(getattr(args, name), {'uid': str})['uid'] for name in ek55.MEMBERS}
    counts = ' and '.join(f'{len(uids)} clips of {name}' for name, uids in ids.items())
    if args.check:
        ek55.check_submission(args.check, ids)
        print(f'{args.check} is valid: {counts}')
        return
    results = by_test_set([read_results(path) for path in args.results])
    ek55.write_submission(args.out, results, ids, args.force)
    print(f'Wrote {args.out}: {counts}, {Path(args.out).stat().st_size} bytes')


def by_test_set(files: Sequence[Results]) -> Results:
    """Average the files of the same clips, and join those of different ones."""
    groups: dict[frozenset[str], list[Results]] = {}
    for results in files:
        groups.setdefault(frozenset(results.narration_ids), []).append(results)
    parts = [fuse(group) for group in groups.values()]
    names = [name for part in parts for name in part.narration_ids]
    doubled = [name for name, count in Counter(names).items() if count > 1]
    shapes = {(part.verb.shape[1], part.noun.shape[1]) for part in parts}
    if doubled or len(shapes) > 1:
        raise ValueError(
            'Files of the same clips are averaged and those of different clips joined; got files '
            f'that share some, such as {first_names(doubled) or "none"}, of (verb, noun) classes '
            f'{sorted(shapes)}. Give the files of whole test sets by models of one data set.'
        )
    return Results(
        names,
        np.concatenate([part.verb for part in parts]),
        np.concatenate([part.noun for part in parts]),
    )


def add_ego4d(
    commands: argparse._SubParsersAction, name: str, challenge: Challenge, annotations: str
) -> argparse.ArgumentParser:
    """What both challenges of Ego4D take."""
    parser = commands.add_parser(name, help=challenge.name)
    parser.add_argument('found', nargs='*', metavar='FOUND.json', help='segments of one model each')
    parser.add_argument(
        '--annotations', required=True, metavar=annotations, help='the file of the test split'
    )
    add_target(parser, 'FILE.json')
    parser.set_defaults(parser=parser)
    return parser


def add_mq(commands: argparse._SubParsersAction) -> None:
    parser = add_ego4d(commands, 'mq', EGO4D_MOMENTS, 'moments_test_unannotated.json')
    parser.add_argument(
        '--classes',
        required=True,
        nargs='+',
        metavar='FILE',
        help='a label map (.txt), or annotation files whose classes are taken',
    )
    parser.set_defaults(run=run_mq)


def run_mq(args: argparse.Namespace) -> None:
    from egomm.datasets.moments import class_names, read_moments

    check_ego4d(args, EGO4D_MOMENTS)
    classes = class_names(args.classes)
    records = read_moments(args.annotations, classes, ['test']).records
    clips = [record['clip_id'] for record in records]
    if args.check:
        ego4d.check_moments(args.check, clips, classes)
        print(f'{args.check} is valid: {len(clips)} clips')
        return
    moments = merge_moments([read_moments_found(path) for path in args.found])
    ego4d.write_moments(args.out, moments, clips, classes, args.force)
    count = sum(map(len, moments.values()))
    print(f'Wrote {args.out}: {len(clips)} clips, {count} moments of {len(args.found)} file(s)')


def add_nlq(commands: argparse._SubParsersAction) -> None:
    parser = add_ego4d(commands, 'nlq', EGO4D_QUERIES, 'nlq_test_unannotated.json')
    parser.set_defaults(run=run_nlq)


def run_nlq(args: argparse.Namespace) -> None:
    from egomm.datasets.queries import read_queries, record_key

    check_ego4d(args, EGO4D_QUERIES)
    records = read_queries(args.annotations).records
    queries = [record_key(record) for record in records]
    if args.check:
        ego4d.check_answers(args.check, queries)
        print(f'{args.check} is valid: {len(queries)} queries')
        return
    answers = merge_answers([read_answers(path) for path in args.found])
    ego4d.write_answers(args.out, answers, queries, args.force)
    print(f'Wrote {args.out}: {len(queries)} queries, answered by {len(args.found)} file(s)')


def check_ego4d(args: argparse.Namespace, challenge: Challenge) -> None:
    if bool(args.check) == bool(args.found):
        args.parser.error('--out wants FOUND.json, --check takes none')
    print(challenge.describe())


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description='Make and check submissions to challenges.')
    commands = parser.add_subparsers(required=True, metavar='CHALLENGE')
    add_c1(commands)
    add_c2(commands)
    add_ek55(commands)
    add_mq(commands)
    add_nlq(commands)
    args = parser.parse_args(arguments)
    args.run(args)


if __name__ == '__main__':
    launch.run(main)
