"""Measured cases as text: a section while they run, and one table in Markdown at the end."""

import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

_PACKAGES = (
    'torch',
    'numpy',
    'av',
    'mmengine',
    'mmaction2',
    'mmcv-lite',
    'decord',
    'opencv-python',
)
_COLUMNS = (
    *('case', 'side', 'seconds', 'CPU s', 'times as fast', 'in CPU s', 'target'),
    *('memory MB', 'share', 'target', 'difference', 'met'),
)


def section(name: str, result: Mapping[str, Any]) -> str:
    """What is printed of a case as soon as it is measured."""
    if 'error' in result:
        return f'{name}: not measured: {result["error"]}\n'
    lines = [
        f'{name}: {"; ".join(dict.fromkeys(result["work"]))} (load {result["load"]:.1f}; '
        f'{result["took"]["wall"]:.0f} s, {result["took"]["cpu"]:.0f} CPU s in all)',
        table(result['rows']),
    ]
    for growth in result['growth']:
        steps = ', '.join(
            f'{size:,}: {seconds:.3g} s'
            for size, seconds in zip(growth['sizes'], growth['seconds'])
        )
        lines.append(f'  growth with {growth["what"]}: exponent {growth["exponent"]:.2f} ({steps})')
    for label, value in result['facts'].items():
        lines.append(f'  {label}: {value:.4g}')
    for row in result['rows']:
        if 'flops' in row:
            lines.append(
                f'  {row["side"]}: {row["flops"] / 1e9:.0f} GFLOP at {row["rate"] / 1e9:.0f} '
                f'GFLOP/s, {row["share"]:.0%} of the rate of a matrix product'
            )
    lines += [f'  {note}' for note in result['notes']]
    return '\n'.join(lines) + '\n'


def page(about: Mapping[str, Any], results: Mapping[str, Mapping[str, Any]]) -> str:
    """All cases in one table, with what they were measured on."""
    rows = [row for result in results.values() for row in result.get('rows', ())]
    said = ', '.join(f'{key} {value}' for key, value in about['machine'].items())
    met = [verdict(row) for row in rows]
    settings = about['settings']
    return '\n'.join(
        [
            f'{said}; {settings["threads"]} threads{", quick" if settings["quick"] else ""}',
            '',
            table(rows),
            '',
            f'{met.count("yes")} targets met, {met.count("no")} not',
        ]
    )


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows in Markdown, columns aligned."""
    cells = [list(_COLUMNS), *map(_cells, rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_COLUMNS))]
    cells.insert(1, ['-' * width for width in widths])
    return '\n'.join(
        '| ' + ' | '.join(cell.ljust(width) for cell, width in zip(line, widths)) + ' |'
        for line in cells
    )


def verdict(row: Mapping[str, Any]) -> str:
    """``'yes'`` or ``'no'`` for a row with targets, else nothing."""
    wanted = [
        (row['target'], lambda: row['ratio'] >= row['target']),
        (row['limit'], lambda: row['fastest'] <= row['limit']),
    ]
    if row['memory_ratio'] is not None:
        wanted.append((row['memory_target'], lambda: row['memory_ratio'] <= row['memory_target']))
    held = [met() for target, met in wanted if target is not None]
    return '' if not held else 'yes' if all(held) else 'no'


def machine() -> dict[str, Any]:
    """What the numbers depend on."""
    found = {
        'cores': os.cpu_count(),
        'processor': processor(),
        'Python': platform.python_version(),
    }
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _cells(row: Mapping[str, Any]) -> list[str]:
    speed = row['target'] and f'>= {row["target"]:g}'
    limit = row['limit'] and f'< {row["limit"]:g} s'
    memory = row['memory']
    return [
        row['case'],
        row['side'],
        f'{row["seconds"]:.4g}',
        f'{row["cpu_seconds"]:.4g}',
        f'{row["ratio"]:.2f} ({row["ratio_range"][0]:.2f}-{row["ratio_range"][1]:.2f})',
        f'{row["cpu_ratio"]:.2f}',
        speed or limit or '',
        '' if memory is None else f'{memory / 1e6:.0f}',
        '' if memory is None else f'{row["memory_ratio"]:.2f}',
        '' if row['memory_target'] is None else f'<= {row["memory_target"]:g}',
        '' if row['difference'] is None else f'{row["difference"]:.1e}',
        verdict(row),
    ]


def processor() -> str:
    """Name of this machine's processor."""
    try:
        with open('/proc/cpuinfo', encoding='utf-8') as file:
            lines = dict(line.split(':', 1) for line in file if ':' in line)
    except OSError:
        return platform.machine()
    names = {key.strip(): value.strip() for key, value in lines.items()}
    return names.get('model name', platform.machine())
