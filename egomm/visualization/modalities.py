"""Which task looks at which modality, and which modality knows the answer: from recorded samples.

The second is the lower half of Figure 1 of "Towards Better Egocentric Action Understanding in a
Multi-Input Multi-Output View". A sample is a dict with ``gt`` and ``pred`` by task and, if known,
``present`` by modality, as ``tools/test.py --dump`` writes it.

Shapes: C = classes, H = heads, T = tasks, M = modalities.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from egomm.visualization.drawing import COLOURS

Sample = Mapping[str, Any]


@dataclass(frozen=True)
class ClassShares:
    """Where one task looks, by class.

    Args:
        names: Class names ``C``, the commonest first.
        clips: Number of clips of each.
        shares: Mean share of attention ``(C, M)``; NaN where no clip has the modality.
    """

    names: Sequence[str]
    clips: Sequence[int]
    shares: np.ndarray


@dataclass(frozen=True)
class ClipConfidence:
    """What single modalities hold of the truth about one clip.

    Args:
        title: One line about the clip.
        truth: Name of the true class by task.
        chances: Probability of the true class by task and modality; NaN for a missing one.
    """

    title: str
    truth: Mapping[str, str]
    chances: Mapping[str, Mapping[str, float]]


def class_shares(
    samples: Sequence[Sample],
    task: str,
    place: int,
    modalities: Sequence[str],
    names: Sequence[str],
    most: int = 30,
) -> ClassShares:
    """Mean attention of a task on each modality, by true class.

    Args:
        samples: With ``pred['attention']`` ``(H, T, M)`` and a label of the task.
        task: Whose classes.
        place: Of the task among the ``T``.
        modalities: The ``M`` names in order.
        names: Class names by id.
        most: How many classes, the commonest.
    """
    labels = np.array([int(sample['gt'][task]) for sample in samples])
    mass = np.stack([np.asarray(sample['pred']['attention'])[:, place] for sample in samples])
    mass = np.where(_present(samples, modalities), mass.mean(axis=1), np.nan)  # (N, M)
    ids, counts = np.unique(labels, return_counts=True)
    order = np.argsort(-counts, kind='stable')[:most]
    shares = np.full((len(order), len(modalities)), np.nan)
    for row, index in enumerate(ids[order]):
        of_class = mass[labels == index]
        has = ~np.isnan(of_class).all(axis=0)
        shares[row, has] = np.nanmean(of_class[:, has], axis=0)
    return ClassShares([names[i] for i in ids[order]], counts[order].tolist(), shares)


def clip_confidence(
    sample: Sample, modalities: Sequence[str], names: Mapping[str, Sequence[str]]
) -> ClipConfidence:
    """Probability of the true class from each modality alone.

    Args:
        sample: With ``pred['unimodal_<task>']``, logits ``(C, M)``, and a label of each task.
        modalities: The ``M`` names in order.
        names: Class names by task, of the tasks to show.
    """
    present = _present([sample], modalities)[0]
    chances = {}
    for task in names:
        logits = np.asarray(sample['pred'][f'unimodal_{task}'], dtype=np.float64)
        shares = np.exp(logits - logits.max(axis=0))
        right = shares[int(sample['gt'][task])] / shares.sum(axis=0)
        chances[task] = dict(zip(modalities, np.where(present, right, np.nan).tolist()))
    truth = {task: names[task][int(sample['gt'][task])] for task in names}
    return ClipConfidence(sample['narration_id'], truth, chances)


def share_heatmaps(tasks: Mapping[str, ClassShares], modalities: Sequence[str]) -> Figure:
    """One map a task: classes down, modalities across, the share written in each cell."""
    rows = max(len(table.names) for table in tasks.values())
    figure = Figure(
        figsize=(len(tasks) * (2.4 + 0.75 * len(modalities)) + 0.8, 1.5 + 0.26 * rows),
        dpi=120,
        layout='constrained',
    )
    grid = figure.subplots(1, len(tasks), squeeze=False)[0]
    top = max(float(np.nanmax(table.shares)) for table in tasks.values())
    for axes, (task, table) in zip(grid, tasks.items()):
        image = axes.imshow(table.shares, vmin=0, vmax=top, cmap='cividis', aspect='auto')
        axes.set_xticks(range(len(modalities)), modalities)
        labels = [f'{name} ({count})' for name, count in zip(table.names, table.clips)]
        axes.set_yticks(range(len(labels)), labels, fontsize=8)
        axes.set(title=f'where {task} looks', ylabel=f'true {task} (clips)')
        for row, column in np.argwhere(~np.isnan(table.shares)):
            share = table.shares[row, column]
            colour = 'black' if share > top / 2 else 'white'
            axes.text(
                column, row, f'{share:.2f}', ha='center', va='center', fontsize=7, color=colour
            )
    figure.colorbar(image, ax=list(grid), shrink=0.7, label='mean share of attention')
    return figure


def confidence_panels(clips: Sequence[ClipConfidence], columns: int = 4) -> Figure:
    """One small panel a clip: tasks along x, a bar a modality.

    Raises:
        ValueError: If there is no clip.
    """
    if not clips:
        raise ValueError('confidence_panels wants at least one clip; got none.')
    columns = min(columns, len(clips))
    rows = -(-len(clips) // columns)
    figure = Figure(figsize=(2.9 * columns, 2.3 * rows + 0.5), dpi=120, layout='constrained')
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True).flat
    members = list(next(iter(clips[0].chances.values())))
    width = 0.8 / len(members)
    for clip, axes in zip(clips, grid):  # in this order `grid` keeps what is left
        for index, (name, colour) in enumerate(zip(members, COLOURS)):
            places = np.arange(len(clip.chances)) + (index - (len(members) - 1) / 2) * width
            heights = np.array([chances[name] for chances in clip.chances.values()])
            axes.bar(places, np.nan_to_num(heights), width, color=colour, label=name)
            for place in places[np.isnan(heights)]:
                axes.text(
                    place, 0.02, f'no {name}', rotation=90, ha='center', va='bottom', fontsize=7
                )
        ticks = [f'{task}:\n{clip.truth[task]}' for task in clip.chances]
        axes.set_xticks(range(len(ticks)), ticks, fontsize=8)
        axes.set_title(clip.title, fontsize=8)
        axes.grid(axis='y', alpha=0.3)
    figure.axes[0].set_ylim(0, min(1.0, 1.1 * figure.axes[0].get_ylim()[1]))  # shared
    for axes in grid:
        axes.axis('off')
    figure.supylabel('probability of the true class, by one modality', fontsize=9)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc='outside upper center', ncols=len(members), fontsize=8)
    return figure


def _present(samples: Sequence[Sample], modalities: Sequence[str]) -> np.ndarray:
    """``(N, M)``; a modality of which a sample says nothing is there."""
    return np.array(
        [[sample.get('present', {}).get(name, True) for name in modalities] for sample in samples]
    )
