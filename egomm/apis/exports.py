"""What `Recognizer` and `Localizer` found, as text of a file: JSON, CSV, SRT."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

COLUMNS = ('source', 'start', 'stop', 'task', 'query', 'rank', 'label', 'name', 'score')
FORMATS = ('json', 'csv', 'srt')


def export(results: Sequence[Mapping[str, Any]], kind: str) -> str:
    """The text of a file.

    Args:
        results: Of one video, in the form that the two classes give.
        kind: ``json`` has everything; ``csv`` a row for each class, moment or answer; ``srt``
            subtitles of the best of each stretch, for any player.

    Raises:
        ValueError: For another kind.
    """
    if kind == 'json':
        return json.dumps(list(results), indent=1, ensure_ascii=False) + '\n'
    if kind == 'csv':
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, restval='', lineterminator='\n')
        writer.writeheader()
        writer.writerows(row for result in results for row in rows(result))
        return text.getvalue()
    if kind == 'srt':
        return _subtitles([row for result in results for row in rows(result)])
    raise ValueError(f'A format is one of {", ".join(FORMATS)}; got {kind!r}.')


def rows(result: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """One dict with the keys of `COLUMNS` for each class, moment or answer."""
    for stretch in (result, *result.get('windows', ())):
        for task, answers in stretch.get('tasks', {}).items():
            if isinstance(answers, list):  # points are no rows
                place = dict(start=stretch['start'], stop=stretch['stop'], task=task)
                yield from _ranked(result, answers, **place)
    yield from _ranked(result, result.get('moments', ()), task='moment')
    yield from _ranked(result, result.get('answers', ()), task='answer', query=result.get('query'))


def _ranked(
    result: Mapping[str, Any], answers: Sequence[Mapping[str, Any]], **place: Any
) -> Iterator[dict[str, Any]]:
    for rank, answer in enumerate(answers, start=1):
        row = {'source': result['source'], 'rank': rank, **place, **answer}
        if isinstance(row.get('label'), list):
            row['label'] = '-'.join(map(str, row['label']))
        yield row


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
