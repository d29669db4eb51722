"""One page over the studies of all papers: every verdict in one table, and the differences drawn.

It reads the tables of claims on the detail pages, so it runs nothing and can be made again.
"""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from egomm.testing.asl_page import asl_page
from egomm.testing.mimo_page import mimo_page
from egomm.testing.study_records import by_hand, read_records

PAGES = ('study_mimo_levels', 'study_mimo', 'study_multitask', 'study_asl', 'study_asl_earlier')
FROM_RESULTS = {'study_mimo_levels': mimo_page, 'study_asl': asl_page}
EARLIER = {'study_mimo': 'earlier clips', 'study_asl_earlier': 'earlier runs'}
TITLES = {
    'study_mimo_levels': 'MIMO by level: clips drawn without files',
    'study_mimo': 'MIMO, earlier runs: other clips, from files',
    'study_asl': 'ASL, ten seeds',
    'study_asl_earlier': 'ASL, earlier runs: five seeds, three learning rates',
}
CLAIM = 'claim (first - second)'
SHOWN = ('query - ', 'query-aa - ')  # what is drawn along conflict
MARKS = {'confirmed': ('o', 'black'), 'undecided': ('o', 'white'), 'refuted': ('X', '0.55')}


HEAD = """# The studies: which claims of the papers hold in the toy kitchen

Made by `python tools/study.py overview` from the tables of the detail pages:
[MIMO by level](study_mimo_levels.md), [MIMO, earlier runs](study_mimo.md),
[multi-task learning](study_multitask.md), [action sensitivity](study_asl.md) and
[its earlier runs](study_asl_earlier.md). They say what was run and how a verdict is found. The toy
kitchen is a generated world: what holds in it need not hold on real video.

The two pages of MIMO have worlds with clips that were made in different ways (drawn without files,
or read from files behind a codec), so a number of the one is not to be set against a number of the
other; the tables call the older ones *earlier clips*, the plots have a panel for each. Worlds of
action sensitivity that were not run with ten seeds are called *earlier runs*.

**Machine and time.** Every page reports 2 CPU cores, no GPU. [MIMO by level](study_mimo_levels.md)
and [action sensitivity](study_asl.md) list when their runs were done and how long they took, on
cores shared with other work. How long the earlier runs of MIMO and those of multi-task learning
took as a whole was not written down; their tables have the CPU seconds of a run.
"""
SHORT = """In how many worlds a claim came out how; undecided means that the interval leaves both
open. A world of MIMO that stands on both of its pages counts twice. What the knob `conflict` does
to the gradients of the tasks, the manipulation check, stands on
[the page of MIMO](study_mimo_levels.md): it decides whether the worlds along the knob may speak of
a conflict of tasks at all. What to make of the verdicts, in words, stands at the end.
"""
QUESTIONS = {
    'Does query fusion beat the shared feature?': r'^(Query fusion beats|A token a task)',
    'How does that change with conflict?': r'^Conflict raises',
    'Does allocating help?': r'^(Allocating|The prose)',
    'Under how much imbalance?': r'^Imbalance raises',
    'What does re-allocating give out of sample?': r'^Re-allocating',
    'Does slowing the stronger modality help?': r'^OGM',
    'Which extra tasks help?': r'^(?!Allocating|Re-allocating|OGM).*(helps?\b|is below)',
    'What does action sensitivity give?': r'(ASL|Gaussians|Mean 1)',
}
PLOTS = {
    'mimo': (
        'MIMO along conflict, width and balance',
        r'Query fusion|token a task|Allocating|raises',
    ),
    'multitask': ('Which extra tasks help', r'help|below'),
    'asl': ('Action sensitivity along core and boundary noise', r'ASL'),
}
ALONG = r'Conflict (\S+), encoders of 32 channels'


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
    """Every line of every table of claims of a detail page, in its order.

    Seeds are those that the line names, else the fewest of its two rows in the tables above, as
    differences are paired.

    Raises:
        ValueError: If there is no such line.
    """
    found, world, titles, seeds = [], '', [], {}
    for line in page.read_text(encoding='utf-8').splitlines():
        if line.startswith('### '):
            world = line[4:]
        cells = [cell.strip() for cell in line.strip('|').split(' | ')]
        if line.startswith(('| row |', f'| {CLAIM} |')):
            titles = cells
        if not line.startswith('| ') or len(cells) != len(titles):
            continue
        row = dict(zip(titles, cells, strict=True))
        if 'row' in row and row.get('seeds', '').isdecimal():
            seeds[row['row']] = int(row['seeds'])
        interval = re.fullmatch(r'(\S+) \.\. (\S+)', row.get('95 % interval', ''))
        if interval and CLAIM in row:
            pair = row[CLAIM].rpartition(': ')[2].split(' - ')
            counts = [seeds[name] for name in pair if name in seeds] or list(seeds.values())
            found.append(
                Finding(
                    page.stem,
                    world,
                    row[CLAIM],
                    row['score'],
                    float(row['difference']),
                    *map(float, interval.groups()),
                    int(row.get('seeds') or min(counts)),
                    row['verdict'].strip('*'),
                )
            )
    if not found:
        raise ValueError(
            f'{page} has no table of claims: wanted lines under "| {CLAIM} | ..." with a '
            '95 % interval. Write the page by tools/study.py first.'
        )
    return found


def verdicts_table(findings: Sequence[Finding]) -> str:
    """All verdicts, the refuted as prominent as the confirmed, in the order of the pages."""
    lines = [
        f'| verdict | {CLAIM} | world | score | difference | 95 % interval | seeds |',
        '|---' * 7 + '|',
    ]
    lines += [
        f'| **{one.verdict}** | {one.text} | [{one.world}]({one.page}.md)'
        f'{f" ({EARLIER[one.page]})" if one.page in EARLIER else ""} | {one.score} | '
        f'{one.difference:+.2f} | {one.low:+.2f} .. {one.high:+.2f} | {one.seeds} |'
        for one in findings
    ]
    return '\n'.join(lines) + '\n'


def summary_table(findings: Sequence[Finding]) -> str:
    """In how many worlds each claim is confirmed, undecided and refuted, by question."""
    lines = [f'| question | claim | {" | ".join(MARKS)} |', '|---' * 5 + '|']
    for question, pattern in QUESTIONS.items():
        counts: dict[str, Counter[str]] = {}
        for one in findings:
            claim = one.text.partition(': ')[0]
            if re.search(pattern, claim):
                counts.setdefault(claim, Counter())[one.verdict] += 1
        for claim, count in counts.items():
            cells = ' | '.join(str(count[verdict] or '') for verdict in MARKS)
            lines.append(f'| {question} | {claim} | {cells} |')
            question = ''
    return '\n'.join(lines) + '\n'


def draw(findings: Sequence[Finding], title: str, path: Path) -> None:
    """Differences with intervals, a line each, and a panel for each page of separate worlds.

    Marks tell the verdicts also in grey.
    """
    from matplotlib.figure import Figure

    pages = {page: [one for one in findings if one.page == page] for page in PAGES}
    panels = [(page, chosen) for page, chosen in pages.items() if chosen]
    heights = [len(chosen) + 1 for _, chosen in panels]
    figure = Figure(figsize=(9, 1.2 + 0.3 * sum(heights)), layout='constrained')
    grid = figure.subplots(
        len(panels), sharex=True, squeeze=False, gridspec_kw={'height_ratios': heights}
    )
    for axes, (page, chosen) in zip(grid[:, 0], panels):
        axes.axvline(0, color='0.4', linewidth=1)
        for place, one in enumerate(chosen):
            marker, face = MARKS[one.verdict]
            axes.plot((one.low, one.high), (place, place), color='black', linewidth=1.2)
            axes.plot(one.difference, place, marker, color='black', mfc=face, markersize=8)
        axes.set_yticks(range(len(chosen)), [_label(one) for one in chosen], fontsize=8)
        axes.set_ylim(len(chosen) - 0.5, -0.5)
        if len(panels) > 1:
            axes.set_title(TITLES[page], fontsize=9)
    grid[-1, 0].set_xlabel('difference in points, 95 % interval over seeds', fontsize=9)
    figure.suptitle(f'{title}\nfilled: confirmed, hollow: undecided, x: refuted', fontsize=10)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90)


def draw_along_conflict(findings: Sequence[Finding], title: str, path: Path) -> None:
    """Differences of rows against the knob, of worlds whose clips were drawn the same way."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout='constrained')
    axes = figure.add_subplot()
    axes.axhline(0, color='0.4', linewidth=1)
    lines: dict[str, list[tuple[float, Finding]]] = {}
    for one in findings:
        level = re.fullmatch(ALONG, one.world)
        if level and one.page == PAGES[0]:
            pair = one.text.rpartition(': ')[2]
            if not pair.startswith(SHOWN):
                continue
            lines.setdefault(pair, []).append((float(level[1]), one))
    lines = {pair: points for pair, points in lines.items() if len(points) > 1}
    for place, (pair, points) in enumerate(lines.items()):
        shift = 0.01 * (place - len(lines) / 2)  # or intervals would hide each other
        marker = 'os^Dv<>PX*'[place]
        axes.errorbar(
            [level + shift for level, _ in points],
            [one.difference for _, one in points],
            [[one.difference - one.low for _, one in points],
             [one.high - one.difference for _, one in points]],
            marker=marker, capsize=3, label=pair, linewidth=1,
        )  # fmt: skip
    axes.set_xlabel('conflict', fontsize=9)
    axes.set_ylabel('difference in points, 95 % interval over seeds', fontsize=9)
    axes.set_title(title, fontsize=10)
    figure.legend(loc='outside right center', fontsize=8)
    figure.savefig(path, dpi=90)


def _label(one: Finding) -> str:
    claim, _, pair = one.text.rpartition(': ')
    if 'does not' in claim:
        pair = f'{pair} (claimed not to win)'
    if one.world in ('Claims', 'Between worlds'):  # these do not tell one line from another
        return pair
    world = one.world
    words = {'Conflict': 'conflict', 'encoders of ': '', ' channels': ' ch.'}
    for long, short in {**words, 'boundary noise': 'noise', ' features': ''}.items():
        world = world.replace(long, short)
    return f'{pair}, {world}'


def write_overview(docs: Path) -> Path:
    """Write ``study.md`` and its pictures beside the detail pages; returns its path.

    Detail pages that have their results beside them are written first.
    """
    for name, write in FROM_RESULTS.items():
        results, page = (docs / f'{name}.{suffix}' for suffix in ('jsonl', 'md'))
        if results.is_file():
            text = write(read_records(results), results.name) + by_hand(page)
            page.write_text(text, encoding='utf-8')
    findings = [one for name in PAGES for one in read_findings(docs / f'{name}.md')]
    parts = [HEAD, '## In short\n', SHORT, summary_table(findings), '## Plots\n']
    along = docs / 'images' / 'study_mimo_conflict.png'
    pictures = [('MIMO along conflict, 32 channels', along)]
    for paper, (title, pattern) in PLOTS.items():
        chosen = [
            one
            for one in findings
            if one.page.startswith(f'study_{paper}') and re.search(pattern, one.text)
        ]
        path = docs / 'images' / f'study_{paper}.png'
        draw(sorted(chosen, key=lambda one: one.text), title, path)
        pictures.append((title, path))
    draw_along_conflict(findings, *pictures[0])
    parts += [f'![{title}](images/{path.name})\n' for title, path in pictures]
    parts += ['## All verdicts\n', verdicts_table(findings)]
    out = docs / 'study.md'
    out.write_text('\n'.join(parts) + by_hand(out), encoding='utf-8')
    return out
