"""The toy kitchen once more, in the layout of EGTEA Gaze+: 24 fps sessions, a file a clip."""

import json
import wave
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np

from egomm.datasets.hands import write_hands
from egomm.testing.media import MovieWriter
from egomm.testing.plan import Segment, Video, plan_world
from egomm.testing.spec import KitchenSpec
from egomm.testing.vocabulary import NOUNS, VERBS

FPS = 24
GAZE_SIZE = (1280, 960)  # width and height that the pixels of gaze refer to
WIDENED = 0.1  # a clip file shows this share of the action's length more on either side
SPLITS = {'train': 'train_split1.txt', 'validation': 'test_split1.txt'}


def write_egtea(kitchen: Path, out: Path) -> None:
    """Write the labelled videos of a toy kitchen in the layout of EGTEA Gaze+.

    ``videos/<session>.mp4`` has sound, ``cropped_clips/<session>/<clip>.mp4`` has none;
    ``gaze_data/<session>.txt`` is BeGaze's text, in the two layouts by turns.
    ``hand_tracks/<session>.npz`` has the palms of both hands.
    ``action_annotation/`` holds one split (its test part is the kitchen's validation) and the
    names of the classes. Lines and ids follow the official files: ids count from 1.

    Args:
        kitchen: A complete toy kitchen, as `make_toy_kitchen` leaves it.
        out: Folder to write into; what is there of the same name is written again.
    """
    stamp = json.loads((kitchen / 'toy_kitchen.json').read_text(encoding='utf-8'))
    spec = KitchenSpec(
        **{k: tuple(v) if isinstance(v, list) else v for k, v in stamp['spec'].items()}
    )
    videos = [video for video in plan_world(spec) if video.split in SPLITS]
    pairs = sorted({action.annotated for video in videos for action in video.actions})
    home = out / 'action_annotation'
    home.mkdir(parents=True, exist_ok=True)
    for split, name in SPLITS.items():
        lines = [
            f'{clip_name(video, action)} {1 + pairs.index(action.annotated)} '
            f'{1 + action.annotated[0]} {1 + action.annotated[1]}'
            for video in videos
            if video.split == split
            for action in video.actions
        ]
        _write_lines(home / name, lines)
    names = {
        'action': [f'{VERBS[verb].key} {NOUNS[noun].key}' for verb, noun in pairs],
        'verb': [word.key for word in VERBS[: spec.verbs]],
        'noun': [word.key for word in NOUNS[: spec.nouns]],
    }
    for task, words in names.items():
        _write_lines(
            home / f'{task}_idx.txt', [f'{word} {n}' for n, word in enumerate(words, start=1)]
        )
    (out / 'gaze_data').mkdir(exist_ok=True)
    for number, video in enumerate(videos):
        _write_media(kitchen, out, spec, video)
        _write_gaze(kitchen, out, spec, video, columns=(7, 26)[number % 2])
        _write_hands(kitchen, out, spec, video)


def session_name(video: Video) -> str:
    """Participant, number of the recipe, recipe."""
    return f'{video.participant_id}-R{video.number:02d}-ToyKitchen'


def clip_frames(video: Video, action: Segment) -> tuple[int, int]:
    """First and last frame of the session that the clip file of an action shows."""
    extra = WIDENED * (action.stop - action.start)
    last = int(video.duration * FPS) - 1
    return (
        max(0, round((action.start - extra) * FPS)),
        min(last, round((action.stop + extra) * FPS)),
    )


def clip_name(video: Video, action: Segment) -> str:
    """Session, annotated milliseconds, frames."""
    first, last = clip_frames(video, action)
    times = f'{round(1000 * action.start)}-{round(1000 * action.stop)}'
    return f'{session_name(video)}-{times}-F{first:06d}-F{last:06d}'


def _write_media(kitchen: Path, out: Path, spec: KitchenSpec, video: Video) -> None:
    source = kitchen / video.participant_id
    frames = _session_frames(source / 'videos' / f'{video.video_id}.MP4', video)
    with wave.open(str(source / 'audio' / f'{video.video_id}.wav')) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), '<i2')
    session = session_name(video)
    clips = out / 'cropped_clips' / session
    for folder in (out / 'videos', clips):
        folder.mkdir(parents=True, exist_ok=True)
    _write_movie(out / 'videos' / f'{session}.mp4', spec, frames, sound)
    for action in video.actions:
        first, last = clip_frames(video, action)
        path = clips / f'{clip_name(video, action)}.mp4'
        _write_movie(path, spec, frames[first : last + 1], None)


def _write_gaze(kitchen: Path, out: Path, spec: KitchenSpec, video: Video, columns: int) -> None:
    """One sample a frame; none where the gaze is untracked."""
    truth = _truth(kitchen, video)
    scale = np.array(GAZE_SIZE) / (spec.width, spec.height)
    lines = [f'## [{number}]' for number in range(34)]
    frames = _shown(video)
    lines[9 if columns == 7 else 10] = f'## Number of Samples:\t{len(frames)}'
    for number, shown in enumerate(frames):
        if not truth['gaze']['tracked'][shown]:
            continue
        x, y = (np.array(truth['gaze']['xy'][shown]) + 0.5) * scale
        point = [f'{x:.2f}', f'{y:.2f}']
        seconds, rest = divmod(number, FPS)
        cells = [*point, str(number)]
        if columns == 26:
            code = f'{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{rest:02d}'
            cells = ['0.00', '0.00', *point, *['0.0'] * 17, code]
        lines.append('\t'.join(['0', 'SMP', '1', *cells, 'Fixation']))
    _write_lines(out / 'gaze_data' / f'{session_name(video)}.txt', lines)


def _write_hands(kitchen: Path, out: Path, spec: KitchenSpec, video: Video) -> None:
    """The truth of the images that the frames of the session show."""
    hands, shown = _truth(kitchen, video)['hands'], _shown(video)
    tracks = {
        side: np.column_stack([hands[side]['xy'], hands[side]['visible']])[shown]
        for side in ('left', 'right')
    }
    path = out / 'hand_tracks' / f'{session_name(video)}.npz'
    write_hands(path, (spec.width, spec.height), 0, **tracks)


def _truth(kitchen: Path, video: Video) -> dict:
    path = kitchen / f'truth/videos/{video.video_id}.json'
    return json.loads(path.read_text(encoding='utf-8'))


def _shown(video: Video) -> list[int]:
    """Image of the video that each frame of the session shows."""
    return [int(number * video.fps / FPS) for number in range(int(video.duration * FPS))]


def _session_frames(path: Path, video: Video) -> list[np.ndarray]:
    """Frames ``(H, W, 3)`` at 24 per second: those that the video shows at that moment."""
    wanted = _shown(video)
    needed = set(wanted)
    with av.open(str(path)) as container:
        decoded = container.decode(container.streams.video[0])
        chosen = {
            number: frame.to_ndarray(format='rgb24')
            for number, frame in enumerate(decoded)
            if number in needed
        }
    return [chosen[number] for number in wanted]


def _write_movie(
    path: Path, spec: KitchenSpec, frames: Sequence[np.ndarray], sound: np.ndarray | None
) -> None:
    with MovieWriter(path, spec.width, spec.height, FPS, sound) as movie:
        for frame in frames:
            movie.add(frame)


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    path.write_text('\n'.join(lines) + '\n', encoding='utf-8')
