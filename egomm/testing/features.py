"""A world of features without video: long clips in which moments happen and questions are asked.

Each moment is a verb with a noun. Within it, features hold the direction of the verb and of the
noun, strongest in the middle, over noise. A question names verb and noun of a moment that happens
once in its clip. The files are those of Ego4D: ``annotations/moments_{train,val}.json``,
``nlq_{train,val}.json`` and, in ``features/``, two sources of different width and window, and a
vector for each word of each question. Moments are also told as narrations, ``narration.json``, of
which ``nlq_narrations.json`` makes queries. The clips are told in the layouts of EPIC-KITCHENS-100
and EPIC-SOUNDS too, as videos of their own with a verb and a noun, or a sound, a segment.
"""

import csv
import json
from pathlib import Path

import numpy as np

from egomm.datasets.narrations import narration_queries

VERBS = ('wash', 'cut', 'open', 'pour')
NOUNS = ('cup', 'door', 'onion')
CLASSES = sorted(f'{verb}_{noun}' for verb in VERBS for noun in NOUNS)
SOURCES = {
    'ego': dict(dim=16, fps=30.0, stride=16, window=16, per='clip'),
    'slow': dict(dim=24, fps=30.0, stride=16, window=32, per='video'),
}
WORD_DIM = 8
VIDEO_LEAD = 20.0  # seconds of a video before its clip begins


def write_feature_world(
    out: str | Path, train: int = 64, val: int = 24, seed: int = 0, signal: float = 1.1
) -> None:
    """Write annotations and features into a folder.

    Args:
        out: The folder.
        train: Clips to train on.
        val: Clips to test on.
        seed: Of everything.
        signal: Length of a word's direction, where noise has 1 in each channel.
    """
    out = Path(out)
    rng = np.random.default_rng(seed)
    directions = {
        name: {word: _unit(rng, about['dim']) for word in (*VERBS, *NOUNS)}
        for name, about in SOURCES.items()
    }
    (out / 'annotations').mkdir(parents=True, exist_ok=True)
    for name, about in SOURCES.items():
        (out / 'features' / name).mkdir(parents=True, exist_ok=True)
        (out / 'features' / name / 'manifest.json').write_text(json.dumps(about))
    words = {word: _unit(rng, WORD_DIM) for word in ('Where', 'did', 'I', 'the', *VERBS, *NOUNS)}
    (out / 'features/words').mkdir(exist_ok=True)
    (out / 'features/words/manifest.json').write_text(json.dumps(dict(dim=WORD_DIM)))
    lines = [f'{number:03d}\t{name}\n' for number, name in enumerate(CLASSES)]
    (out / 'annotations/moment_classes.txt').write_text(''.join(lines))
    narrations: dict[str, dict] = {}
    contents = {}
    for split, count in (('train', train), ('val', val)):
        videos = [_video(out, split, number, directions, signal, rng) for number in range(count)]
        for kind in ('moments', 'nlq'):
            content = dict(
                version='1.0',
                videos=[
                    dict(video_uid=video['id'], split=split, clips=[video[kind]])
                    for video in videos
                ],
            )
            contents[split] = content  # in the end that of the queries
            (out / f'annotations/{kind}_{split}.json').write_text(json.dumps(content))
        _write_epic(out, split, [video['moments'] for video in videos])
        narrations |= {video['id']: _narrated(video['moments']) for video in videos}
        for video in videos:
            _write_words(out / 'features/words', video['nlq'], words)
    told, _ = narration_queries(narrations, [contents['train']], [contents['val']])
    for name, content in (('narration', narrations), ('nlq_narrations', told)):
        (out / f'annotations/{name}.json').write_text(json.dumps(content))
    for video in told['videos']:
        for clip in video['clips']:
            _write_words(out / 'features/words', clip, words)


def _narrated(clip: dict) -> dict:
    """Each moment of a clip is told where its middle is, in seconds of the video."""
    return dict(
        narration_pass_1=dict(
            narrations=[
                dict(
                    timestamp_sec=VIDEO_LEAD + (label['start_time'] + label['end_time']) / 2,
                    narration_text='#I I {} the {}'.format(*label['label'].split('_')),
                )
                for label in clip['annotations'][0]['labels']
            ]
        )
    )


def _write_words(folder: Path, clip: dict, words: dict) -> None:
    """Vectors of the words of each query of a clip."""
    for asked in clip['annotations']:
        for index, query in enumerate(asked['language_queries']):
            vectors = [words[word] for word in query['query'].rstrip('?').split()]
            name = f'{asked["annotation_uid"]}_{index}.npy'
            np.save(folder / name, np.array(vectors, np.float32))


def _write_epic(out: Path, split: str, clips: list[dict]) -> None:
    """The clips of a split as videos; the noun stands in for the sound."""
    name = {'train': 'train', 'val': 'validation'}[split]
    actions, sounds = [], []
    for clip in clips:
        for label in clip['annotations'][0]['labels']:
            verb, noun = label['label'].split('_')
            seconds = {'start': label['start_time'], 'stop': label['end_time']}
            times = {
                f'{end}_timestamp': f'00:{int(time // 60):02d}:{int(time % 60 * 100) / 100:05.2f}'
                for end, time in seconds.items()
            }
            shared = dict(video_id=clip['clip_uid'], participant_id='P01', **times)
            actions.append(
                dict(
                    **shared,
                    narration_id=f'{clip["clip_uid"]}_{len(actions)}',
                    **{f'{end}_frame': int(60 * time) + 1 for end, time in seconds.items()},
                    verb_class=VERBS.index(verb),
                    noun_class=NOUNS.index(noun),
                )
            )
            sounds.append(dict(**shared, class_id=NOUNS.index(noun)))
    lengths = [
        dict(video_id=clip['clip_uid'], duration=clip['video_end_sec'] - clip['video_start_sec'])
        for clip in clips
    ]
    for kind, rows, mode in (
        (f'EPIC_100_{name}', actions, 'w'),
        (f'EPIC_Sounds_{name}', sounds, 'w'),
        ('EPIC_100_video_info', lengths, 'w' if split == 'train' else 'a'),
    ):
        with (out / f'annotations/{kind}.csv').open(mode, newline='') as file:
            table = csv.DictWriter(file, list(rows[0]))
            if mode == 'w':
                table.writeheader()
            table.writerows(rows)


def _video(out: Path, split: str, number: int, directions: dict, signal: float, rng) -> dict:
    """Write the features of a video with one clip; returns its annotations."""
    video, clip = f'video_{split}_{number:03d}', f'clip_{split}_{number:03d}'
    duration = float(rng.uniform(60, 120))
    moments, start = [], rng.uniform(2, 8)
    while True:
        end = start + rng.uniform(3, 15)
        if end > duration:
            break
        moments.append((start, end, str(rng.choice(VERBS)), str(rng.choice(NOUNS))))
        start = end + rng.uniform(1, 8)
    for name, about in SOURCES.items():
        lead = VIDEO_LEAD if about['per'] == 'video' else 0.0
        total = (duration + 2 * lead) * about['fps']
        positions = int((total - about['window']) // about['stride']) + 1
        middle = (np.arange(positions) * about['stride'] + about['window'] / 2) / about['fps']
        features = rng.normal(size=(positions, about['dim']))
        for start, end, verb, noun in moments:
            centre, reach = (start + end) / 2 + lead, (end - start) / 2
            shape = (1 - ((middle - centre) / reach) ** 2).clip(min=0) ** 0.5
            word = directions[name][verb] + directions[name][noun]
            features += signal * shape[:, None] * word
        entry = clip if about['per'] == 'clip' else video
        np.save(out / 'features' / name / f'{entry}.npy', features.astype(np.float32))
    times = dict(clip_uid=clip, video_start_sec=VIDEO_LEAD, video_end_sec=VIDEO_LEAD + duration)
    labels = [
        dict(label=f'{verb}_{noun}', start_time=start, end_time=end, primary=True)
        for start, end, verb, noun in moments
    ]
    pairs = [moment[2:] for moment in moments]
    queries = [
        dict(query=f'Where did I {verb} the {noun}?', clip_start_sec=start, clip_end_sec=end)
        for start, end, verb, noun in moments
        if pairs.count((verb, noun)) == 1
    ]
    asked = dict(annotation_uid=f'annotation_{split}_{number:03d}', language_queries=queries)
    return dict(
        id=video,
        moments=dict(times, annotations=[dict(annotator_uid='one', labels=labels)]),
        nlq=dict(times, annotations=[asked]),
    )


def _unit(rng: np.random.Generator, dim: int) -> np.ndarray:
    vector = rng.normal(size=dim)
    return vector / np.linalg.norm(vector)
