"""Look at one's own videos with trained models.

Recognise a clip, or with --window every stretch of a long video:

    python tools/infer.py configs/toy/mimo_query.py work_dirs/quickstart/epoch_7.pth clip.mp4
    python tools/infer.py CONFIG CHECKPOINT day.mp4 --window 32 --stride 16 --fps 30

Find moments, or answer questions; the features come from a recognizer or from a folder that
tools/extract_features.py wrote:

    python tools/infer.py MOMENTS.py MOMENTS.pth day.mp4 --encoder ego=CONFIG,CHECKPOINT
    python tools/infer.py QUERIES.py QUERIES.pth day.mp4 --features ego=data/features \\
        --ask 'Where did I put the cup?' --ask 'When did I open the door?'

With --live windows are answered as their frames come, without any look ahead, and the time that
takes is told.

A video is a file or a folder of frames (--frame-rate). --out writes a file a video and --format:
json (all), csv or parquet (a row an answer), srt (subtitles for any player), html (a page with the
video, a timeline and the answers, for any browser).
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from egomm.apis import exports, launch  # noqa: E402

KINDS = (*exports.FORMATS, 'html')
COUNT = launch.positive_number
FPS = 30.0  # of windows


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config of a recognizer, or of a model of moments, queries')
    parser.add_argument('checkpoint', help='its weights')
    parser.add_argument('videos', nargs='+', metavar='VIDEO', help='a file or a folder of frames')
    parser.add_argument('--out', metavar='DIR', help='folder for the files of --format')
    parser.add_argument(
        '--format',
        type=lambda text: text.split(','),
        metavar='KINDS',
        help=f'some of {",".join(KINDS)}; default json',
    )
    parser.add_argument('--top', type=COUNT, default=5, help='answers to give, default 5')
    parser.add_argument('--frame-rate', type=float, metavar='FPS', help='of a folder of frames')
    clips = parser.add_argument_group('of a recognizer')
    clips.add_argument('--start', type=float, metavar='SECONDS')
    clips.add_argument('--stop', type=float, metavar='SECONDS')
    clips.add_argument('--window', type=COUNT, metavar='FRAMES', help='recognise every window')
    clips.add_argument('--stride', type=COUNT, metavar='FRAMES', help='half a window by default')
    clips.add_argument('--fps', type=float, help='of the windows, default 30')
    clips.add_argument(
        '--flow',
        metavar='ALGORITHM',
        help='compute flow: dis, farneback or tvl1; else masked',
    )
    clips.add_argument('--live', action='store_true', help='with --window: as the frames come')
    clips.add_argument(
        *('--smoothing',),
        **dict(type=float, metavar='SHARE'),
        help='with --live: share of the scores before, default 0',
    )
    clips.add_argument(
        *('--unknown',),
        **dict(type=float, metavar='SCORE'),
        help='with --live: a class that scores less is called unknown, default 0',
    )
    times = parser.add_argument_group('of a model of moments or queries')
    times.add_argument('--ask', action='append', default=[], metavar='QUESTION')
    times.add_argument('--encoder', action='append', default=[], metavar='SOURCE=CONFIG,CHECKPOINT')
    times.add_argument(
        '--text-model', metavar='DIR', help='of a CLIP model, where words are read as its vectors'
    )
    times.add_argument('--features', action='append', default=[], metavar='SOURCE=DIR')
    args = parser.parse_args(arguments)
    _refuse(parser, args)
    args.features = _pairs(parser, '--features', args.features)
    args.encoder = {
        name: tuple(value.split(','))
        for name, value in _pairs(parser, '--encoder', args.encoder).items()
    }
    if any(len(pair) != 2 for pair in args.encoder.values()):
        parser.error('--encoder wants SOURCE=CONFIG,CHECKPOINT')
    return args


def _refuse(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """End, if an option would do nothing or one file would be written over another."""
    args.format = list(dict.fromkeys(args.format or ()))
    wrong = [kind for kind in args.format if kind not in KINDS]
    if wrong:
        parser.error(f'--format wants some of {",".join(KINDS)}; got {wrong[0]!r}')
    localizer = bool(args.encoder or args.features)
    for names, wanted, there in (
        (('ask', 'text_model'), '--encoder or --features', localizer),
        (('start', 'stop', 'window', 'flow'), 'no --encoder and no --features', not localizer),
        (('start', 'stop'), 'no --window', not args.window),
        (('stride', 'fps', 'live'), '--window FRAMES', args.window),
        (('smoothing', 'unknown'), '--live', args.live),
        (('format',), '--out DIR', args.out),
    ):
        given = [name for name in names if getattr(args, name) not in (None, [])]
        given = [name for name in given if getattr(args, name) is not False]  # 0 is given
        if given and not there:
            parser.error(f'--{given[0].replace("_", "-")} wants {wanted}')
    names = [Path(video).name for video in args.videos]
    doubled = [name for name in names if names.count(name) > 1]
    if args.out and doubled:
        parser.error(f'--out has one file for each name; {doubled[0]} is given more than once')
    args.format = args.format or ['json']


def main(arguments: Sequence[str] | None = None) -> None:
    args = parse_arguments(arguments)
    if args.out:
        try:
            Path(args.out).mkdir(parents=True, exist_ok=True)
            (Path(args.out) / '.egomm').touch()
            (Path(args.out) / '.egomm').unlink()
        except OSError as error:
            raise ValueError(
                f'{args.out}: nothing can be written there ({error.strerror}). Name another '
                'folder with --out.'
            ) from error
    for kind in args.format if args.out else ():
        if kind != 'html':
            exports.check_kind(kind)
    look = _recognizer(args) if not (args.encoder or args.features) else _localizer(args)

    from egomm.apis.report import run_card, write_report
    from egomm.datasets.media import MediaError

    failed = 0
    for video in args.videos:
        try:
            results = look(video)
        except MediaError as error:
            failed += 1
            print(f'error: {error}', file=sys.stderr)
            continue
        for line in _lines(results):
            print(line)
        for kind in args.format if args.out else ():
            path = Path(args.out, f'{Path(video).name}.{kind}')
            if kind == 'html':
                card = run_card(args.config, args.checkpoint)
                write_report(path, video, results, card=card, fps=args.frame_rate)
            else:
                exports.write_whole(path, exports.export(results, kind))
            print(f'  {path}')
    if failed:
        raise ValueError(f'{failed} of {len(args.videos)} videos were left out, see above.')


def _recognizer(args: argparse.Namespace) -> Any:
    from egomm.apis import Recognizer

    flow = None
    if args.flow:
        from egomm.datasets.flow import FlowSettings

        flow = FlowSettings(args.flow)
    recognizer = Recognizer(_config(args), args.checkpoint, flow=flow)

    def look(video: str) -> list[dict]:
        if args.window:
            stride = args.stride or max(args.window // 2, 1)
            fps = FPS if args.fps is None else args.fps
            if args.live:
                return [_live(recognizer, video, stride, fps, args)]
            rest = dict(top=args.top, source_fps=args.frame_rate)
            return [recognizer.over_time(video, args.window, stride, fps, **rest)]
        return [recognizer(video, args.start or 0.0, args.stop, args.top, args.frame_rate)]

    return look


def _live(
    recognizer: Any, video: str, stride: int, fps: float, args: argparse.Namespace
) -> dict[str, Any]:
    from egomm.datasets.footage import open_footage

    footage = open_footage(video, args.frame_rate)
    settings = dict(window=args.window, stride=stride, top=args.top, sound=footage.sound())
    more = dict(smoothing=args.smoothing or 0.0, unknown=args.unknown or 0.0)
    stream = recognizer.stream(footage.frames(fps), fps, **settings, **more)
    windows = list(stream)
    low, high = (1000 * seconds for seconds in stream.latency().values())
    told = f'answers came {low:.0f} ms (p50) and {high:.0f} ms (p95) after the last frame'
    return dict(
        **dict(source=str(video), duration=footage.duration, size=footage.size, windows=windows),
        notes=[*stream.notes(), *footage.notes, told],
    )


def _localizer(args: argparse.Namespace) -> Any:
    from egomm.apis import Localizer

    localizer = Localizer(
        _config(args), args.checkpoint, args.encoder, args.features, args.text_model
    )
    if localizer.asks and not args.ask:
        raise ValueError(f"{args.config} answers questions: --ask 'Where did I put the cup?'")
    if args.ask and not localizer.asks:
        raise ValueError(f'{args.config} finds moments and takes no question. Leave --ask out.')

    def look(video: str) -> list[dict]:
        looked = localizer.look(video, args.frame_rate)
        if not localizer.asks:
            return [localizer.moments(looked, args.top)]
        return [localizer.answer(looked, question, args.top) for question in args.ask]

    return look


def _config(args: argparse.Namespace) -> Any:
    args.cfg_options, args.work_dir, args.launcher, args.local_rank = {}, None, 'none', 0
    return launch.load_config(args)


def _lines(results: Sequence[dict]) -> list[str]:
    """What the terminal shows of a video."""
    lines = [f'{results[0]["source"]}  {results[0]["duration"]:.1f} s']
    for result in results:
        if 'query' in result:
            lines.append(f'  {result["query"]}')
        for row in exports.rows(result):
            what = row.get('name') or ''
            lines.append(
                f'  {row["task"]:<7}{row["start"]:8.2f} -{row["stop"]:8.2f} s  {row["score"]:.3f}  '
                f'{what}'.rstrip()
            )
    return [*lines, *(f'  note: {note}' for note in results[0]['notes'])]


def _pairs(parser: argparse.ArgumentParser, option: str, values: list[str]) -> dict[str, str]:
    wrong = [value for value in values if not value.partition('=')[0] or '=' not in value]
    if wrong:
        parser.error(f'{option} wants SOURCE=...; got {wrong[0]!r}')
    return {value.partition('=')[0]: value.partition('=')[2] for value in values}


if __name__ == '__main__':
    launch.run(main)
