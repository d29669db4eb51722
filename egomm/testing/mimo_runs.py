"""How the rows of MIMO run in the study: on token maps of RGB, flow and sound."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.config import Config

from egomm.apis import reallocation
from egomm.functional.scores import epic100
from egomm.testing.study import Family, Row, Setting

TOY_CHANNELS = 96  # of the encoders in the toy configs, which width replaces
MODALITIES = ('rgb', 'flow', 'audio')
TASKS = ('verb', 'noun')


def _place(config: Config, row: Row, setting: Setting) -> None:
    """A small encoder a modality in front of the neck, and heads of its width."""
    modalities = row.modalities or MODALITIES
    width = row.width or setting.width
    for part in ('neck', 'heads', 'parts'):
        _narrow(config.model.get(part) or {}, width)
    config.model.backbones = {
        name: dict(
            type='TokenEncoder',
            in_channels=TOY_CHANNELS,
            hidden_channels=setting.hidden,
            out_channels=width,
        )
        for name in modalities
    }
    config.model.data_preprocessor.modalities = dict.fromkeys(modalities)
    if modalities != MODALITIES:
        config.model.neck.in_channels = dict.fromkeys(modalities, width)
        for head in config.model.heads.values():
            head.in_channels = width * len(modalities)
    balance = config.default_hooks.get('modality_balance')
    if balance:  # OGM acts in the first half, as in its own code
        balance.end_epoch = setting.epochs // 2
    config.custom_hooks = [
        dict(
            type='TaskConflictHook', interval=max(1, setting.epochs // 4), clips=256, batch_size=64
        )
    ]


def _top1(samples: Sequence[dict]) -> dict[str, float]:
    """Official top-1 of verb, noun and action, in percent."""
    logits = [np.stack([np.asarray(sample['pred'][task]) for sample in samples]) for task in TASKS]
    labels = [np.array([sample['gt'][task] for sample in samples]) for task in TASKS]
    report = epic100(*logits, *labels)
    return {task: report[f'all_{task}_accuracy_at_1'] for task in (*TASKS, 'action')}


def _reallocate(model: Any, predictions: dict[str, list[dict]]) -> dict[str, Any]:
    """Weights chosen on ``val``, what they give there and held out, and scores on the rest."""
    tasks = model.neck.tasks
    fit = reallocation.cross_fit(model, reallocation.gather(predictions['val'], model), steps=30)
    found: dict[str, Any] = dict(
        weights={
            task: dict(zip(model.neck.modalities, row))
            for task, row in zip(tasks, fit.weights.tolist())
        },
        plain=fit.plain,
        in_sample=fit.in_sample,
        held_out=fit.held_out,
        scores={},
    )
    for split, samples in predictions.items():
        if split != 'val':
            clips = reallocation.gather(samples, model)
            answers = reallocation.logits(model, clips, fit.weights)
            found['scores'][split] = reallocation.top1(answers, clips.labels)
    return found


def _narrow(node: Any, width: int) -> None:
    """Replace the encoders' channels, and multiples of them, in a part of a model's config."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in list(items):
        if isinstance(value, (dict, list)):
            _narrow(value, width)
        elif isinstance(value, int) and not isinstance(value, bool) and value >= TOY_CHANNELS / 2:
            node[key] = value * width // TOY_CHANNELS


MIMO = Family('mimo', _place, _top1, _reallocate)
