"""Untrimmed videos of EPIC-KITCHENS as features: actions (C2) and sounds (EPIC-SOUNDS) to detect.

A sample is a whole video, in the layout of `egomm.datasets.localization`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from os import path as osp
from pathlib import Path
from typing import Any

import numpy as np

from egomm.datasets.annotations import C2_FPS, read_records
from egomm.datasets.localization import FeatureDataset, paths_of
from egomm.datasets.windows import Annotations, SegmentPolicy, clip_seconds, fit_segments
from egomm.functional.action_ids import action_pairs
from egomm.functional.csv_columns import read_columns
from egomm.functional.time_grid import parse_timestamp
from egomm.functional.wording import first_names
from egomm.registry import DATASETS

META_KEYS = ('clip_id', 'video_id', 'duration', 'annotations')


def read_durations(path: str | Path) -> dict[str, float]:
    """Seconds of each video.

    Args:
        path: ``EPIC_100_video_info.csv``, or the ``video_lengths.csv`` of C2 baselines, which
            counts frames at 30 per second; told apart by the name of the second column.

    Raises:
        ValueError: If the file is missing or has neither, or a video twice.
    """
    rate = 1.0
    try:
        videos, lengths = read_columns(path, {'video_id': str, 'duration': float}).values()
    except ValueError as official:
        try:
            videos, lengths = read_columns(path, {'video': str, 'frames': float}).values()
        except ValueError:
            raise official from None
        rate = C2_FPS
    twice = [video for video, count in Counter(videos).items() if count > 1]
    if twice:
        raise ValueError(
            f'{path} tells the duration of {len(twice)} videos more than once: '
            f'{first_names(twice)}. Restore the official file.'
        )
    return {video: length / rate for video, length in zip(videos, lengths)}


@DATASETS.register_module()
class EpicActionSegments(FeatureDataset):
    """EPIC-KITCHENS-100 action detection (C2): verbs, nouns and their pairs, the actions.

    ``gt`` has ``verb``, ``noun`` and, with ``actions_from``, ``action``: the same segments with the
    labels of each. ``metainfo['actions']`` lists (verb, noun) of each action; a pair that is not
    among them is no target.

    Args:
        ann_file: Official CSV (train, validation, test) or C2-style CSV, see
            `egomm.datasets.annotations`; several files are read one after the other.
        durations: See `read_durations`.
        sources: Arguments of `FeatureSource` by name; an entry is a video.
        actions_from: Train file whose pairs are the actions, numbered as they first occur.
        data_root: Folder that relative paths start from.
        verb_classes: Number of verbs.
        noun_classes: Number of nouns.
        policy: Arguments of `SegmentPolicy`; a segment is repeated if verb and noun are.
        **kwargs: Of `FeatureDataset`.

    Raises:
        ValueError: For whatever is wrong with the files, a video without duration, or if no action
            is known.
    """

    META_KEYS = META_KEYS

    def __init__(
        self,
        ann_file: str | Sequence[str],
        durations: str,
        sources: Mapping[str, dict],
        actions_from: str | None = None,
        data_root: str = '',
        verb_classes: int = 97,
        noun_classes: int = 300,
        policy: dict | None = None,
        **kwargs: Any,
    ) -> None:
        classes = dict(verb=verb_classes, noun=noun_classes)
        rules = SegmentPolicy(**(policy or {}))
        seconds = read_durations(osp.join(data_root, durations))
        annotations = []
        for path in paths_of(ann_file, data_root):
            rows = [
                dict(
                    video_id=row['video_id'],
                    start_time=row['start_seconds'],
                    end_time=row['stop_seconds'],
                    **{task: row['gt'][task] for task in classes if task in row['gt']},
                )
                for row in read_records(path, classes)
            ]
            annotations.append(_by_video(rows, tuple(classes), seconds, rules, path))
        self.metainfo: dict[str, Any] = dict(num_classes=classes)
        if actions_from is not None:
            labelled = [
                row['gt']
                for row in read_records(osp.join(data_root, actions_from), classes)
                if 'action' in row['gt']
            ]
            if not labelled:
                raise ValueError(
                    f'{actions_from}: `actions_from` wants rows with a verb and a noun, whose '
                    'pairs are the actions; none has both. Give the train file.'
                )
            pairs = action_pairs(*([gt[task] for gt in labelled] for task in classes))
            self.metainfo['actions'] = pairs
            numbers = {pair: number for number, pair in enumerate(pairs)}
            for part in annotations:
                for record in part.records:
                    _add_actions(record['gt'], numbers)
        super().__init__(annotations, rules, sources, data_root=data_root, **kwargs)


@DATASETS.register_module()
class EpicSoundSegments(FeatureDataset):
    """EPIC-SOUNDS detection: 44 classes of sound in the videos of EPIC-KITCHENS-100.

    Args:
        ann_file: ``EPIC_Sounds_train.csv`` or ``EPIC_Sounds_validation.csv``; several files are
            read one after the other.
        durations: See `read_durations`.
        sources: Arguments of `FeatureSource` by name; an entry is a video.
        data_root: Folder that relative paths start from.
        sound_classes: Number of classes.
        policy: Arguments of `SegmentPolicy`.
        **kwargs: Of `FeatureDataset`.

    Raises:
        ValueError: For whatever is wrong with the files, or a video without duration.
    """

    META_KEYS = META_KEYS

    def __init__(
        self,
        ann_file: str | Sequence[str],
        durations: str,
        sources: Mapping[str, dict],
        data_root: str = '',
        sound_classes: int = 44,
        policy: dict | None = None,
        **kwargs: Any,
    ) -> None:
        rules = SegmentPolicy(**(policy or {}))
        seconds = read_durations(osp.join(data_root, durations))
        columns = dict(video_id=str, class_id=int)
        times = dict(start_timestamp=parse_timestamp, stop_timestamp=parse_timestamp)
        annotations = []
        for path in paths_of(ann_file, data_root):
            table = read_columns(path, {**columns, **times})
            wrong = [label for label in table['class_id'] if not 0 <= label < sound_classes]
            if wrong:
                raise ValueError(
                    f'{path}: class_id wants numbers within 0..{sound_classes - 1}; got '
                    f'{wrong[0]}. Give the official file, or set `sound_classes`.'
                )
            rows = [
                dict(video_id=video, sound=label, start_time=start, end_time=end)
                for video, label, start, end in zip(*table.values())
            ]
            annotations.append(_by_video(rows, ('sound',), seconds, rules, path))
        self.metainfo = dict(num_classes=dict(sound=sound_classes))
        super().__init__(annotations, rules, sources, data_root=data_root, **kwargs)


def _by_video(
    rows: Iterable[dict],
    tasks: tuple[str, ...],
    durations: Mapping[str, float],
    policy: SegmentPolicy,
    path: str,
) -> Annotations:
    """One record a video, in the order in which they first occur."""
    policy.check()
    videos: dict[str, list[dict]] = {}
    for row in rows:
        videos.setdefault(row.pop('video_id'), []).append(row)
    counts = Counter(outside=0, empty=0, repeated=0)
    records = []
    for video, stated in videos.items():
        place = f'{path}, video {video}'
        if video not in durations:
            raise ValueError(
                f'{place}: `durations` does not tell how long it is. Give the file that belongs to '
                'these annotations.'
            )
        record = dict(
            clip_id=video,
            video_id=video,
            video_start_seconds=0.0,
            duration=clip_seconds(durations[video], place),
            annotations=stated,
            gt={},
        )
        records.append(record)
        if not all(set(tasks) <= row.keys() for row in stated):
            record['annotations'] = None  # a test file
            continue
        # All labels of a row travel as one number, so that each segment is fitted once.
        known = {tuple(row[task] for task in tasks): None for row in stated}
        labels = {label: number for number, label in enumerate(known)}
        segments, numbers = fit_segments(
            [
                (row['start_time'], row['end_time'], labels[tuple(row[task] for task in tasks)])
                for row in stated
            ],
            record['duration'],
            policy,
            counts,
            place,
        )
        table = np.array([*labels], np.int64).reshape(-1, len(tasks))[numbers]
        record['gt'] = {
            task: dict(segments=segments, labels=column) for task, column in zip(tasks, table.T)
        }
    return Annotations(records, dict(counts))


def _add_actions(gt: dict[str, dict], numbers: Mapping[tuple[int, int], int]) -> None:
    if not gt:
        return
    pairs = zip(gt['verb']['labels'].tolist(), gt['noun']['labels'].tolist())
    labels = np.array([numbers.get(pair, -1) for pair in pairs], np.int64)
    known = labels >= 0
    gt['action'] = dict(segments=gt['verb']['segments'][known], labels=labels[known])
