"""What the generator knows and no loader reads: hands, gaze, timelines, evidence, questions.

``truth/labels.csv``            true verb and noun of every clip of every split
``truth/pairs.json``            verb-noun pairs of training, and of the test split only
``truth/questions.json``        questions in words with the window that answers them
``truth/videos/{video}.json``   timeline, evidence per clip, hands and gaze per frame

Coordinates are (x, y) in pixels of the RGB frame; lists have one entry per RGB image.
"""

import csv
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from egomm.testing.annotations import narration_id
from egomm.testing.motion import GAZE_LEAD_SECONDS, Tracks
from egomm.testing.plan import Video, choose_pairs
from egomm.testing.spec import KitchenSpec
from egomm.testing.vocabulary import NOUNS, VERBS


def write_video_truth(root: Path, spec: KitchenSpec, video: Video, tracks: Tracks) -> None:
    """Writes timeline, evidence, hands and gaze of one video."""
    home = root / 'truth' / 'videos'
    home.mkdir(parents=True, exist_ok=True)
    record = {
        'video_id': video.video_id,
        'split': video.split,
        'fps': video.fps,
        'frames': video.frames,
        'gaze_leads_seconds': GAZE_LEAD_SECONDS,
        'timeline': timeline(video),
        'hands': hand_record(spec, tracks),
        'gaze': gaze_record(spec, tracks),
    }
    (home / f'{video.video_id}.json').write_text(json.dumps(record), encoding='utf-8')


def timeline(video: Video) -> list[dict[str, object]]:
    """The whole video without holes: actions and background, with the evidence shown.

    A background entry names the noun of an object that is handled in it, or None.
    """
    entries: list[dict[str, object]] = []
    end, index = 0.0, 0
    for segment in video.segments:
        entries.append(
            {
                'kind': 'background',
                'start': round(end, 4),
                'stop': round(segment.start, 4),
                'handled': None,
            }
        )
        span = {'start': round(segment.start, 4), 'stop': round(segment.stop, 4)}
        if segment.is_action:
            entries.append(
                {
                    'kind': 'action',
                    **span,
                    'narration_id': narration_id(video, index),
                    'verb': segment.verb,
                    'noun': segment.noun,
                    'annotated': list(segment.annotated),
                    'shown': sorted(segment.shown),
                    'unreliable': segment.unreliable or None,
                }
            )
            index += 1
        else:
            entries.append({'kind': 'background', **span, 'handled': segment.noun})
        end = segment.stop
    entries.append(
        {
            'kind': 'background',
            'start': round(end, 4),
            'stop': round(video.frames / video.fps, 4),
            'handled': None,
        }
    )
    return entries


def hand_record(spec: KitchenSpec, tracks: Tracks) -> dict[str, dict[str, list]]:
    """Palm of each hand and whether it lies inside the frame."""
    scale = spec.height / 64
    record = {}
    for name in ('left', 'right'):
        points = tracks.to_frame(getattr(tracks, name), spec.width / scale) * scale
        visible = _inside(points, spec)
        record[name] = {'xy': np.round(points, 1).tolist(), 'visible': visible.tolist()}
    return record


def gaze_record(spec: KitchenSpec, tracks: Tracks) -> dict[str, list]:
    """Gaze, moved to the border where it would leave the frame, and whether it is tracked."""
    scale = spec.height / 64
    points = tracks.to_frame(tracks.gaze, spec.width / scale) * scale
    points = np.clip(points, 0, [spec.width - 1, spec.height - 1])
    return {'xy': np.round(points, 1).tolist(), 'tracked': tracks.tracked.tolist()}


def _inside(points: np.ndarray, spec: KitchenSpec) -> np.ndarray:
    return ((points >= 0) & (points < [spec.width, spec.height])).all(axis=1)


def write_world_truth(root: Path, spec: KitchenSpec, videos: Sequence[Video]) -> None:
    """Writes true labels of all splits, pairs and questions."""
    home = root / 'truth'
    home.mkdir(parents=True, exist_ok=True)
    train, test_only = choose_pairs(spec)
    with (home / 'labels.csv').open('w', newline='', encoding='utf-8') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(['narration_id', 'split', 'verb_class', 'noun_class', 'test_only_pair'])
        for video in videos:
            for index, action in enumerate(video.actions):
                writer.writerow(
                    [
                        narration_id(video, index),
                        video.split,
                        action.verb,
                        action.noun,
                        int(test_only[action.verb, action.noun]),
                    ]
                )
    (home / 'pairs.json').write_text(
        json.dumps(
            {'train': np.argwhere(train).tolist(), 'test_only': np.argwhere(test_only).tolist()}
        ),
        encoding='utf-8',
    )
    questions = [question for video in videos for question in ask(video)]
    (home / 'questions.json').write_text(json.dumps(questions, indent=1), encoding='utf-8')


def ask(video: Video) -> list[dict[str, object]]:
    """Questions about one video that have exactly one answer in it.

    Returns:
        Dicts with ``video_id``, ``split``, ``template``, ``question`` and the answer's
        ``start`` and ``stop`` in seconds.
    """
    actions = video.actions
    pairs = Counter((a.verb, a.noun) for a in actions)
    nouns = Counter(a.noun for a in actions)
    firsts: set[int] = set()
    out: list[dict[str, object]] = []

    def add(template: str, question: str, start: float, stop: float) -> None:
        out.append(
            {
                'video_id': video.video_id,
                'split': video.split,
                'template': template,
                'question': question,
                'start': round(start, 3),
                'stop': round(stop, 3),
            }
        )

    for index, action in enumerate(actions):
        verb, noun = VERBS[action.verb].key, NOUNS[action.noun].key
        if pairs[action.verb, action.noun] == 1:
            add('when', f'When did I {verb} the {noun}?', action.start, action.stop)
            if index + 1 < len(actions):
                later = actions[index + 1]
                add(
                    'after',
                    f'What did I do after I did {verb} the {noun}?',
                    later.start,
                    later.stop,
                )
            if index:
                earlier = actions[index - 1]
                add(
                    'before',
                    f'What did I do before I did {verb} the {noun}?',
                    earlier.start,
                    earlier.stop,
                )
        if nouns[action.noun] == 1:
            add('use', f'What did I do with the {noun}?', action.start, action.stop)
        else:
            if action.noun not in firsts:
                add('first', f'When did I first use the {noun}?', action.start, action.stop)
            if action.noun not in {a.noun for a in actions[index + 1 :]}:
                add('last', f'When did I last use the {noun}?', action.start, action.stop)
        firsts.add(action.noun)
    return out
