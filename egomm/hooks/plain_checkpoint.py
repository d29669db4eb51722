"""Checkpoints of plain types, which torch reads with ``weights_only=True`` and no allowlist."""

import logging
from collections import OrderedDict
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.logging import HistoryBuffer, print_log
from mmengine.runner import Runner

from egomm.compat import install_safe_checkpoint_loading
from egomm.registry import HOOKS

_SAFE = (
    str,
    bytes,
    int,
    float,
    bool,
    complex,
    type(None),
    torch.Tensor,
    torch.dtype,
    torch.device,
    torch.Size,
)


@HOOKS.register_module()
class PlainCheckpointHook(Hook):
    """Write checkpoints as tensors, numbers, text, lists and dicts; read them back safely.

    MMEngine's own checkpoints hold NumPy objects and ``HistoryBuffer``, which torch >= 2.6
    refuses. Weights are left as they are.
    """

    priority = 'LOWEST'  # after the hooks that add to the checkpoint, for example EMA

    def before_run(self, runner: Runner) -> None:
        """Let the run read checkpoints safely, those of plain MMEngine as well."""
        install_safe_checkpoint_loading()

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Replace everything beside the weights by plain types, in place."""
        for name, value in checkpoint.items():
            if name != 'state_dict':
                checkpoint[name] = to_plain(value, name)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Rebuild the message hub's buffers and, where it is the same, the dataset's metainfo.

        MMEngine compares the metainfo's pickles and would warn of every array and tuple.
        """
        if getattr(runner, '_resume', False):
            current = getattr(runner.train_dataloader.dataset, 'metainfo', None)
            meta = checkpoint.get('meta', {})
            if to_plain(current) == meta.get('dataset_meta'):
                meta['dataset_meta'] = current
        scalars = checkpoint.get('message_hub', {}).get('log_scalars', {})
        for name, value in scalars.items():
            if isinstance(value, dict):
                scalars[name] = HistoryBuffer(
                    value['log_history'].cpu().numpy(),
                    value['count_history'].cpu().numpy(),
                    value['max_length'],
                )


def to_plain(value: Any, name: str = 'checkpoint') -> Any:
    """Rebuild nested data from plain types.

    Args:
        value: Nested dicts, lists and tuples. NumPy numbers become Python's, arrays and sets
            become lists, paths become text, members of an enum their values, a
            ``HistoryBuffer`` becomes a dict of its two histories (float64 tensors) and its length.
        name: How messages call the value.

    Returns:
        The same data; what has no plain form is left out of its dict or list, with a warning
        in the log that names it.
    """
    plain = _convert(value, name)
    return None if plain is _DROPPED else plain


_DROPPED = object()


def _convert(value: Any, name: str) -> Any:
    if isinstance(value, np.generic):
        return _convert(value.item(), name)
    if type(value) in _SAFE or isinstance(value, torch.Tensor):
        return value
    if isinstance(value, HistoryBuffer):
        logs, counts = (torch.tensor(np.asarray(part, dtype=np.float64)) for part in value.data)
        return dict(log_history=logs, count_history=counts, max_length=value.max_length)
    if isinstance(value, np.ndarray):
        return _convert(value.tolist(), name)
    if isinstance(value, dict):
        kind = OrderedDict if isinstance(value, OrderedDict) else dict
        pairs = (
            (_convert(key, f'a key of {name}'), _convert(item, f'{name}.{key}'))
            for key, item in value.items()
        )
        return kind(
            (key, item) for key, item in pairs if key is not _DROPPED and item is not _DROPPED
        )
    if isinstance(value, (list, tuple, set, frozenset)):
        items = [_convert(item, f'{name}[{position}]') for position, item in enumerate(value)]
        items = [item for item in items if item is not _DROPPED]
        return tuple(items) if isinstance(value, tuple) else items
    if isinstance(value, Enum):
        return _convert(value.value, name)
    for kind in (int, float, str):
        if isinstance(value, kind):  # a subclass
            return kind(value)
    if isinstance(value, Path):
        return str(value)
    print_log(
        f'{name} is a {type(value).__module__}.{type(value).__qualname__}, which a checkpoint of '
        'plain types cannot hold; it is left out.',
        logger='current',
        level=logging.WARNING,
    )
    return _DROPPED
