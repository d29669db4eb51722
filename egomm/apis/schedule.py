"""The learning rate that a config will train with, before it does."""

import copy
import math

import mmengine.optim  # noqa: F401  # registers optimisers
import torch
from mmengine.config import Config
from mmengine.registry import OPTIMIZERS

from egomm.datasets.clips import ClipDataset
from egomm.datasets.localization import FeatureDataset
from egomm.registry import DATASETS, PARAM_SCHEDULERS

_PLAIN = {'type', 'lr', 'momentum', 'betas'}


def steps_an_epoch(config: Config, processes: int = 1) -> int:
    """Batches of an epoch of the config's training data, of which the annotations are read.

    Raises:
        ValueError: If there is no training data, or its annotations cannot be read.
    """
    loader = config.get('train_dataloader')
    if not loader:
        raise ValueError(f'{config.filename} has no train_dataloader. Say how many steps it has.')
    settings = copy.deepcopy(dict(loader.dataset))
    kind = DATASETS.get(settings['type'])
    if isinstance(kind, type) and issubclass(kind, (ClipDataset, FeatureDataset)):
        settings['check_files'] = False
    try:
        clips = len(DATASETS.build(settings))
    except (ValueError, OSError) as error:
        raise ValueError(
            f'The number of steps cannot be counted: {error} Or say it: --steps-per-epoch.'
        ) from error
    return math.ceil(math.ceil(clips / processes) / loader.batch_size)


def learning_rates(config: Config, steps: int) -> list[float]:
    """Learning rate of each step of the training, of parameters without a factor of their own.

    Args:
        config: With ``optim_wrapper``, ``param_scheduler`` and ``train_cfg`` by epochs.
        steps: Batches of an epoch.

    Raises:
        ValueError: If the config does not train by epochs with one optimiser.
    """
    epochs = (config.get('train_cfg') or {}).get('max_epochs')
    optimizer = (config.get('optim_wrapper') or {}).get('optimizer')
    if not epochs or not optimizer:
        raise ValueError(
            f'{config.filename} wants train_cfg.max_epochs and optim_wrapper.optimizer. Give the '
            'config of a training by epochs.'
        )
    if steps < 1:
        raise ValueError(f'An epoch has at least one step; got {steps}.')
    settings = {key: value for key, value in optimizer.items() if key in _PLAIN}
    weight = torch.nn.Parameter(torch.zeros(1))
    built = OPTIMIZERS.build(dict(settings, params=[weight]))
    given = config.get('param_scheduler') or []
    schedules = []
    for one in given if isinstance(given, (list, tuple)) else [given]:
        one = dict(one)
        one.setdefault('end', epochs if one.get('by_epoch', True) else epochs * steps)
        schedules.append(
            PARAM_SCHEDULERS.build(one, default_args=dict(optimizer=built, epoch_length=steps))
        )
    built.step()  # schedulers warn unless it comes first
    rates = []
    for step in range(epochs * steps):
        rates.append(built.param_groups[0]['lr'])
        for schedule in schedules:
            if not schedule.by_epoch or (step + 1) % steps == 0:
                schedule.step()
    return rates
