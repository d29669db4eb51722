"""Repeated, paired, resumable training runs on cached tokens, for the study of the toy kitchen.

A row of a table is a config under ``configs/toy``. `study_config` puts it onto the tokens of
frozen encoders, with a small trainable encoder a modality in front of its neck; `run` trains it,
scores it and keeps the result as JSON, so that what was done before is not done again. Rows share
data, order, epochs and updates; a seed decides which training participants are left out, the
initial weights, and the order.
"""

import hashlib
import json
import multiprocessing
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.config import Config

TOY_CHANNELS = 96  # of the encoders in the toy configs, which width replaces
MODALITIES = ('rgb', 'flow', 'audio')
TASKS = ('verb', 'noun')


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        name: As in the table; of the config ``configs/toy/mimo_<config>.py``.
        config: The config's part of the name.
        changes: Settings that differ from it, by dotted key.
        paper: Verb, noun and action top-1 of the paper's row on EPIC-KITCHENS-100, if it has one.
        modalities: Those that are left, for a row on a part of them; only of a concatenation.
        tuned_as: Row whose learning rate is taken, instead of a search of its own.
    """

    name: str
    config: str
    changes: dict[str, Any] = field(default_factory=dict)
    paper: tuple[float, float, float] | None = None
    modalities: tuple[str, ...] = MODALITIES
    tuned_as: str | None = None


@dataclass(frozen=True)
class Setting:
    """What all rows of a study share.

    Attributes:
        configs: Folder of the toy configs.
        tokens: Folder with the tokens of ``train``, ``val`` and ``test``.
        out: Folder of the results.
        width: Channels of the trainable encoders.
        hidden: Their hidden channels.
        epochs: Of training.
        batch_size: Of training.
        left_out: One in how many training participants a seed leaves out.
    """

    configs: Path
    tokens: Path
    out: Path
    width: int = 32
    hidden: int = 64
    epochs: int = 20
    batch_size: int = 64
    left_out: int = 5


def study_config(row: Row, setting: Setting, learning_rate: float, seed: int) -> Config:
    """The config of one run.

    Args:
        row: The row.
        setting: What all rows share.
        learning_rate: Of AdamW, at the end of the warm-up.
        seed: Decides left-out participants, initial weights and order.
    """
    config = Config.fromfile(setting.configs / f'mimo_{row.config}.py')
    for part in ('neck', 'heads', 'parts'):
        _narrow(config.model.get(part) or {}, setting.width)
    config.model.backbones = {
        name: dict(
            type='TokenEncoder',
            in_channels=TOY_CHANNELS,
            hidden_channels=setting.hidden,
            out_channels=setting.width,
        )
        for name in row.modalities
    }
    config.model.data_preprocessor.modalities = dict.fromkeys(row.modalities)
    if row.modalities != MODALITIES:
        config.model.neck.in_channels = dict.fromkeys(row.modalities, setting.width)
        for head in config.model.heads.values():
            head.in_channels = setting.width * len(row.modalities)
    loader = dict(num_workers=0, persistent_workers=False, collate_fn=dict(type='pseudo_collate'))
    config.train_dataloader = dict(
        loader,
        batch_size=setting.batch_size,
        sampler=dict(type='EpochSampler', shuffle=True, seed=seed),
        dataset=dict(
            type='CachedTokens',
            folder=str(setting.tokens / 'train'),
            keep=str(keep_list(setting, seed)),
        ),
    )
    config.val_dataloader = config.val_evaluator = config.val_cfg = None
    config.test_dataloader = config.test_evaluator = config.test_cfg = None
    config.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=setting.epochs)
    config.optim_wrapper.optimizer.lr = learning_rate
    warm_up, cosine = config.param_scheduler
    cosine.update(begin=warm_up['end'], end=setting.epochs, T_max=setting.epochs - warm_up['end'])
    balance = config.default_hooks.get('modality_balance')
    if balance:  # OGM acts in the first half, as in its own code
        balance.end_epoch = setting.epochs // 2
    config.custom_hooks = [
        dict(
            type='TaskConflictHook', interval=max(1, setting.epochs // 4), clips=256, batch_size=64
        )
    ]
    config.default_hooks.checkpoint = None
    config.default_hooks.logger = dict(type='LoggerHook', interval=1000)
    config.visualizer = dict(type='Visualizer', vis_backends=[])
    config.randomness = dict(seed=seed)
    # That of the process that runs this, or MMEngine would change it.
    config.env_cfg.mp_cfg.mp_start_method = multiprocessing.get_start_method()
    config.log_level = 'ERROR'
    config.launcher = 'none'
    config.merge_from_dict(dict(row.changes))
    return config


def keep_list(setting: Setting, seed: int) -> Path:
    """List of the training clips without every ``left_out``-th participant, from the seed on."""
    part = seed % setting.left_out
    path = setting.out / f'train_without_{part}_of_{setting.left_out}.txt'
    if not path.is_file():
        clips = read_clips(setting.tokens / 'train')
        people = sorted({person for _, person in clips})
        gone = set(people[part :: setting.left_out])
        names = sorted(name for name, person in clips if person not in gone)
        path.parent.mkdir(parents=True, exist_ok=True)
        own = path.with_suffix(f'.{os.getpid()}.partial')  # several processes may write it
        own.write_text('\n'.join(names) + '\n', encoding='utf-8')
        own.replace(path)
    return path


def read_clips(folder: Path) -> list[tuple[str, str]]:
    """Narration and participant id of every cached clip."""
    records = [record['metainfo'] for record in _records(folder)]
    return [(record['narration_id'], record['participant_id']) for record in records]


def read_labels(folder: Path) -> list[dict[str, int]]:
    """Labels by task of every cached clip."""
    return [record['gt'] for record in _records(folder)]


def _records(folder: Path) -> list[dict[str, Any]]:
    with (folder / 'clips.jsonl').open(encoding='utf-8') as file:
        return [json.loads(line) for line in file]


def run(
    row: Row,
    setting: Setting,
    learning_rate: float,
    seed: int,
    splits: Sequence[str],
    keep_readout: bool = False,
) -> dict[str, Any]:
    """Train once and score on some splits, or read what an equal run left.

    Args:
        row: The row.
        setting: What all rows share.
        learning_rate: Of AdamW.
        seed: Of this run.
        splits: ``'val'`` and, once settings are chosen, ``'test'``.
        keep_readout: Whether to choose re-allocation weights on ``'val'`` and score them as well.

    Returns:
        ``scores`` by split (top-1 by task and ``action``), ``parameters``, ``seconds`` of
        processor time of the training, ``curves`` of what was logged last; with
        ``keep_readout`` also ``reallocated``.
    """
    config = study_config(row, setting, learning_rate, seed)
    settings = [config.to_dict(), sorted(splits), keep_readout, _manifests(setting, splits)]
    stamp = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()[
        :16
    ]
    path = setting.out / row.name / f'lr{learning_rate:g}_seed{seed}_{stamp}.json'
    if path.is_file():
        return json.loads(path.read_text(encoding='utf-8'))
    runner, seconds, logged = train(config, path)
    result: dict[str, Any] = dict(
        row=row.name,
        learning_rate=learning_rate,
        seed=seed,
        parameters=sum(value.numel() for value in runner.model.parameters()),
        seconds=seconds,
        logged=logged,
        scores={},
    )
    runner.model.record = ('readout',) if keep_readout else ()
    predictions = {split: predict(runner.model, setting.tokens / split) for split in splits}
    for split, samples in predictions.items():
        result['scores'][split] = top1(samples)
    if keep_readout:
        result['reallocated'] = _reallocate(runner.model, predictions)
    part = path.with_suffix('.partial')
    part.write_text(json.dumps(result, indent=1) + '\n', encoding='utf-8')
    part.replace(path)
    return result


def predict(model: Any, folder: Path, batch_size: int = 256) -> list[dict]:
    """Predictions for every cached clip of a split."""
    import torch
    from mmengine.dataset import pseudo_collate

    from egomm.registry import DATASETS

    dataset = DATASETS.build(dict(type='CachedTokens', folder=str(folder)))
    model.eval()
    samples = []
    with torch.no_grad():
        for start in range(0, len(dataset), batch_size):
            places = range(start, min(start + batch_size, len(dataset)))
            for sample in model.test_step(pseudo_collate([dataset[place] for place in places])):
                samples.append(dict(sample.metainfo, gt=sample.gt, pred=sample.pred))
    return samples


def top1(samples: Sequence[dict]) -> dict[str, float]:
    """Official top-1 of verb, noun and action, in percent."""
    import numpy as np

    from egomm.functional.scores import epic100

    logits = [np.stack([np.asarray(sample['pred'][task]) for sample in samples]) for task in TASKS]
    labels = [np.array([sample['gt'][task] for sample in samples]) for task in TASKS]
    report = epic100(*logits, *labels)
    return {task: report[f'all_{task}_accuracy_at_1'] for task in (*TASKS, 'action')}


def train(config: Config, path: Path) -> tuple[Any, float, dict[str, float]]:
    """Train once, on one thread, with logs beside the result.

    Args:
        config: Of the run.
        path: Where its result will stand.

    Returns:
        The runner, seconds of processor time, and means of what was logged last.
    """
    import logging

    import torch
    from mmengine.logging import MMLogger

    from egomm.apis.launch import build_runner

    path.parent.mkdir(parents=True, exist_ok=True)
    config.work_dir = str(path.parent / 'runs')
    config.experiment_name = path.stem + f'_{time.time_ns()}'
    # One thread a run, as one process a core runs: OpenMP's threads would wait for each other.
    os.environ['OMP_NUM_THREADS'] = '1'
    torch.set_num_threads(1)
    start = time.process_time()
    runner = build_runner(config)
    MMLogger.get_current_instance().setLevel(logging.ERROR)
    runner.train()
    seconds = time.process_time() - start
    logged = {
        name.removeprefix('train/'): float(buffer.mean(50))
        for name, buffer in runner.message_hub.log_scalars.items()
        if name.count('/') > 1
    }
    return runner, seconds, logged


def _reallocate(model: Any, predictions: dict[str, list[dict]]) -> dict[str, Any]:
    """Weights chosen on ``val``, what they give there and held out, and scores on the rest."""
    from egomm.apis import reallocation

    tasks = model.neck.tasks
    fit = reallocation.cross_fit(model, reallocation.gather(predictions['val'], tasks), steps=30)
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
            clips = reallocation.gather(samples, tasks)
            answers = reallocation.logits(model, clips, fit.weights)
            found['scores'][split] = reallocation.top1(answers, clips.labels)
    return found


def _manifests(setting: Setting, splits: Sequence[str]) -> list[str]:
    return [
        hashlib.sha256((setting.tokens / split / 'manifest.json').read_bytes()).hexdigest()
        for split in ('train', *splits)
    ]


def _narrow(node: Any, width: int) -> None:
    """Replace the encoders' channels, and multiples of them, in a part of a model's config."""
    items = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in list(items):
        if isinstance(value, (dict, list)):
            _narrow(value, width)
        elif isinstance(value, int) and not isinstance(value, bool) and value >= TOY_CHANNELS / 2:
            node[key] = value * width // TOY_CHANNELS
