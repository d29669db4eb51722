"""Figures of moments and answers in time; see `egomm.visualization.drawing` for the rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from egomm.visualization.drawing import COLOURS

LONGEST_NAME = 38
TRUE, FOUND = COLOURS[0], COLOURS[1]
SHOWN_CLASSES = len(COLOURS) - 1


@dataclass(frozen=True)
class Row:
    """One class, or one query, of a clip.

    Args:
        truth: True (start, end) in seconds.
        found: (start, end, score); the higher the score within the clip, the darker.
    """

    truth: Sequence[tuple[float, float]]
    found: Sequence[tuple[float, float, float]]


@dataclass(frozen=True)
class Timeline:
    """One clip.

    Args:
        title: One line about it.
        duration: Seconds.
        rows: By name of the class, or text of the query.
    """

    title: str
    duration: float
    rows: Mapping[str, Row]


def timelines(clips: Sequence[Timeline]) -> Figure:
    """One panel a clip: truth above what was found, a row for each class or query.

    Raises:
        ValueError: If there is no clip.
    """
    if not clips:
        raise ValueError('timelines wants at least one clip; got none.')
    sizes = [max(len(clip.rows), 1) + 1.2 for clip in clips]
    figure = Figure(figsize=(11, 0.42 * sum(sizes) + 0.6), dpi=120, layout='constrained')
    grid = figure.add_gridspec(len(clips), height_ratios=sizes)
    for number, clip in enumerate(clips):
        axes = figure.add_subplot(grid[number])
        best = max((score for row in clip.rows.values() for *_, score in row.found), default=1.0)
        for place, row in enumerate(clip.rows.values()):
            for start, end in row.truth:
                axes.barh(place - 0.2, end - start, 0.34, start, color=TRUE)
            for start, end, score in row.found:
                alpha = 0.15 + 0.85 * max(score, 0) / best if best > 0 else 0.15
                axes.barh(place + 0.2, end - start, 0.34, start, color=FOUND, alpha=alpha)
        axes.set_yticks(range(len(clip.rows)), [_short(name) for name in clip.rows], fontsize=7)
        axes.set_ylim(max(len(clip.rows), 1) - 0.5, -0.5)
        axes.set_xlim(0, clip.duration)
        axes.tick_params(axis='x', labelsize=7)
        axes.set_title(clip.title, fontsize=8, loc='left')
        axes.grid(axis='x', alpha=0.3)
        if number == 0:
            for colour, name in ((TRUE, 'truth'), (FOUND, 'found')):
                axes.barh(0, 0, color=colour, label=name)
            axes.legend(
                fontsize=7, ncols=2, loc='lower right', bbox_to_anchor=(1, 1), frameon=False
            )
    axes.set_xlabel('seconds of the clip', fontsize=8)
    return figure


def class_bars(values: Mapping[str, float], xlabel: str, title: str) -> Figure:
    """One horizontal bar a class, best first, in two columns.

    Raises:
        ValueError: If there is no class.
    """
    if not values:
        raise ValueError('class_bars wants at least one class; got none.')
    names = sorted(values, key=lambda name: -values[name])
    half = -(-len(names) // 2)
    highest = max(max(values.values()), 1e-3)
    figure = Figure(figsize=(12, 1.2 + 0.17 * half), dpi=120, layout='constrained')
    for column in (0, 1):
        part = names[half * column : half * (column + 1)]
        if not part:
            continue
        axes = figure.add_subplot(1, 2, column + 1)
        axes.barh(range(len(part)), [values[name] for name in part], color=COLOURS[0])
        axes.set_yticks(range(len(part)), [_short(name) for name in part], fontsize=7)
        axes.set_ylim(half - 0.5, -0.5)
        axes.set_xlim(0, 1.05 * highest)
        axes.set_xlabel(xlabel, fontsize=8)
        axes.grid(axis='x', alpha=0.3)
    figure.suptitle(title, fontsize=10)
    return figure


def stacked_shares(groups: Mapping[str, Mapping[str, float]], title: str) -> Figure:
    """One bar a group, in parts that add up to 1.

    Raises:
        ValueError: If there is no group.
    """
    if not groups:
        raise ValueError('stacked_shares wants at least one group; got none.')
    figure = Figure(figsize=(2.2 + 1.1 * len(groups), 3.8), dpi=120, layout='constrained')
    axes = figure.add_subplot()
    base = np.zeros(len(groups))
    colours = (COLOURS[2], COLOURS[4], '#BBBBBB')
    for name, colour in zip(next(iter(groups.values())), colours):
        heights = np.array([group[name] for group in groups.values()])
        drawn = axes.bar(range(len(groups)), heights, 0.7, base, color=colour, label=name)
        texts = [f'{100 * height:.0f} %' if height > 0.04 else '' for height in heights]
        axes.bar_label(drawn, texts, label_type='center', fontsize=8)
        base = base + heights
    axes.set_xticks(range(len(groups)), list(groups), fontsize=8)
    axes.set(ylim=(0, 1), ylabel='share of the true segments')
    axes.set_title(title, fontsize=10)
    axes.legend(fontsize=8, loc='upper left', bbox_to_anchor=(1, 1))
    return figure


def sensitivity_curves(centres: np.ndarray, widths: np.ndarray, names: Sequence[str]) -> Figure:
    """Learned weights within an action: one line a class, those in colour that moved most.

    Args:
        centres: Of the Gaussians of classification and of the two ends ``(3, C)``, in lengths of
            the action before its middle.
        widths: Their standard deviations ``(3, C)``.
        names: The ``C`` classes.

    Raises:
        ValueError: If the shapes do not belong together.
    """
    if centres.shape != (3, len(names)) or widths.shape != centres.shape:
        raise ValueError(
            f'sensitivity_curves wants centres and widths (3, C) with C names; got '
            f'{centres.shape}, {widths.shape} and {len(names)} names. Give the classes that the '
            'model was trained with, in that order.'
        )
    way = np.linspace(0, 1, 101)
    distance = 0.5 - way  # positive before the middle
    gaussians = np.exp(
        -((distance - centres[..., None]) ** 2) / (2 * widths[..., None] ** 2)
    )  # (3, C, 101)
    panels = {
        'weight in classification': gaussians[0],
        'weight of the offsets, mean of two Gaussians': gaussians[1:].mean(axis=0),
    }
    figure = Figure(figsize=(12, 4.6), dpi=120, layout='constrained')
    for number, (title, lines) in enumerate(panels.items()):
        axes = figure.add_subplot(1, 2, number + 1)
        moved = np.abs(lines - np.median(lines, axis=0)).max(axis=1)
        chosen = np.argsort(-moved, kind='stable')[:SHOWN_CLASSES]
        axes.plot(way, lines.T, color='#BBBBBB', linewidth=0.6)
        for colour, label in zip(COLOURS, chosen):
            axes.plot(way, lines[label], color=colour, label=_short(names[label]))
        axes.set(xlim=(0, 1), ylim=(0, 1.05), xlabel='from start to end of the action')
        axes.set_title(title, fontsize=10)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7, loc='upper center', bbox_to_anchor=(0.5, -0.15), ncols=2)
    return figure


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f'{name[: LONGEST_NAME - 1]}…'
