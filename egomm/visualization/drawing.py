"""Figures from plain arrays: nothing here knows a model or a data set.

Every drawing is a `matplotlib.figure.Figure`, made without a display. Colours are those of Okabe
and Ito (2008), which colour-blind readers can tell apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

COLOURS = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#000000')

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class ClipPicture:
    """What the contact sheet shows of one clip.

    Args:
        title: One line about the clip.
        frames: ``(T, H, W, 3)`` uint8, RGB.
        truth: Name of the true class by task; a task without a label is absent.
        predictions: Names and probabilities of the best classes by task, best first.
        shares: By task, the share of attention on each modality, 0..1. May be empty.
    """

    title: str
    frames: np.ndarray
    truth: Mapping[str, str]
    predictions: Mapping[str, Sequence[tuple[str, float]]]
    shares: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure, and the folder that it is to lie in.

    Raises:
        ValueError: If the ending is of no kind of picture.
    """
    path = Path(path)
    kinds = figure.canvas.get_supported_filetypes()
    if path.suffix[1:].lower() not in kinds:
        raise ValueError(f'{path}: a picture ends in one of {", ".join(kinds)}. Rename it.')
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def curves(panels: Mapping[str, Mapping[str, Points]]) -> Figure:
    """Lines over whole numbers (steps or epochs), one panel a quantity.

    Args:
        panels: By title (the quantity and its axis), the lines by name, each a list of ``(x, y)``.

    Raises:
        ValueError: If a panel has no line with a point.
    """
    empty = [name for name, lines in panels.items() if not any(map(len, lines.values()))]
    if not panels or empty:
        raise ValueError(
            f'curves wants at least one point in every panel; got none in {empty or "any"}. '
            'Leave the panel out.'
        )
    columns = len(panels) if len(panels) < 4 else 2
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(5.2 * columns, 3.6 * rows), dpi=120, layout='constrained')
    for index, (name, lines) in enumerate(panels.items()):
        axes = figure.add_subplot(rows, columns, index + 1)
        for colour, (label, points) in zip(COLOURS, lines.items()):
            # A few points are marked one by one, many would hide the line.
            marker = 'o' if len(points) < 30 else None
            axes.plot(*zip(*points), color=colour, label=label, marker=marker, markersize=4)
        if any(y < 0 for points in lines.values() for _, y in points):
            axes.axhline(0, color='black', linewidth=0.8)
        axes.set_title(name, fontsize=10)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    return figure


def confusion(counts: np.ndarray, names: Sequence[str], title: str) -> Figure:
    """Shares of each true class (row) that were answered as each class (column).

    Args:
        counts: ``(C, C)``, row = truth, column = answer. A row without clips stays blank.
        names: The ``C`` class names.
        title: Above the figure.

    Raises:
        ValueError: If there are not as many names as classes.
    """
    counts = np.asarray(counts)
    if counts.shape != (len(names), len(names)):
        raise ValueError(
            f'confusion wants counts of shape (C, C) with C names; got {counts.shape} and '
            f'{len(names)} names.'
        )
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.where(totals > 0, counts / np.maximum(totals, 1), np.nan)
    side = 2.2 + 0.38 * len(names)
    figure = Figure(figsize=(side + 0.6, side), dpi=120, layout='constrained')
    axes = figure.add_subplot()
    image = axes.imshow(shares, vmin=0, vmax=1, cmap='cividis')
    ticks = range(len(names))
    axes.set_xticks(ticks, names, rotation=60, ha='right', rotation_mode='anchor', fontsize=8)
    axes.set_yticks(
        ticks, [f'{name} ({total})' for name, total in zip(names, totals[:, 0])], fontsize=8
    )
    axes.set(xlabel='answer', ylabel='truth (clips)', title=title)
    if len(names) <= 30:
        for row, column in np.argwhere(counts > 0):
            bright = shares[row, column] > 0.5
            axes.text(
                column,
                row,
                str(counts[row, column]),
                ha='center',
                va='center',
                fontsize=7,
                color='black' if bright else 'white',
            )
    figure.colorbar(image, ax=axes, shrink=0.7, label='share of the true class')
    return figure


def bars(groups: Mapping[str, Mapping[str, float]], ylabel: str, title: str) -> Figure:
    """Grouped bars with their values: groups along x, one colour a member."""
    members = list(dict.fromkeys(name for group in groups.values() for name in group))
    figure = Figure(figsize=(1.8 + 1.5 * len(groups), 3.4), dpi=120, layout='constrained')
    axes = figure.add_subplot()
    width = 0.8 / max(1, len(members))
    for index, (name, colour) in enumerate(zip(members, COLOURS)):
        places = np.arange(len(groups)) + (index - (len(members) - 1) / 2) * width
        heights = [group.get(name, np.nan) for group in groups.values()]
        drawn = axes.bar(places, heights, width, color=colour, label=name)
        axes.bar_label(drawn, fmt='%.1f', fontsize=8, padding=2)
    axes.axhline(0, color='black', linewidth=0.8)
    axes.set_xticks(range(len(groups)), list(groups))
    axes.set(ylabel=ylabel, title=title)
    axes.margins(y=0.15)
    axes.legend(fontsize=8)
    return figure


def contact_sheet(clips: Sequence[ClipPicture]) -> Figure:
    """One row a clip: its frames, its truth, the best answers and where attention went.

    Raises:
        ValueError: If there is no clip.
    """
    if not clips:
        raise ValueError('contact_sheet wants at least one clip; got none.')
    count = max(len(clip.frames) for clip in clips)
    with_shares = any(clip.shares for clip in clips)
    widths = [1.0] * count + [1.7] + [1.4] * with_shares
    figure = Figure(
        figsize=(1.05 * sum(widths), 1.4 * len(clips) + 0.3), dpi=130, layout='constrained'
    )
    grid = figure.add_gridspec(len(clips), len(widths), width_ratios=widths)
    for row, clip in enumerate(clips):
        for column in range(count):
            axes = figure.add_subplot(grid[row, column])
            axes.axis('off')
            if column < len(clip.frames):
                axes.imshow(clip.frames[column], interpolation='nearest')
            if column == 0:
                axes.set_title(clip.title, fontsize=7, loc='left')
        _write_answers(figure.add_subplot(grid[row, count]), clip)
        if with_shares:
            _draw_shares(figure.add_subplot(grid[row, count + 1]), clip, legend=row == 0)
    return figure


def _write_answers(axes: Axes, clip: ClipPicture) -> None:
    axes.axis('off')
    lines = []
    for task, answers in clip.predictions.items():
        truth = clip.truth.get(task)
        lines.append((f'{task}: {truth or "no label"}', 'black', 'bold'))
        for name, probability in answers:
            right = name == truth
            text = f'  {"+" if right else "-"} {name} {100 * probability:.0f} %'
            lines.append((text, COLOURS[2] if right else COLOURS[1], 'normal'))
    for index, (text, colour, weight) in enumerate(lines):
        height = 1.0 - index / max(1, len(lines))
        axes.text(
            0,
            height,
            text,
            color=colour,
            weight=weight,
            fontsize=7,
            va='top',
            transform=axes.transAxes,
        )


def _draw_shares(axes: Axes, clip: ClipPicture, legend: bool) -> None:
    """One stacked bar a task; what is missing to 1 was paid to the task tokens."""
    names = list(dict.fromkeys(name for shares in clip.shares.values() for name in shares))
    left = np.zeros(len(clip.shares))
    for name, colour in zip(names, COLOURS):
        values = np.array([shares.get(name, 0.0) for shares in clip.shares.values()])
        axes.barh(range(len(values)), values, left=left, color=colour, label=name, height=0.6)
        left += values
    axes.set_yticks(range(len(clip.shares)), list(clip.shares), fontsize=7)
    axes.set(xlim=(0, 1), xticks=[])
    axes.invert_yaxis()
    for side in ('top', 'right', 'bottom'):
        axes.spines[side].set_visible(False)
    if legend and names:
        axes.legend(
            fontsize=6,
            ncols=len(names),
            loc='lower center',
            bbox_to_anchor=(0.5, 1.0),
            columnspacing=0.6,
            handlelength=0.8,
            title='attention',
            title_fontsize=6,
        )
