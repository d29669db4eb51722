"""The rows of the papers' tables: what each needs, what the paper prints, and what we have got."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

HEAD = """# Paper tables

One row a line of the papers' tables, with the config that is it. Written by
`python tools/reproduce.py --page` from `configs/paper_tables.yml` and the results in
`docs/paper_results.json`; a number of ours stands here only with its run card there. **Empty means
that nobody has run the row on the real data with this code.** A dash stands for a number of the
paper that is not known here, or of a task that the row has not. A row is one command, which looks
through the data, trains, tests, and appends the result:

<!-- not run: needs the data of the row -->
```bash
python tools/reproduce.py mimo-query --weights swin_t.pth
```

The same command goes on where it was stopped. `python tools/reproduce.py --list` shows all rows. Of
several results of a row the latest is shown, with their number.
"""


class Row(NamedTuple):
    """One line of a table.

    ``config`` is a path from the top of the checkout; ``paper`` has a number (or None) for each of
    ``scores``, a name of ours by what the column is called; ``scale`` is what ours are multiplied
    by. For ``start``, ``search``, ``splits`` and ``note`` see the head of
    ``configs/paper_tables.yml``.
    """

    name: str
    config: str
    table: str
    paper: list[float | None]
    scores: dict[str, str]
    scale: list[float]
    pretrained: list[str]
    start: str | None = None
    search: bool = False
    splits: bool = False
    note: str | None = None

    def ours(self, found: Mapping[str, float]) -> list[float | None]:
        """Our numbers in the units and the order of the paper's; None where a task is not there.

        Raises:
            ValueError: If the paper has a number that our test has not.
        """
        missing = [
            name
            for name, stated in zip(self.scores.values(), self.paper, strict=True)
            if stated is not None and name not in found
        ]
        if missing:
            raise ValueError(
                f'{self.name} wants the scores {missing}; the test gave {sorted(found)}. Correct '
                '`scores` of its table.'
            )
        return [
            found[name] * scale if name in found else None
            for name, scale in zip(self.scores.values(), self.scale, strict=True)
        ]


def read_tables(path: Path) -> list[dict[str, Any]]:
    """Tables of a file such as ``configs/paper_tables.yml``, with ``rows`` as `Row` by name."""
    tables = yaml.safe_load(path.read_text(encoding='utf-8'))['tables']
    for table in tables:
        scores = table['scores']
        shared = dict(
            scores=scores,
            scale=table.get('scale', [1] * len(scores)),
            pretrained=table.get('pretrained', []),
        )
        table['rows'] = {
            name: Row(name=name, **shared, **row) for name, row in table['rows'].items()
        }
    return tables


def read_results(path: Path) -> list[dict[str, Any]]:
    """Results with their run cards, in the order they were made; none if there is no file."""
    return json.loads(path.read_text(encoding='utf-8')) if path.is_file() else []


def page(tables: Sequence[Mapping[str, Any]], results: Sequence[Mapping[str, Any]]) -> str:
    """The page of all tables."""
    parts = [HEAD]
    for table in tables:
        columns = list(table['scores'])
        parts.append(f'## {table["paper"]}\n')
        parts.append(f'{table["source"]}.\n')
        parts.append(f'* Data: {table["data"]}\n* Weights: {table["weights"]}\n')
        parts.append(f'| row | config | from | paper: {" / ".join(columns)} | ours |')
        parts.append('|---|---|---|---|---|')
        for row in table['rows'].values():
            parts.append(_line(row, [result for result in results if result['row'] == row.name]))
        for row in table['rows'].values():
            if row.note:
                parts.append(f'\n`{row.name}` is not one command: {row.note}.')
        parts.append('')
    return '\n'.join(parts).rstrip() + '\n'


def _line(row: Row, results: Sequence[Mapping[str, Any]]) -> str:
    config = f'`{row.config}`'
    if row.start:
        config += f', the checkpoint of `{row.start}`'
    if row.search:
        config += (
            ', weights by `tools/search_reallocation.py` from participants that are not scored'
        )
    if row.splits:
        config += ', by `tools/egtea_splits.py`'
    ours = ''
    if results:
        ours = _numbers(results[-1]['ours']) + (f' ({len(results)})' if len(results) > 1 else '')
    return f'| `{row.name}` | {config} | {row.table} | {_numbers(row.paper)} | {ours} |'


def _numbers(values: Sequence[float | None]) -> str:
    return ' / '.join('-' if value is None else f'{value:.2f}' for value in values)
