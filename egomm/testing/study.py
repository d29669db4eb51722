"""Repeated, paired, resumable training runs on cached tokens, for the study of the toy kitchen.

A row of a table is a config under ``configs/toy``. `study_config` puts it onto the tokens of
frozen encoders, with a small trainable encoder in front; `run` trains it, scores it and keeps the
result as JSON, so that what was done before is not done again. Rows share data, order, epochs and
updates; a seed decides which training participants are left out, the initial weights, and the
order. What differs between papers is a `Family`.
"""

import hashlib
import json
import multiprocessing
import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from mmengine.config import Config

from egomm.apis.exports import write_whole
from egomm.compat import unformatted

TUNING_SEED = 100  # none of the seeds that are reported


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        name: As in the table.
        config: The config's part of the name, ``configs/toy/<family>_<config>.py``.
        changes: Settings that differ from it, by dotted key.
        paper: What the paper reports of the row, if it has one; its page says what these are.
        modalities: Those that are left, for a concatenation of a part of them; none for all.
        labels: Label to learn in place of a task's own.
        width: Channels of the trainable encoder, None for those of the setting.
        tuned_as: Row whose learning rate is taken, instead of a search of its own.
        chosen_by: Score that the learning rate is chosen by.
    """

    name: str
    config: str
    changes: dict[str, Any] = field(default_factory=dict)
    paper: tuple[float, ...] | None = None
    modalities: tuple[str, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    width: int | None = None
    tuned_as: str | None = None
    chosen_by: str = 'action'


@dataclass(frozen=True)
class Family:
    """What the rows of one paper have in common.

    Attributes:
        name: Of the configs.
        place: Puts the model of a config onto the tokens, in place.
        score: Scores of the predictions about a split, in percent, by name.
        reallocate: What a run adds that keeps its readout, from the model and its predictions by
            split; None where no row does.
    """

    name: str
    place: Callable[[Config, Row, 'Setting'], None]
    score: Callable[[Sequence[dict]], dict[str, float]]
    reallocate: Callable[[Any, dict[str, list[dict]]], dict[str, Any]] | None = None


@dataclass(frozen=True)
class Setting:
    """What all rows of a study share.

    Attributes:
        family: Whose rows they are.
        configs: Folder of the toy configs.
        tokens: Folder with the tokens of ``train``, ``val`` and ``test``.
        out: Folder of the results.
        width: Channels of the trainable encoders.
        hidden: Their hidden channels, where they have others.
        epochs: Of training.
        batch_size: Of training.
        left_out: One in how many training participants a seed leaves out.
    """

    family: Family
    configs: Path
    tokens: Path
    out: Path
    width: int = 32
    hidden: int = 64
    epochs: int = 12
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
    config = Config.fromfile(setting.configs / f'{setting.family.name}_{row.config}.py')
    config = unformatted(config)  # yapf would take a second of every run
    setting.family.place(config, row, setting)
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
    config.default_hooks.checkpoint = None
    config.default_hooks.logger = dict(type='LoggerHook', interval=1000)
    config.visualizer = dict(type='Visualizer', vis_backends=[])
    config.randomness = dict(seed=seed)
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
        write_whole(path, '\n'.join(names) + '\n')
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
        keep_readout: Whether to keep what `Family.reallocate` reads, and call it.

    Returns:
        ``scores`` by split, ``parameters``, ``seconds`` of processor time of the training,
        ``logged``, means of what was logged last; with ``keep_readout`` also ``reallocated``.
    """
    config = study_config(row, setting, learning_rate, seed)
    settings = [config.to_dict(), sorted(splits), keep_readout, _manifests(setting, splits)]
    path = result_file(setting.out / row.name, learning_rate, seed, settings)
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
        result['scores'][split] = setting.family.score(samples)
    if keep_readout:
        assert setting.family.reallocate is not None
        result['reallocated'] = setting.family.reallocate(runner.model, predictions)
    write_whole(path, json.dumps(result, indent=1) + '\n')
    return result


def result_file(folder: Path, learning_rate: float, seed: int, settings: Any) -> Path:
    """Where the result of a run stands, whose name changes with any of its settings."""
    text = json.dumps(settings, sort_keys=True, default=str)
    stamp = hashlib.sha256(text.encode()).hexdigest()[:16]
    return folder / f'lr{learning_rate:g}_seed{seed}_{stamp}.json'


class Named(Protocol):
    """A row or a world."""

    @property
    def name(self) -> str:
        """As on the command line."""


AnyNamed = TypeVar('AnyNamed', bound=Named)


def named(known: Sequence[AnyNamed], names: Sequence[str] | None, what: str) -> list[AnyNamed]:
    """Those of a name, in their own order; all for None.

    Args:
        known: All there are.
        names: Which to take.
        what: What they are, for the error.

    Raises:
        ValueError: If there is none of a name.
    """
    offered = [one.name for one in known]
    unknown = sorted(set(names or ()) - set(offered))
    if unknown:
        raise ValueError(f'There are no {what} {unknown}. Name some of {offered}.')
    return [one for one in known if names is None or one.name in names]


def jobs_of_tuning(pairs: Sequence[tuple[Row, float]], setting: Setting) -> list[tuple[Any, ...]]:
    """Runs that choose among learning rates, from pairs of a row and a rate."""
    return [(row, setting, rate, TUNING_SEED, ('val',), False) for row, rate in pairs]


def jobs_of_study(
    rows: Sequence[Row],
    setting: Setting,
    rates: Mapping[str, float],
    seeds: Sequence[int],
    keep_readout: Collection[str] = (),
) -> list[tuple[Any, ...]]:
    """The runs whose scores are reported, seed by seed.

    Args:
        rows: The rows.
        setting: What they share.
        rates: Learning rate by row.
        seeds: Runs of every row.
        keep_readout: Names of the rows that keep theirs.
    """
    return [
        (row, setting, rates[row.name], seed, ('val', 'test'), row.name in keep_readout)
        for seed in seeds
        for row in rows
    ]


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
    # That of the process that runs this, or MMEngine would change it. Not a setting of the run:
    # a result counts whatever started its process.
    config.env_cfg.mp_cfg.mp_start_method = multiprocessing.get_start_method()
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


def _manifests(setting: Setting, splits: Sequence[str]) -> list[str]:
    return [
        hashlib.sha256((setting.tokens / split / 'manifest.json').read_bytes()).hexdigest()
        for split in ('train', *splits)
    ]
