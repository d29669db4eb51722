"""One page over the studies of all papers: every verdict in one table, and the differences drawn.

It reads the tables of claims on the detail pages, so it runs nothing and can be made again.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

PAGES = ('study_mimo_levels', 'study_mimo', 'study_multitask', 'study_asl')
MARKS = {'confirmed': ('o', 'black'), 'undecided': ('o', 'white'), 'refuted': ('X', '0.55')}


class Finding(NamedTuple):
    """One line of a table of claims.

    Attributes:
        page: Name of the detail page.
        world: Heading that the table stands under.
        text: What is claimed, with the two rows.
        score: Name of the score.
        difference: First row less second.
        low: Lower end of its 95 % interval.
        high: Upper end.
        seeds: Runs of each of the rows.
        verdict: Confirmed, undecided or refuted.
    """

    page: str
    world: str
    text: str
    score: str
    difference: float
    low: float
    high: float
    seeds: int
    verdict: str


def read_findings(page: Path) -> list[Finding]:
    """Every line of every table of claims of a detail page.

    Seeds are the fewest in the tables of rows above, as differences are paired.
    """
    found, world, titles, seeds = [], '', [], {}
    for line in page.read_text(encoding='utf-8').splitlines():
        if line.startswith('### '):
            world = line[4:]
        cells = [cell.strip() for cell in line.strip('|').split(' | ')]
        if line.startswith('| row |') or line.startswith('| claim (first'):
            titles = cells
        if not line.startswith('| ') or len(cells) != len(titles):
            continue
        row = dict(zip(titles, cells, strict=True))
        if row.get('seeds', '').isdecimal():
            seeds[row['row']] = int(row['seeds'])
        interval = re.fullmatch(r'(\S+) \.\. (\S+)', row.get('95 % interval', ''))
        if interval and 'claim (first - second)' in row:
            pair = row['claim (first - second)'].rpartition(': ')[2].split(' - ')
            counts = [seeds[name] for name in pair if name in seeds] or list(seeds.values())
            found.append(
                Finding(
                    page.stem,
                    world,
                    row['claim (first - second)'],
                    row['score'],
                    float(row['difference']),
                    *map(float, interval.groups()),
                    min(counts),
                    row['verdict'].strip('*'),
                )
            )
    return found


def verdicts_table(findings: Sequence[Finding]) -> str:
    """All verdicts, the refuted as prominent as the confirmed, in the order of the pages."""
    lines = [
        '| verdict | claim (first - second) | world | score | difference | 95 % interval | seeds |',
        '|---' * 7 + '|',
    ]
    lines += [
        f'| **{one.verdict}** | {one.text} | [{one.world}]({one.page}.md) | {one.score} | '
        f'{one.difference:+.2f} | {one.low:+.2f} .. {one.high:+.2f} | {one.seeds} |'
        for one in findings
    ]
    return '\n'.join(lines) + '\n'


def draw(findings: Sequence[Finding], title: str, path: Path) -> None:
    """Differences with intervals, a line each; marks tell the verdicts also in grey."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 1.2 + 0.3 * len(findings)), layout='constrained')
    axes = figure.add_subplot()
    axes.axvline(0, color='0.4', linewidth=1)
    for place, one in enumerate(findings):
        marker, face = MARKS[one.verdict]
        axes.plot((one.low, one.high), (place, place), color='black', linewidth=1.2)
        axes.plot(one.difference, place, marker, color='black', mfc=face, markersize=8)
    names = [f'{one.text.rpartition(": ")[2]}, {_short(one.world)}' for one in findings]
    axes.set_yticks(range(len(findings)), names, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel('difference in points, 95 % interval over seeds', fontsize=9)
    axes.set_title(f'{title}   (filled: confirmed, hollow: undecided, x: refuted)', fontsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90)


def _short(world: str) -> str:
    words = {'Conflict': 'conflict', 'encoders of ': '', ' channels': ' ch.'}
    for long, short in {**words, 'boundary noise': 'noise', ' features': ''}.items():
        world = world.replace(long, short)
    return world


HEAD = """# The studies: which claims of the papers hold in the toy kitchen

Made by `python tools/study.py overview` from the tables of the detail pages:
[MIMO by level](study_mimo_levels.md), [MIMO, earlier runs](study_mimo.md),
[multi-task learning](study_multitask.md), [action sensitivity](study_asl.md). They say what was
run, on which machine and with what it cost. The two pages of MIMO have tokens made in different ways,
so a number of the one is not to be set against a number of the other.
"""
PLOTS = {
    'mimo': ('MIMO along conflict, width and balance', r'Query fusion|token a task|Allocating'),
    'multitask': ('Which extra tasks help', r'help|below'),
    'asl': ('Action sensitivity along core and boundary noise', r'ASL'),
}


def write_overview(docs: Path) -> Path:
    """Write ``study.md`` and its pictures beside the detail pages; returns its path."""
    findings = [one for name in PAGES for one in read_findings(docs / f'{name}.md')]
    parts = [HEAD, '## Verdicts\n', verdicts_table(findings), '## Plots\n']
    for paper, (title, pattern) in PLOTS.items():
        chosen = [
            one
            for one in findings
            if one.page.startswith(f'study_{paper}') and re.search(pattern, one.text)
        ]
        path = docs / 'images' / f'study_{paper}.png'
        draw(sorted(chosen, key=lambda one: one.text), title, path)
        parts.append(f'![{title}](images/{path.name})\n')
    out = docs / 'study.md'
    out.write_text('\n'.join(parts), encoding='utf-8')
    return out
