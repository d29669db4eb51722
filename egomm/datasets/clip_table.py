"""Clips of one's own: one CSV, a row a clip, a column a task."""

import csv
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from egomm.datasets.clips import ClipDataset
from egomm.functional.time_grid import official_frame, parse_timestamp
from egomm.functional.wording import column_names
from egomm.registry import DATASETS

_NEEDED = ('video', 'start', 'stop')
_OPTIONAL = ('clip', 'participant')


@DATASETS.register_module()
class ClipTable(ClipDataset):
    """Labelled clips of any videos.

    The CSV has a header with ``video`` (which fills the place of ``{video}`` in the paths of
    ``sources``), ``start`` and ``stop`` (seconds, or a time stamp such as 00:01:02.5) and a column
    for every task. There may be ``clip``, an id of its own for every row (else
    ``<video>_<row>``), and ``participant`` (else the video). An empty cell is a missing label.

    Args:
        ann_file: The CSV.
        classes: By task the number of classes, where the column holds numbers from 0, or a text
            file with the name of a class a line, where the column holds these names.
        fps: Frames per second of the numbers of single images, for ``sources`` of type ``frames``
            and ``flow``, and how finely clips are sampled.
        **kwargs: Of `ClipDataset`.

    Raises:
        ValueError: For whatever is wrong with the files; the text names file, line and column.
    """

    METAINFO = {'dataset': 'clip table'}

    def __init__(
        self, ann_file: str, classes: Mapping[str, int | str], fps: float = 30.0, **kwargs: Any
    ) -> None:
        if not 0 < fps < math.inf:
            raise ValueError(f'ClipTable wants fps > 0, frames per second; got {fps!r}.')
        self.fps = fps
        super().__init__(ann_file, classes, **kwargs)

    @staticmethod
    def read_class_names(path: str) -> list[str]:
        """Names of the classes: the lines of a text file, in order of their ids."""
        if not Path(path).is_file():
            raise ValueError(
                f'There is no file {path} with the name of a class a line. Write it, or give the '
                'number of classes.'
            )
        names = [line.strip() for line in Path(path).read_text(encoding='utf-8').splitlines()]
        names = [name for name in names if name]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if not names or repeated:
            raise ValueError(
                f'{path}: names that occur once are expected, one a line; got '
                f'{f"{repeated} twice" if repeated else "none"}. Correct the file.'
            )
        return names

    def read_records(self) -> list[dict]:
        """Records as `egomm.datasets.annotations.read_records` gives them, with these tasks."""
        path = Path(self.ann_file)
        if not path.is_file():
            raise ValueError(f'{path}: no such annotation file. Correct `data_root` and the name.')
        with path.open(encoding='utf-8-sig', newline='') as file:
            reader = csv.DictReader(file)
            header = list(reader.fieldnames or ())
            wanted = [*_NEEDED, *self.num_classes]
            missing = [column for column in wanted if column not in header]
            if self.test_mode:  # what has no labels can still be looked at
                missing = [column for column in missing if column in _NEEDED]
            if missing:
                raise ValueError(
                    f'{path}, line 1: column {", ".join(map(repr, missing))} is missing; the '
                    f'header has {column_names(header)}. Expected are '
                    f'{", ".join(wanted)}, and if wanted {", ".join(_OPTIONAL)}.'
                )
            records = [self._record(reader.line_num, row) for row in reader]
        ids: dict[str, int] = {}
        for line, record in enumerate(records, start=2):
            first = ids.setdefault(record['narration_id'], line)
            if first != line:
                raise ValueError(
                    f"{path}, column 'clip': ids that occur once are expected, but two rows have "
                    f'{record["narration_id"]!r}. Rename one, or leave the column out.'
                )
        return records

    def _record(self, line: int, row: dict[str, str]) -> dict:
        start = self._seconds(line, row, 'start')
        stop = self._seconds(line, row, 'stop')
        if stop <= start:
            raise self._error(line, 'stop', f'a time after {row["start"]}', row['stop'])
        first = official_frame(start, self.fps)
        return {
            'narration_id': row.get('clip') or f'{row["video"]}_{line - 1}',
            'participant_id': row.get('participant') or row['video'],
            'video_id': row['video'],
            'start_seconds': start,
            'stop_seconds': stop,
            'start_frame': first,
            'stop_frame': max(first + 1, official_frame(stop, self.fps)),
            'gt': {
                task: self._label(line, task, row[task])
                for task in self.num_classes
                if row.get(task)
            },
        }

    def _seconds(self, line: int, row: dict[str, str], column: str) -> float:
        text = row[column] or ''
        try:
            seconds = parse_timestamp(text) if ':' in text else float(text)
        except ValueError:
            seconds = math.nan
        if not 0 <= seconds < math.inf:
            what = 'seconds from 0, or a time stamp such as 00:01:02.5,'
            raise self._error(line, column, what, text)
        return seconds

    def _label(self, line: int, task: str, text: str) -> int:
        names = self.metainfo['classes'].get(task)
        if names is not None:
            if text not in names:
                raise self._error(line, task, f'a name of its class file ({names[:3]}, ...)', text)
            return names.index(text)
        count = self.num_classes[task]
        if not text.isdecimal() or int(text) >= count:
            raise self._error(line, task, f'a class within 0..{count - 1}', text)
        return int(text)

    def _error(self, line: int, column: str, expected: str, got: str) -> ValueError:
        return ValueError(
            f'{self.ann_file}, line {line}, column {column!r}: {expected} is expected; '
            f'got {got!r}. Correct this row.'
        )
