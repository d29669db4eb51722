"""Annotation files of EPIC-KITCHENS-100 in their official columns."""

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from egomm.testing.plan import Segment, Video
from egomm.testing.spec import KitchenSpec
from egomm.testing.vocabulary import NOUNS, VERBS, Word

COLUMNS = (
    'narration_id',
    'participant_id',
    'video_id',
    'narration_timestamp',
    'start_timestamp',
    'stop_timestamp',
    'start_frame',
    'stop_frame',
    'narration',
    'verb',
    'verb_class',
    'noun',
    'noun_class',
    'all_nouns',
    'all_noun_classes',
)
TEST_COLUMNS = COLUMNS[:8]


def timestamp(seconds: float, digits: int = 2) -> str:
    """Seconds as ``HH:MM:SS.cc``, rounded."""
    ticks = round(seconds * 10**digits)
    whole, part = divmod(ticks, 10**digits)
    return f'{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}.{part:0{digits}d}'


def image_number(seconds: float, fps: int) -> int:
    """Official 1-based RGB image of a written time: max(1, floor(t * fps))."""
    return max(1, round(seconds * 100) * fps // 100)


def narration_id(video: Video, index: int) -> str:
    """Id of the index-th action of a video."""
    return f'{video.video_id}_{index}'


def annotation_row(video: Video, index: int, segment: Segment) -> dict[str, object]:
    """One row of the train or validation file; the test file has its first 8 columns."""
    verb, noun = segment.annotated
    verb_word = VERBS[verb].instances[segment.words[0]]
    noun_word = NOUNS[noun].instances[segment.words[1]]
    values = (
        narration_id(video, index),
        video.participant_id,
        video.video_id,
        timestamp(segment.narration, 3),
        timestamp(segment.start),
        timestamp(segment.stop),
        image_number(segment.start, video.fps),
        image_number(segment.stop, video.fps),
        f'{verb_word} {noun_word}',
        verb_word,
        verb,
        noun_word,
        noun,
        [noun_word],
        [noun],
    )
    return dict(zip(COLUMNS, values, strict=True))


def rows_of(videos: Iterable[Video], split: str) -> list[dict[str, object]]:
    """All rows of a split, in order of video and time."""
    return [
        annotation_row(video, index, segment)
        for video in videos
        if video.split == split
        for index, segment in enumerate(video.actions)
    ]


def tail_classes(labels: Sequence[int], classes: int) -> list[int]:
    """The smallest classes that together hold at most 20 % of the instances."""
    counts = Counter(labels)
    tail, held = [], 0
    for label in sorted(range(classes), key=lambda c: (counts[c], c)):
        held += counts[label]
        if held > 0.2 * len(labels):
            break
        tail.append(label)
    return sorted(tail)


def write_annotations(root: Path, spec: KitchenSpec, videos: Sequence[Video]) -> None:
    """Writes every annotation file into ``root / 'annotations'``."""
    home = root / 'annotations'
    home.mkdir(parents=True, exist_ok=True)
    train = rows_of(videos, 'train')
    _write(home / 'EPIC_100_train.csv', COLUMNS, train)
    _write(home / 'EPIC_100_validation.csv', COLUMNS, rows_of(videos, 'validation'))
    _write(home / 'EPIC_100_test_timestamps.csv', TEST_COLUMNS, rows_of(videos, 'test'))
    for task, words, count in (('verb', VERBS, spec.verbs), ('noun', NOUNS, spec.nouns)):
        _write(
            home / f'EPIC_100_{task}_classes.csv',
            ('id', 'key', 'instances', 'category'),
            _class_rows(words[:count]),
        )
        tail = tail_classes([int(str(row[f'{task}_class'])) for row in train], count)
        _write(home / f'EPIC_100_tail_{task}s.csv', (task,), [{task: label} for label in tail])
    for split in ('validation', 'test'):
        people = sorted({v.participant_id for v in videos if v.split == split})
        _write(
            home / f'EPIC_100_unseen_participant_ids_{split}.csv',
            ('participant_id',),
            [{'participant_id': person} for person in people],
        )
    _write(
        home / 'EPIC_100_video_info.csv',
        ('video_id', 'duration', 'fps', 'resolution'),
        [
            {
                'video_id': v.video_id,
                'duration': f'{v.frames / v.fps:.6f}',
                'fps': float(v.fps),
                'resolution': f'{spec.width}x{spec.height}',
            }
            for v in videos
        ],
    )


def _class_rows(words: Sequence[Word]) -> list[dict[str, object]]:
    return [
        {'id': index, 'key': word.key, 'instances': list(word.instances), 'category': word.category}
        for index, word in enumerate(words)
    ]


def _write(path: Path, columns: Sequence[str], rows: Iterable[dict[str, object]]) -> None:
    with path.open('w', newline='', encoding='utf-8') as file:
        writer = csv.DictWriter(file, columns, extrasaction='ignore', lineterminator='\n')
        writer.writeheader()
        writer.writerows(rows)
