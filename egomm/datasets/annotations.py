"""Rows of EPIC-KITCHENS annotation files -> records; every complaint names file, line and column.

Three layouts, told apart by their header: the official CSVs of EPIC-KITCHENS-100 (train and
validation with labels, test without), those of EPIC-KITCHENS-55, which have ``uid`` in the place
of ``narration_id``, and the seven columns that C2 baselines use, whose frame indices run at 30 per
second and count from 1.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from egomm.functional.time_grid import (
    frame_seconds,
    nominal_fps,
    official_frame,
    parse_timestamp,
)
from egomm.functional.wording import column_names

C2_FPS = 30
_C2_COLUMNS = ('narration_id', 'video', 'start', 'stop', 'verb', 'noun')
_COLUMNS = (
    'participant_id',
    'video_id',
    'start_timestamp',
    'stop_timestamp',
    'start_frame',
    'stop_frame',
)
_LABEL_COLUMNS = {'verb': 'verb_class', 'noun': 'noun_class'}


def read_records(path: str | Path, num_classes: Mapping[str, int]) -> list[dict]:
    """Read an annotation file.

    Args:
        path: A CSV in one of the three layouts.
        num_classes: Number of classes by task (``verb``, ``noun``).

    Returns:
        One record per row, in the order of the file: ``narration_id``, ``participant_id``,
        ``video_id``, ``start_seconds``, ``stop_seconds``, ``start_frame``, ``stop_frame``
        (official numbers of RGB images, from 1), ``gt`` (class by task, ``action`` as the pair of
        verb and noun; without labels or with an empty cell the task is absent) and, where the
        file has it, ``all_noun_classes``.

    Raises:
        ValueError: If the file is missing, empty or lacks a column; if a cell is no number, no
            time stamp or no class; if a clip does not end after its start; if a narration id
            occurs twice.
    """
    header, rows = _read_csv(path)
    is_c2 = 'video' in header and 'video_id' not in header
    labels = (
        {'verb': 'verb', 'noun': 'noun'}
        if is_c2
        else {
            task: column
            for task, column in _LABEL_COLUMNS.items()
            # A file without any label column is a test file; one of two is a mistake.
            if set(header) & set(_LABEL_COLUMNS.values())
        }
    )
    is_55 = 'uid' in header and 'narration_id' not in header
    name_column = 'uid' if is_55 else 'narration_id'
    wanted = _C2_COLUMNS if is_c2 else (name_column, *_COLUMNS, *labels.values())
    missing = [column for column in wanted if column not in header]
    if missing:
        raise ValueError(
            f'{path}, line 1: column {", ".join(map(repr, missing))} is missing; the header has '
            f'{column_names(header)}. Expected is an official file of EPIC-KITCHENS-100 '
            f'(narration_id, {", ".join(_COLUMNS)}, with labels also '
            f'{", ".join(_LABEL_COLUMNS.values())}) or of '
            f'EPIC-KITCHENS-55 (uid for narration_id), or the columns {", ".join(_C2_COLUMNS)}.'
        )
    records = []
    lines: dict[str, int] = {}
    for line, values in rows:
        row = _Row(path, line, values)
        record = _c2_times(row) if is_c2 else _official_times(row)
        record['gt'] = {
            task: row.label(column, num_classes[task])
            for task, column in labels.items()
            if values[column] != ''
        }
        if len(record['gt']) == 2:
            record['gt']['action'] = (record['gt']['verb'], record['gt']['noun'])
        if values.get('all_noun_classes'):
            record['all_noun_classes'] = row.parsed('all_noun_classes', json.loads, 'a list')
        if is_55:
            row.parsed('uid', int, 'a number')  # action ids follow its order
        name = record['narration_id'] = values[name_column]
        if name in lines:
            raise row.error(name_column, f'ids that occur once, but line {lines[name]} has it too')
        lines[name] = line
        records.append(record)
    return records


def read_class_names(path: str | Path) -> list[str]:
    """Names of the classes from an official class file of verbs or nouns.

    ``EPIC_100_verb_classes.csv`` calls id and name ``id`` and ``key``, ``EPIC_verb_classes.csv``
    (EPIC-KITCHENS-55) calls them ``verb_id`` and ``class_key``.

    Raises:
        ValueError: If the file is missing, lacks these columns, or its ids are not 0, 1, 2, ...
    """
    header, rows = _read_csv(path)
    for id_column, key in (('id', 'key'), ('verb_id', 'class_key'), ('noun_id', 'class_key')):
        if {id_column, key} <= set(header):
            break
    else:
        raise ValueError(
            f"{path}, line 1: the columns 'id' and 'key' are expected (EPIC-KITCHENS-55: 'verb_id' "
            f"or 'noun_id' and 'class_key'); got {column_names(header)}. Give an official "
            'class file, or the number of classes.'
        )
    names = []
    for line, values in rows:
        if values[id_column] != str(len(names)):
            raise ValueError(
                f'{path}, line {line}, column {id_column!r}: {len(names)} is expected, since '
                f'ids count up from 0; got {values[id_column]!r}.'
            )
        names.append(values[key])
    return names


class _Row:
    """One line of a CSV that knows where it stands."""

    def __init__(self, path: str | Path, line: int, values: dict[str, str]) -> None:
        self.path = path
        self.line = line
        self.values = values

    def error(self, column: str, expected: str) -> ValueError:
        return ValueError(
            f'{self.path}, line {self.line}, column {column!r}: expected is '
            f'{expected}; got {self.values[column]!r}. Correct this row.'
        )

    def parsed(self, column: str, parse, expected: str):
        try:
            return parse(self.values[column])
        except ValueError as error:
            raise self.error(column, expected) from error

    def frame(self, column: str) -> int:
        number = self.parsed(column, int, 'a frame number')
        if number < 1:
            raise self.error(column, 'a frame number from 1')
        return number

    def label(self, column: str, count: int) -> int:
        number = self.parsed(column, int, 'the number of a class')
        if not 0 <= number < count:
            raise self.error(
                column,
                f'a class within 0..{count - 1} (see `verb_classes` and '
                '`noun_classes` of the dataset)',
            )
        return number


def _official_times(row: _Row) -> dict:
    values = row.values
    stamp = 'a time stamp such as 00:01:02.53'
    start_seconds = row.parsed('start_timestamp', parse_timestamp, stamp)
    stop_seconds = row.parsed('stop_timestamp', parse_timestamp, stamp)
    if stop_seconds <= start_seconds:
        raise row.error('stop_timestamp', f'a time after {values["start_timestamp"]}')
    start_frame, stop_frame = row.frame('start_frame'), row.frame('stop_frame')
    if stop_frame <= start_frame:
        raise row.error('stop_frame', f'a frame after {start_frame}')
    return {
        'participant_id': values['participant_id'],
        'video_id': values['video_id'],
        'start_seconds': start_seconds,
        'stop_seconds': stop_seconds,
        'start_frame': start_frame,
        'stop_frame': stop_frame,
    }


def _c2_times(row: _Row) -> dict:
    values = row.values
    start, stop = row.frame('start'), row.frame('stop')
    if stop <= start:
        raise row.error('stop', f'an index after {start}')
    fps = row.parsed('video', nominal_fps, 'the id of an EPIC-KITCHENS video, such as P01_11')
    start_seconds, stop_seconds = frame_seconds(start, C2_FPS), frame_seconds(stop, C2_FPS)
    return {
        'participant_id': values['video'].partition('_')[0],
        'video_id': values['video'],
        'start_seconds': start_seconds,
        'stop_seconds': stop_seconds,
        'start_frame': official_frame(start_seconds, fps),
        'stop_frame': official_frame(stop_seconds, fps),
    }


def _read_csv(path: str | Path) -> tuple[list[str], Iterator[tuple[int, dict[str, str]]]]:
    """Header, and pairs of line number and row."""
    if not Path(path).is_file():
        raise ValueError(
            f'{path}: no such annotation file. Correct `data_root` and the name, or '
            'fetch it from github.com/epic-kitchens: epic-kitchens-100-annotations, or '
            'epic-kitchens-55-annotations.'
        )
    try:
        return _checked_csv(path)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f'{path}: a CSV in UTF-8 is expected, but it cannot be read as one: {error}. Fetch the '
            'file again.'
        ) from error


def _checked_csv(path: str | Path) -> tuple[list[str], Iterator[tuple[int, dict[str, str]]]]:
    with open(path, encoding='utf-8-sig', newline='') as file:
        reader = csv.reader(file)
        header = next(reader, [])
        rows = []
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                raise ValueError(
                    f'{path}, line {reader.line_num}: expected are {len(header)} cells as in the '
                    f'header, got {len(cells)}. Correct this row; text with commas wants quotes.'
                )
            rows.append((reader.line_num, dict(zip(header, cells, strict=True))))
    if not rows:
        raise ValueError(
            f'{path}: the file has no rows. Expected are a header and one row per '
            'clip or class; fetch the file again.'
        )
    return header, iter(rows)
