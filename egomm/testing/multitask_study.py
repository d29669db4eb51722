"""The multi-task part of the study: world, rows and claims of Kapidis et al. (2019).

Every claim stands here with what would confirm and what would refute it, so it was written before
any run. Where the claim is that something costs or does not help, it is turned so that its first
row should win.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config

from egomm.functional.gaze import angular_error
from egomm.functional.scores import class_report
from egomm.testing.claims import Claim
from egomm.testing.drawn_clips import write_tokens
from egomm.testing.spec import PRESETS, KitchenSpec
from egomm.testing.study import Family, Row, Setting

LEARNING_RATES = (3e-2, 6e-2, 1.2e-1)
WIDTH = 32
NARROW = 8
MAP_CHANNELS = 64  # of the stored maps
EPOCHS = 6
CLASSES = ('action', 'verb', 'noun')
SIDE = 64  # pixels that a point's error is given in

# Top-1 of the verb where it is the only class, else of the action (and verb and noun), on
# participants 30 and 31 of EPIC-KITCHENS-55. Rows without numbers are in the paper's table, too.
TABLE_1 = (
    Row('v', 'v', paper=(48.57,), chosen_by='verb'),
    Row('vh', 'vh', paper=(49.31,), chosen_by='verb'),
    Row('vnh', 'vnh', chosen_by='verb'),
    Row('a', 'a'),
    Row('avh', 'avh'),
    Row('avnh', 'avnh', paper=(19.29, 48.90, 27.27)),
)
# Top-1 and mean class accuracy of the action on split 1 of EGTEA Gaze+.
TABLE_2 = (
    Row('a', 'a', paper=(63.75, 55.35)),
    Row('av', 'av', paper=(67.80, 59.15)),
    Row('avn', 'avn', paper=(68.00, 59.67)),
    Row('ag', 'ag', paper=(66.59, 59.44)),
    Row('ah', 'ah', paper=(67.46, 59.78)),
    Row('agh', 'agh', paper=(66.12, 58.91)),
    Row('avng', 'avng', paper=(68.74, 60.34)),
    Row('avnh', 'avnh', paper=(68.20, 60.13)),
    Row('avnhg', 'avnhg', paper=(68.99, 61.40)),
)


def _other(name: str, config: str, *tasks: str, kind: str = 'other', **kwargs: Any) -> Row:
    """A row that learns points without information in place of its own."""
    return Row(
        name, config, labels={task: f'{task}_{kind}' for task in tasks}, tuned_as=config, **kwargs
    )


def _scaled(task: str, factor: float) -> Row:
    """A row of one task whose loss weighs as much as its own and those of points together."""
    return Row(
        f'{task[0]}-scaled',
        task[0],
        {'model.weighting.weights': {task: factor}},
        tuned_as=task[0],
        chosen_by=task,
    )


CONTROLS = (
    _other('vh-other', 'vh', 'hands', chosen_by='verb'),
    _other('ah-other', 'ah', 'hands'),
    _other('ag-other', 'ag', 'gaze'),
    _other('agh-other', 'agh', 'hands', 'gaze'),
    _other('ag-away', 'ag', 'gaze', kind='away'),
    # An untrained network has a loss of ln 80 for the action, ln 12 for the verb, and about 1 for
    # the points of hands as for those of gaze.
    _scaled('action', 1.5),
    _scaled('verb', 1.4),
    *(Row(f'{name}-narrow', name, width=NARROW, chosen_by='verb') for name in ('v', 'vnh')),
)
ROWS = tuple({row.name: row for row in (*TABLE_1, *TABLE_2, *CONTROLS)}.values())

CLAIMS = (
    Claim('Hands help the verb', 'vh', 'v', 49.31 - 48.57, score='verb'),
    Claim('Action, noun and hands help the verb', 'avnh', 'v', 48.90 - 48.57, score='verb'),
    Claim('V+N+H is below V', 'v', 'vnh', score='verb'),
    Claim('Verbs help the action', 'av', 'a', 67.80 - 63.75),
    Claim('Nouns help beside verbs', 'avn', 'av', 68.00 - 67.80),
    Claim('Gaze helps the action', 'ag', 'a', 66.59 - 63.75),
    Claim('Hands help the action', 'ah', 'a', 67.46 - 63.75),
    Claim('Hands and gaze help the action', 'agh', 'a', 66.12 - 63.75),
    Claim('A+G+H is below A+G', 'ag', 'agh', 66.59 - 66.12),
    Claim('A+G+H is below A+H', 'ah', 'agh', 67.46 - 66.12),
    Claim('Gaze helps beside verbs and nouns', 'avng', 'avn', 68.74 - 68.00),
    Claim('Hands help beside verbs and nouns', 'avnh', 'avn', 68.20 - 68.00),
    Claim('All tasks help the action', 'avnhg', 'a', 68.99 - 63.75),
    Claim('Hands and gaze help beside verbs and nouns', 'avnhg', 'avn', 68.99 - 68.00),
    Claim('Hands help the verb by what they tell', 'vh', 'vh-other', score='verb'),
    Claim('Hands help by what they tell', 'ah', 'ah-other'),
    Claim('Gaze helps by what it tells', 'ag', 'ag-other'),
    Claim('Gaze helps as it rests on the object', 'ag', 'ag-away'),
    Claim('Hands and gaze help by what they tell', 'agh', 'agh-other'),
    Claim('Hands of another clip help', 'ah-other', 'a'),
    Claim('Gaze of another clip helps', 'ag-other', 'a'),
    Claim('Gaze that never rests on the object helps', 'ag-away', 'a'),
    Claim('A larger loss helps the action', 'a-scaled', 'a'),
    Claim('A larger loss helps the verb', 'v-scaled', 'v', score='verb'),
    Claim('Hands and gaze help more than a larger loss', 'agh', 'a-scaled'),
    Claim('Hands help the verb more than a larger loss', 'vh', 'v-scaled', score='verb'),
    Claim('V+N+H is below V, few channels', 'v-narrow', 'vnh-narrow', score='verb'),
)


def study_world() -> KitchenSpec:
    """All evidence is in the pixels, as nothing else is seen: motion, tools and looks."""
    return dataclasses.replace(
        PRESETS['study'],
        conflict=0.0,
        verb_signal=(0.5, 0.65, 0.0),
        noun_signal=(0.85, 0.1, 0.0),
    )


def prepare(root: Path, configs: Path, encoders: Path, say: Callable[[str], None]) -> Path:
    """Make the tokens that the runs read, or find them there; returns their folder.

    Args:
        root: Folder of the study's data.
        configs: Folder of the toy configs.
        encoders: Checkpoint of ``mimo_encoders``, of which the first layers for RGB are used.
        say: Takes a line about what is going on.
    """
    tokens = root / 'tokens_multitask'
    config = Config.fromfile(configs / 'mimo_encoders.py')
    write_tokens(study_world(), (config, encoders), tokens, say)
    return tokens


def scores_by_row(results: Sequence[Mapping[str, Any]]) -> dict[str, dict[int, dict[str, float]]]:
    """Test scores by row and seed."""
    table: dict[str, dict[int, dict[str, float]]] = {}
    for result in results:
        table.setdefault(result['row'], {})[result['seed']] = result['scores']['test']
    return table


def _place(config: Config, row: Row, setting: Setting) -> None:
    """A small encoder in front of heads of its width, which may learn other labels."""
    width = row.width or setting.width
    heads = {task: head for task, head in config.model.heads.items() if head is not None}
    for head in heads.values():
        head.in_channels = width
        if 'deconvolutions' in head:
            head.deconvolutions = ()  # as in the paper, and half the time of a run
    config.model.heads = {row.labels.get(task, task): head for task, head in heads.items()}
    config.model.backbones = dict(
        rgb=dict(type='MapEncoder', in_channels=MAP_CHANNELS, out_channels=width)
    )
    config.model.data_preprocessor.modalities = dict(rgb=None)
    if len(heads) > 1:
        config.default_hooks.task_gradients.interval = 100


def _score(samples: Sequence[dict]) -> dict[str, float]:
    """Top-1 of each class and mean accuracy over classes (``<task>_classes``), in percent.

    Points are compared with the true ones whatever they learned: ``hands`` in pixels of a square
    of `SIDE`, ``gaze`` in nominal degrees.
    """
    found = {}
    for name in samples[0]['pred']:
        task = name.partition('_')[0]
        if task in CLASSES:
            labelled = [sample for sample in samples if task in sample['gt']]
            logits = np.stack([np.asarray(sample['pred'][task]) for sample in labelled])
            report = class_report(logits, np.array([sample['gt'][task] for sample in labelled]))
            found[task] = report['top1']
            found[f'{task}_classes'] = report['mean_class_accuracy']
            continue
        points = np.stack([np.asarray(sample['pred'][name]['points']) for sample in samples])
        truth = np.array([sample['gt'][task] for sample in samples])
        visible = truth[..., 2] > 0
        pixels, true = (((x + 1) * SIDE - 1) / 2 for x in (points, truth[..., :2]))
        if task == 'gaze':
            error = angular_error(pixels[visible], true[visible], SIDE)
        else:
            error = np.linalg.norm(pixels - true, axis=-1)[visible]
        found[task] = float(error.mean())
    return found


MULTITASK = Family('multitask', _place, _score)
