"""Runs of the ASL study: configs, training, scores; resumable."""

import copy
import json
import multiprocessing
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config

from egomm.apis.exports import write_whole
from egomm.apis.launch import unformatted
from egomm.testing import study
from egomm.testing.asl_study import GAUSSIAN_WAY, LEARNING_RATES, ROWS, Row, World
from egomm.testing.moment_features import recognizer_features
from egomm.testing.moments import write_moment_annotations
from egomm.testing.rates import search_rates
from egomm.testing.timeline import plan_timelines
from egomm.testing.timeline_features import DIM, write_timeline_features

RESIZED = 'resized'  # folder of what the cache of the features holds
# A run ought to take seconds; a video has one set of moments and about twenty queries.
SIZES = {'moment': dict(epochs=24, batch_size=4), 'query': dict(epochs=3, batch_size=16)}
LEFT_OUT = 5  # one in how many training participants a seed leaves out


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What all runs in one world share.

    Attributes:
        configs: Folder of the toy configs.
        world: The world.
        data: Its folder, with annotations and truth.
        features: Folder of its features.
        dim: Their channels.
        out: Folder of the results.
        length: Positions of a clip.
        channels: Of the pyramid.
        epochs: Of training.
        batch_size: Of training.
    """

    configs: Path
    world: World
    data: Path
    features: Path
    dim: int
    out: Path
    length: int = 128
    channels: int = 32
    epochs: int
    batch_size: int


def prepare(
    world: World, root: Path, configs: Path, say: Callable[[str], None]
) -> tuple[Path, Path, int]:
    """Write what the runs in one world read, or find it there.

    Args:
        world: The world.
        root: Folder of the study's data.
        configs: Folder of the toy configs.
        say: Takes a line about what is going on.

    Returns:
        Folder of the world, folder of its features, and their channels.
    """
    folder = root / f'{world.core}-{world.boundary_noise:g}'
    timelines = plan_timelines(world.spec)
    write_moment_annotations(folder, world.spec, timelines)
    if world.features == 'recognizer':
        return folder, *recognizer_features(world.spec, root, configs, say)
    write_timeline_features(folder / 'features', world.spec, timelines)
    shutil.rmtree(folder / 'features' / RESIZED, ignore_errors=True)
    return folder, folder / 'features', DIM


def study_config(
    row: Row,
    setting: Setting,
    learning_rate: float,
    seed: int,
    constants: Mapping[str, float] | None = None,
) -> Config:
    """The config of one run.

    Args:
        row: The row.
        setting: What all runs share.
        learning_rate: Of AdamW, at the end of the warm-up.
        seed: Decides left-out participants, initial weights and order.
        constants: Weights of the constant row.
    """
    task, length, channels = setting.world.task, setting.length, setting.channels
    name = dict(moment='asl_mq.py', query='asl_nlq.py')[task]
    config = unformatted(Config.fromfile(setting.configs / name))
    kind = dict(moment='moments', query='nlq')[task]
    files = dict(
        train=str(keep_file(setting, kind, seed)),
        val=f'annotations/{kind}_val.json',
        test=f'truth/{kind}_test.json',
    )
    loader = dict(num_workers=0, persistent_workers=False, collate_fn=dict(type='pseudo_collate'))
    config.test_dataloader = copy.deepcopy(config.val_dataloader)
    for split, file in files.items():
        own = config[f'{split}_dataloader']
        own.update(loader)
        own.dataset.update(
            data_root=f'{setting.data}/',
            ann_file=file,
            length=length,
            cache=str(setting.features / RESIZED),
        )
        own.dataset.sources = dict(video=dict(path=str(setting.features)))
    config.train_dataloader.update(batch_size=setting.batch_size)
    config.train_dataloader.sampler.seed = seed
    config.val_dataloader.batch_size = config.test_dataloader.batch_size = 4
    backbone = dict(type='FeatureProjection', in_channels=setting.dim, out_channels=channels)
    words = config.model.backbones.get('words')
    config.model.backbones = dict(video=backbone, **({'words': words} if words else {}))
    config.model.neck.in_channels = dict(video=channels)
    # Small and without what is beside the point, so that a run takes seconds.
    config.model.neck.update(
        channels=channels,
        max_length=length,
        stem_blocks=1,
        temporal_share=None,
        dropout=0.0,
        drop_path=0.0,
    )
    head = config.model.heads[task]
    head.update(in_channels=channels, num_layers=1)
    if task == 'moment':
        head.decoding = dict(max_segments=100)
    sensitivity = None if row.sensitivity is None else dict(row.sensitivity, **(constants or {}))
    head.loss.sensitivity = sensitivity
    steps = _schedule(config, setting, learning_rate)
    if row.sensitivity is not None and row.sensitivity.get('learnable', constants is None):
        way = learning_rate * steps / 2  # half of the peak on average, warm-up and cosine
        name = f'heads.{task}.criterion.sensitivity'
        config.optim_wrapper.paramwise_cfg.lr_mult = {name: GAUSSIAN_WAY / way}
    config.default_hooks.checkpoint = None
    config.default_hooks.logger = dict(type='LoggerHook', interval=1000)
    config.visualizer = dict(type='Visualizer', vis_backends=[])
    config.randomness = dict(seed=seed)
    config.log_level, config.launcher = 'ERROR', 'none'
    return config


def _schedule(config: Config, setting: Setting, learning_rate: float) -> int:
    """Set epochs and learning rates; returns the number of steps."""
    epochs, warm = setting.epochs, max(1, setting.epochs // 3)
    config.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=epochs, val_begin=epochs + 1)
    first, second = config.param_scheduler
    first.end = warm
    second.update(begin=warm, end=epochs, T_max=epochs - warm)
    config.optim_wrapper.optimizer.update(lr=learning_rate, foreach=True)
    content = json.loads(Path(config.train_dataloader.dataset.ann_file).read_text('utf-8'))
    count = len(content['videos'])
    if setting.world.task == 'query':
        count = sum(
            len(annotation['language_queries'])
            for video in content['videos']
            for annotation in video['clips'][0]['annotations']
        )
    return epochs * -(-count // setting.batch_size)


def keep_file(setting: Setting, kind: str, seed: int) -> Path:
    """Training annotations without every ``LEFT_OUT``-th participant, from the seed on."""
    part = seed % LEFT_OUT
    path = setting.out / f'{kind}_without_{part}_of_{LEFT_OUT}.json'
    if not path.is_file():
        source = setting.data / f'annotations/{kind}_train.json'
        content = json.loads(source.read_text(encoding='utf-8'))
        people = sorted({video['video_uid'].partition('_')[0] for video in content['videos']})
        gone = set(people[part::LEFT_OUT])
        content['videos'] = [
            video for video in content['videos'] if video['video_uid'].partition('_')[0] not in gone
        ]
        write_whole(path, json.dumps(content))
    return path.absolute()


def run(
    row: Row,
    setting: Setting,
    learning_rate: float,
    seed: int,
    splits: Sequence[str],
    constants: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Train once and score on some splits, or read what an equal run left.

    Args:
        row: The row.
        setting: What all runs share.
        learning_rate: Of AdamW.
        seed: Of this run.
        splits: ``'val'`` and, once settings are chosen, ``'test'``.
        constants: Weights of the constant row, ``whole`` and ``ends``.

    Returns:
        ``scores`` by split and name of the metric, ``seconds`` of processor time of the training,
        ``parameters``; with sensitivity ``h``: its ``mean`` and its ``lowest`` mean of an epoch
        over training, and ``ends``; with Gaussians ``mu`` and ``sigma`` of classification by class.
    """
    config = study_config(row, setting, learning_rate, seed, constants)
    manifest = (setting.features / 'manifest.json').read_text(encoding='utf-8')
    settings = [config.to_dict(), sorted(splits), manifest]
    path = study.result_file(setting.out / row.name, learning_rate, seed, settings)
    if path.is_file():
        return json.loads(path.read_text(encoding='utf-8'))
    runner, seconds, _ = study.train(config, path)
    result: dict[str, Any] = dict(
        row=row.name,
        learning_rate=learning_rate,
        seed=seed,
        parameters=sum(value.numel() for value in runner.model.parameters()),
        seconds=seconds,
        scores={split: dict(getattr(runner, split)()) for split in splits},
    )
    if row.sensitivity is not None:
        logged = {
            name: runner.message_hub.get_scalar(f'train/{setting.world.task}/{name}').data[0]
            for name in ('h_mean', 'h_ends')
        }
        epochs = np.array_split(logged['h_mean'], setting.epochs)
        result['h'] = dict(
            mean=float(logged['h_mean'].mean()),
            lowest=min(float(epoch.mean()) for epoch in epochs),
            ends=float(logged['h_ends'].mean()),
        )
        module = runner.model.heads[setting.world.task].criterion.sensitivity
        if hasattr(module, 'centres'):
            result['mu'] = module.centres[0].tolist()
            result['sigma'] = module.widths[0].tolist()
    write_whole(path, json.dumps(result, indent=1) + '\n')
    return result


def run_seed(setting: Setting, rates: Mapping[str, float], seed: int) -> list[dict[str, Any]]:
    """All rows with one seed, scored on the test."""
    results, constants = [], None
    for row in ROWS:
        weights = constants if row.name == 'constant' else None
        result = run(row, setting, rates[row.name], seed, ('test',), weights)
        if row.name == 'learned':
            constants = dict(whole=result['h']['mean'], ends=result['h']['ends'])
        results.append(result)
    return results


def tune(row: Row, setting: Setting, learning_rate: float) -> dict[str, Any]:
    """One run that helps to choose a learning rate."""
    return run(row, setting, learning_rate, study.TUNING_SEED, ('val',))


def _tune_all(
    pool: Executor, setting: Setting, pairs: Sequence[tuple[Row, float]]
) -> list[dict[str, Any]]:
    waiting = [pool.submit(tune, row, setting, rate) for row, rate in pairs]
    return [future.result() for future in waiting]


def main_score(result: Mapping[str, Any], split: str) -> float:
    """Average mAP of moments, or mean R@1 of queries, in percent."""
    (value,) = (
        value
        for name, value in result['scores'][split].items()
        if name in ('ego4d_mq/average_mAP', 'ego4d_nlq/mean_recall_1')
    )
    return 100 * value


def true_centres(folder: Path) -> list[float | None]:
    """Where a perfect mu would be, by class: 0.5 - position of the core; None where it is flat.

    Args:
        folder: Of the world.
    """
    cores = json.loads((folder / 'truth/cores.json').read_text(encoding='utf-8'))
    return [None if core['kind'] == 'flat' else 0.5 - core['position'] for core in cores.values()]


def conduct(
    worlds: Sequence[World],
    seeds: int,
    *,
    configs: Path,
    data: Path,
    out: Path,
    processes: int,
    say: Callable[[str], None],
) -> Iterator[list[dict[str, Any]]]:
    """Run everything that has not been run.

    Args:
        worlds: In this order.
        seeds: Runs of every row.
        configs: Folder of the toy configs.
        data: For worlds and features.
        out: For results.
        processes: Runs at the same time.
        say: Takes a line about what is going on.

    Yields:
        For each world its lines of the results file, see `egomm.testing.study_records`.
    """
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context('spawn')) as pool:
        for world in worlds:
            folder, features, dim = prepare(world, data, configs, say)
            setting = Setting(
                configs=configs,
                world=world,
                data=folder,
                features=features,
                dim=dim,
                out=(out / world.name).absolute(),
                **SIZES[world.task],
            )
            rates = search_rates(
                ROWS,
                LEARNING_RATES,
                partial(_tune_all, pool, setting),
                lambda _, result: main_score(result, 'val'),
            )
            say(f'{world.name}: learning rates {rates}')
            waiting = [pool.submit(run_seed, setting, rates, seed) for seed in range(seeds)]
            records = [dict(kind='world', world=world.name, centres=true_centres(folder))]
            for done, future in enumerate(waiting, start=1):
                records += [dict(kind='run', world=world.name, **run) for run in future.result()]
                say(f'{world.name}: {done} of {seeds} seeds')
            yield records
