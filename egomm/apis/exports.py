"""What `Recognizer` and `Localizer` found, as text of a file: JSON, CSV, Parquet, SRT."""

import csv
import importlib.util
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from egomm.functional.whole_files import written_beside

COLUMNS = ('source', 'start', 'stop', 'task', 'query', 'rank', 'label', 'name', 'score')
FORMATS = ('json', 'csv', 'srt', 'parquet')


def export(results: Sequence[Mapping[str, Any]], kind: str) -> str | bytes:
    """The content of a file.

    Args:
        results: Of one video, in the form that the two classes give.
        kind: ``json`` has everything but heat maps; ``csv`` a row for each class, moment or
            answer, ``parquet`` the same typed; ``srt`` subtitles of the best of each stretch, for
            any player.

    Raises:
        ValueError: For another kind, or Parquet without pyarrow.
    """
    check_kind(kind)
    if kind == 'json':
        return json.dumps(_plain(results), indent=1, ensure_ascii=False) + '\n'
    if kind == 'csv':
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, restval='', lineterminator='\n')
        writer.writeheader()
        writer.writerows(row for result in results for row in rows(result))
        return text.getvalue()
    if kind == 'srt':
        return _subtitles([row for result in results for row in rows(result)])
    return _parquet([row for result in results for row in rows(result)])


def check_kind(kind: str) -> None:
    """Refuse what cannot be written, before anything is looked at.

    Raises:
        ValueError: For no format, or Parquet without pyarrow.
    """
    if kind not in FORMATS:
        raise ValueError(f'A format is one of {", ".join(FORMATS)}; got {kind!r}.')
    if kind == 'parquet' and importlib.util.find_spec('pyarrow') is None:
        raise ValueError(
            'Parquet is written by pyarrow, which is not installed. Take csv, or pip install '
            'pyarrow.'
        )


def write_whole(path: str | Path, content: str | bytes) -> None:
    """Write a file, which appears under its name once it is complete.

    Raises:
        ValueError: If it cannot be written, as on a full disk; the text is one line.
    """
    path = Path(path)
    # A file name may hold bytes that are no text.
    data = content.encode(errors='replace') if isinstance(content, str) else content
    try:
        with written_beside(path) as file:
            file.write(data)
    except OSError as error:
        raise ValueError(
            f'{path}: cannot be written ({error.strerror}). Make room, or name another folder.'
        ) from error


def rows(result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """One dict with the keys of `COLUMNS` for each class, moment or answer."""
    for stretch in (result, *result.get('windows', ())):
        for task, answers in stretch.get('tasks', {}).items():
            if isinstance(answers, list):  # points are no rows
                place = dict(start=stretch['start'], stop=stretch['stop'], task=task)
                yield from _ranked(result, answers, **place)
    yield from _ranked(result, result.get('moments', ()), task='moment')
    yield from _ranked(result, result.get('answers', ()), task='answer', query=result.get('query'))


def _plain(value: Any) -> Any:
    """Without arrays: heat maps are for pages."""
    if isinstance(value, Mapping):
        return {
            key: _plain(part) for key, part in value.items() if not isinstance(part, np.ndarray)
        }
    return [_plain(part) for part in value] if isinstance(value, (list, tuple)) else value


def _ranked(
    result: Mapping[str, Any], answers: Sequence[Mapping[str, Any]], **place: Any
) -> Iterator[dict[str, Any]]:
    for rank, answer in enumerate(answers, start=1):
        row = {'source': result['source'], 'rank': rank, **place, **answer}
        if isinstance(row.get('label'), list):
            row['label'] = '-'.join(map(str, row['label']))
        yield row


def _parquet(found: Sequence[Mapping[str, Any]]) -> bytes:
    import pyarrow
    from pyarrow import parquet

    kinds = dict(start=pyarrow.float64(), stop=pyarrow.float64(), score=pyarrow.float64())
    schema = pyarrow.schema(
        [
            (name, pyarrow.int64() if name == 'rank' else kinds.get(name, pyarrow.string()))
            for name in COLUMNS
        ]
    )
    # A class of actions is text, so any class is.
    labels = [row.get('label') for row in found]
    texts = [
        {**row, 'label': None if label is None else str(label)} for row, label in zip(found, labels)
    ]
    file = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist(texts, schema), file)
    return file.getvalue()


def _subtitles(found: Sequence[Mapping[str, Any]]) -> str:
    """Moments, the best answer to each query, and the best class of the most joint task."""
    tasks = {row['task'] for row in found}
    classes = 'action' if 'action' in tasks else next(iter(sorted(tasks)), '')
    shown = [
        row
        for row in found
        if row['task'] == 'moment' or (row['rank'] == 1 and row['task'] in ('answer', classes))
    ]
    blocks = [
        f'{number}\n{_clock(row["start"])} --> {_clock(row["stop"])}\n'
        f'{row.get("query") or row.get("name")} ({row["score"]:.2f})\n'
        for number, row in enumerate(sorted(shown, key=lambda row: row['start']), start=1)
    ]
    return '\n'.join(blocks)


def _clock(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f'{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d},{rest % 1000:03d}'
