"""Columns of the CSV files that belong to a protocol: ids to submit, tail classes, labels."""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from egomm.functional.wording import column_names

# By task, in the official files.
OFFICIAL_LABELS = {'verb': 'verb_class', 'noun': 'noun_class'}


def read_columns(
    path: str | Path, columns: Mapping[str, Callable[[str], Any]]
) -> dict[str, list[Any]]:
    """Some columns of a CSV file.

    Args:
        path: A CSV in UTF-8 with a header.
        columns: What makes a value of a cell's text (``int``, ``str``), by column.

    Returns:
        The values by column, in the order of the rows.

    Raises:
        ValueError: If the file is missing, is no CSV in UTF-8, lacks a column or all rows, or a
            cell is not what its column holds.
    """
    wanted = ', '.join(map(repr, columns))
    if not Path(path).is_file():
        raise ValueError(
            f'There is no file {path} (wanted: a CSV with the column {wanted}). Correct the path, '
            'or get it from github.com/epic-kitchens/epic-kitchens-100-annotations.'
        )
    values: dict[str, list[Any]] = {column: [] for column in columns}
    try:
        with open(path, newline='', encoding='utf-8-sig') as file:
            reader = csv.DictReader(file)
            if not set(columns) <= set(reader.fieldnames or ()):
                raise ValueError(
                    f'{path} has the columns {column_names(reader.fieldnames or ())}; wanted is '
                    f'{wanted}. Check that the right file is given.'
                )
            for row in reader:
                for column, kind in columns.items():
                    values[column].append(_value(path, reader.line_num, column, row[column], kind))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f'{path}: a CSV in UTF-8 is wanted, but it cannot be read as one: {error}. Fetch the '
            'file again.'
        ) from error
    if not all(values.values()):
        raise ValueError(f'{path} has a header and no rows. Fetch the file again.')
    return values


def read_list(path: str | Path, column: str, kind: Callable[[str], Any]) -> list[Any]:
    """The column of a CSV file that lists something once each, such as the tail classes.

    Args:
        path: As in `read_columns`.
        column: Name of the column.
        kind: What makes a value of a cell's text.

    Raises:
        ValueError: As `read_columns`, or if a value stands there twice: that is another file,
            such as the annotations, which have this column too.
    """
    values = read_columns(path, {column: kind})[column]
    if len(set(values)) < len(values):
        twice = next(value for value in values if values.count(value) > 1)
        raise ValueError(
            f'{path} is to list each {column} once; {twice!r} stands there '
            f'{values.count(twice)} times. Give the official list, no annotations.'
        )
    return values


def _value(
    path: str | Path, line: int, column: str, text: str | None, kind: Callable[[str], Any]
) -> Any:
    try:
        if text is None:
            raise ValueError('the row ends before this column')
        return kind(text)
    except ValueError as error:
        names: dict[Callable[[str], Any], str] = {int: 'an id', float: 'a number'}
        what = f'wanted is {names[kind]}' if kind in names else f'{error}'.rstrip('.')
        raise ValueError(
            f'{path}, line {line}: {text!r} in column {column!r}; {what}. Restore the official '
            'file.'
        ) from error
