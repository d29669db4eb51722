"""What a run has logged, as panels for `drawing.curves`: {title: {line: [(x, y), ...]}}.

Reads MMEngine's ``scalars.json`` of all runs in a work directory. Every function but the first
gives no panel where a run has not logged such numbers.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

MOST_POINTS = 20  # of a noisy curve

Points = list[tuple[float, float]]
Panels = dict[str, dict[str, Points]]


class History(NamedTuple):
    """Points by name: of training losses over steps, of everything else over epochs."""

    by_step: Mapping[str, Points]
    by_epoch: Mapping[str, Points]


def read_history(work_dir: Path) -> History:
    """All scalars; of what a resumed run logs again, the later value stays."""
    values: tuple[dict, dict] = ({}, {})
    for path in sorted(work_dir.glob('*/vis_data/scalars.json')):
        for line in path.read_text().splitlines():
            row = json.loads(line)
            points = values[0] if 'loss' in row else values[1]
            for name, value in row.items():
                if name not in ('step', 'iter', 'epoch'):
                    points.setdefault(name, {})[row['step']] = value
    return History(
        *({name: sorted(by_x.items()) for name, by_x in points.items()} for points in values)
    )


def learning(history: History, tasks: Sequence[str]) -> Panels:
    """Training loss, and validation top-1 of the tasks and of the action."""
    validation = {
        task: history.by_epoch.get(f'epic100/all_{task}_accuracy_at_1', [])
        for task in (*tasks, 'action')
    }
    return _filled(
        {
            'training loss, by step': dict(loss=history.by_step.get('loss', [])),
            'validation top-1 in percent, by epoch': validation,
        }
    )


def attention_shares(history: History, tasks: Sequence[str], modalities: Sequence[str]) -> Panels:
    """How `AllocationLoss` saw the attention move: one panel a task."""
    return _filled(
        {
            f'share of attention of {task}, by step': _by_modality(
                history, task, modalities, 'share'
            )
            for task in tasks
        }
    )


def unimodal(history: History, tasks: Sequence[str], modalities: Sequence[str]) -> Panels:
    """How sure and how right `UnimodalHeads` are in training: two panels a task."""
    kinds = {'entropy': 'entropy / ln(classes)', 'top1': 'training top-1 in percent'}
    return _filled(
        {
            f'{task} from one modality, {title}, by step': _by_modality(
                history, task, modalities, kind
            )
            for task in tasks
            for kind, title in kinds.items()
        }
    )


def task_conflict(history: History) -> Panels:
    """Cosines and distances of `TaskConflictHook`: three panels a pair of tasks."""
    panels: Panels = {}
    for name, points in history.by_epoch.items():
        kind, _, rest = name.partition('/')
        pair, _, place = rest.partition('/')
        if kind == 'conflict':
            of = 'parameters' if place.startswith(('encoder_', 'neck')) else 'features'
            title = f'{pair}: cosine of gradients on {of}, by epoch'
        elif kind == 'distance':
            title = f'{pair}: distance in a feature / of any two clips, by epoch'
            source, _, task = place.partition('_same_')
            place = f'same {task}, in {source}'
        else:
            continue
        panels.setdefault(title, {})[place.replace('_', ' ')] = points
    return panels


def _by_modality(
    history: History, task: str, modalities: Sequence[str], kind: str
) -> dict[str, Points]:
    """The scalars ``<part>/<task>_<modality>_<kind>``, whatever the part is called, smoothed.

    MMEngine logs them of one batch.
    """
    return {
        modality: _thinned(points)
        for modality in modalities
        for name, points in history.by_step.items()
        if name.endswith(f'/{task}_{modality}_{kind}')
    }


def _thinned(points: Points) -> Points:
    """Means of neighbours, at most ``MOST_POINTS``."""
    size = -(-len(points) // MOST_POINTS)
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    return [tuple(map(fmean, zip(*group))) for group in groups]


def _filled(panels: Panels) -> Panels:
    """Without lines that have no point, and panels that have no line."""
    lines = {
        title: {name: points for name, points in panel.items() if points}
        for title, panel in panels.items()
    }
    return {title: panel for title, panel in lines.items() if panel}
