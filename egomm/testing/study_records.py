"""Results of a study in one file, from which its page is written: one JSON object a line.

Lines are of three kinds: a ``world`` (its name under ``world``, and what the page tells of it), a
``run`` (``world``, in a study of several widths ``width``, and what the run returned), and a
``sitting`` (when the command ran, ``what`` it was asked for, its ``minutes``, ``processes`` and
``machine``).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from egomm.apis.exports import write_whole

Record = Mapping[str, Any]
KEYS = {'world': ('world',), 'run': ('world', 'width', 'row', 'seed'), 'sitting': ('began', 'what')}
BY_HAND = '## Added by hand'


def read_records(path: Path) -> list[dict[str, Any]]:
    """The lines of a results file, none where there is no file.

    Raises:
        ValueError: If a line is no record; the text has its number.
    """
    records: list[dict[str, Any]] = []
    lines = path.read_text(encoding='utf-8').splitlines() if path.is_file() else []
    for number, line in enumerate(lines, start=1):
        try:
            records.append(json.loads(line))
        except ValueError as error:
            raise ValueError(
                f'{path}, line {number}: JSON is expected, but {error}. Repair or remove the line.'
            ) from error
    return records


def merge_records(path: Path, new: Iterable[Record]) -> list[Record]:
    """Write lines into a results file, each in place of one about the same; returns all.

    Older runs of a row at another learning rate than that of its new ones go.
    """
    new = list(new)
    rates = {_row(run): run['learning_rate'] for run in of_kind(new, 'run')}
    old = [
        record
        for record in read_records(path)
        if record['kind'] != 'run'
        or rates.get(_row(record), record['learning_rate']) == record['learning_rate']
    ]
    records = {_about(record): record for record in (*old, *new)}
    write_whole(path, ''.join(f'{json.dumps(record)}\n' for record in records.values()))
    return list(records.values())


def _about(record: Record) -> tuple:
    return (record['kind'], *(record.get(key) for key in KEYS[record['kind']]))


def _row(run: Record) -> tuple:
    return run['world'], run.get('width'), run['row']


def of_kind(records: Iterable[Record], kind: str) -> list[Record]:
    """The ``world`` lines, the ``run`` lines or the ``sitting`` lines."""
    return [record for record in records if record['kind'] == kind]


def sittings(records: Sequence[Record]) -> str:
    """On what machine the runs were done, when, and how long it took, as Markdown."""
    lines, found = [], sorted(of_kind(records, 'sitting'), key=lambda one: one['began'])
    for one in found:
        processes = f'{one["processes"]} process' + ('es' if one['processes'] > 1 else '')
        lines.append(f'* {one["began"]}, {one["minutes"]:.0f} min in {processes}: {one["what"]}')
    total = sum(one['minutes'] * one['processes'] for one in found)
    training = sum(run['seconds'] for run in of_kind(records, 'run')) / 60
    return (
        '### Machine and time\n\n'
        + '\n'.join(sorted({one['machine'] for one in found}))
        + '\n\n'
        + '\n'.join(lines)
        + f'\n\nTogether {total:.0f} minutes of a process; training the runs below took '
        f'{training:.0f} minutes of processor time of it, the rest went into making the worlds, '
        'choosing learning rates and scoring.\n'
    )


def by_hand(page: Path) -> str:
    """What stands in a page from the first heading "Added by hand" on, which no run replaces."""
    text = page.read_text(encoding='utf-8') if page.is_file() else ''
    place = text.find(f'\n{BY_HAND}')
    return text[place:] if place >= 0 else ''
