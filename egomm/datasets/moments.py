"""Ego4D Moment Queries annotations -> one record per clip.

Two layouts, told apart by their content: the official ``moments_{train,val}.json`` and
``moments_test_unannotated.json`` (``videos`` > ``clips`` > ``annotations`` > ``labels``), and the
file that ActionFormer's and ASL's converters write (by clip id: ``subset``, ``duration``,
``annotations`` with ``segment`` and ``label``).

Classes go by their names, as in submissions: three different numberings are in use.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from egomm.datasets.windows import (
    NUMBER,
    TRAINING,
    Annotations,
    SegmentPolicy,
    clip_seconds,
    entries,
    field,
    fit_segments,
    in_splits,
    official_clips,
    read_json,
    times,
)


def read_moments(
    path: str | Path,
    classes: Sequence[str],
    splits: Sequence[str] | None = None,
    policy: SegmentPolicy = TRAINING,
) -> Annotations:
    """Read an annotation file.

    Only labels marked ``primary`` count; the converted file has no others.

    Args:
        path: A file in one of the two layouts.
        classes: Names of all classes; the position is the number that ``gt`` holds.
        splits: Of ``train``, ``val`` and ``test`` those wanted; None takes all.
        policy: What becomes of segments that do not fit.

    Returns:
        Records of the clips, in the order of the file: ``clip_id``, ``video_id``, ``split``,
        ``video_start_seconds`` (of the clip in its video), ``duration`` in seconds,
        ``annotations`` (``label``, ``start_time``, ``end_time``, as the file has them, for official
        scores) and ``gt``: ``moment`` with ``segments`` ``(N, 2)`` in seconds of the clip and
        ``labels`` ``(N,)`` after the policy. Clips of ``test`` without labels have an empty
        ``gt`` and None for ``annotations``.

    Raises:
        ValueError: If the file is missing, no JSON or in another layout, has nothing of the
            splits or the same clip twice, a clip lasts no time, or a label is not among the
            classes; and for segments that the policy refuses.
    """
    policy.check()
    content = read_json(path)
    official = isinstance(content, dict) and 'videos' in content
    records = in_splits(
        list(_official(content, path) if official else _converted(content, path)), splits, path
    )
    numbers = {name: number for number, name in enumerate(classes)}
    counts = Counter(outside=0, empty=0, repeated=0)
    for clip, count in Counter(record['clip_id'] for record in records).items():
        if count > 1:
            raise ValueError(f'{path}, clip {clip}: occurs {count} times. Keep one of them.')
    for record in records:
        if record['split'] == 'test' and not record['annotations']:
            record.update(annotations=None, gt={})
            continue
        place = f'{path}, clip {record["clip_id"]}'
        rows = []
        for row in record['annotations']:
            if row['label'] not in numbers:
                raise ValueError(
                    f'{place}: {row["label"]!r} is not among the {len(numbers)} classes. Give the '
                    'class list of this dataset (read_label_map, moment_classes).'
                )
            rows.append((row['start_time'], row['end_time'], numbers[row['label']]))
        segments, labels = fit_segments(rows, record['duration'], policy, counts, place)
        record['gt'] = {'moment': {'segments': segments, 'labels': labels}}
    return Annotations(records, dict(counts))


def class_names(paths: Sequence[str | Path]) -> list[str]:
    """Names of all classes, from a label map (``.txt``) or else from annotation files, sorted.

    Raises:
        ValueError: As `read_label_map` and `moment_classes`.
    """
    if len(paths) == 1 and Path(paths[0]).suffix == '.txt':
        return read_label_map(paths[0])
    return moment_classes(*paths)


def moment_classes(*paths: str | Path) -> list[str]:
    """Names of all classes that occur in annotation files, sorted.

    Raises:
        ValueError: If a file is missing, no JSON or in another layout.
    """
    names = set()
    for path in paths:
        content = read_json(path)
        official = isinstance(content, dict) and 'videos' in content
        for record in _official(content, path) if official else _converted(content, path):
            names.update(row['label'] for row in record['annotations'])
    return sorted(names)


def read_label_map(path: str | Path) -> list[str]:
    """Names of the classes from ActionFormer's ``ego4d_label_map.txt``: number, tab, name.

    Raises:
        ValueError: If the file is missing or no text, its numbers are not 0, 1, 2, ..., or two
            classes have the same name.
    """
    if not Path(path).is_file():
        raise ValueError(f'{path}: no such class list. Correct the path.')
    try:
        text = Path(path).read_text(encoding='utf-8')
    except UnicodeDecodeError as error:
        raise ValueError(
            f'{path}: a class list in UTF-8 is expected, but {error}. Fetch the file again.'
        ) from error
    names: list[str] = []
    for number, line in enumerate(text.splitlines()):
        first, tab, name = line.partition('\t')
        if not (tab and first.isdecimal() and int(first) == number):
            raise ValueError(
                f'{path}, line {number + 1}: {number:03d}, a tab and a name are expected; got '
                f'{line!r}.'
            )
        if name in names:
            raise ValueError(
                f'{path}, line {number + 1}: {name!r} is also class {names.index(name)}. Keep one '
                'of them.'
            )
        names.append(name)
    return names


def _official(content: dict, path: str | Path):
    for clip, facts, place in official_clips(content, path):
        facts['annotations'] = [
            {
                'label': field(label, 'label', place, str),
                'start_time': field(label, 'start_time', place, NUMBER),
                'end_time': field(label, 'end_time', place, NUMBER),
            }
            for annotation in entries(clip, 'annotations', place)
            for label in entries(annotation, 'labels', place)
            if field(label, 'primary', place, object)
        ]
        yield facts


def _converted(content: dict, path: str | Path):
    if not isinstance(content, dict):
        raise ValueError(
            f"{path}: an object with 'videos' or one entry per clip is expected; got "
            f'{type(content).__name__}. Is this a Moment Queries file?'
        )
    for clip_id, clip in content.items():
        place = f'{path}, clip {clip_id}'
        yield {
            'clip_id': clip_id,
            'video_id': field(clip, 'video_id', place, str),
            'split': field(clip, 'subset', place, str),
            'video_start_seconds': field(clip, 'parent_start_sec', place, NUMBER),
            'duration': clip_seconds(field(clip, 'duration', place, NUMBER), place),
            'annotations': [
                {'label': field(row, 'label', place, str), 'start_time': start, 'end_time': end}
                for row in field(clip, 'annotations', place, list)
                for start, end in [times(field(row, 'segment', place, list), place)]
            ],
        }
