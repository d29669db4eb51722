"""A checkpoint has to fit the model that it is loaded into."""

import re
from collections.abc import Sequence
from itertools import zip_longest

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from egomm.functional.weights import differences
from egomm.registry import HOOKS


@HOOKS.register_module()
class CheckpointMatchHook(Hook):
    """Refuse a checkpoint of another architecture instead of loading half of it.

    MMEngine loads what fits and only logs the rest, so a test of the wrong checkpoint ends in
    a number. Here names and shapes have to be the model's, but for those that ``allow`` names, and
    actions that are numbered pairs of verb and noun have to have the same numbers in the data.

    Args:
        allow: Beginnings of parameter names that may be missing, left over or of another shape,
            for example ``('heads.',)`` to fine-tune with new classes. What does not fit keeps
            its initial values.
    """

    priority = 'VERY_HIGH'  # before a hook that reads the rest of the checkpoint

    def __init__(self, allow: Sequence[str] = ()) -> None:
        self.allow = tuple(allow)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compare the checkpoint with the model, before anything is copied.

        Raises:
            ValueError: If they differ, the file holds no weights, a run is to be resumed from
                weights alone, or the checkpoint numbers its actions otherwise than the data.
        """
        source = getattr(runner, '_load_from', None) or 'the checkpoint'
        state = checkpoint.get('state_dict', checkpoint) if isinstance(checkpoint, dict) else None
        if not isinstance(state, dict):
            raise ValueError(
                f'{source} holds no weights: a dict with `state_dict`, or tensors by name, is '
                f'expected; got {_layout(checkpoint)}. Give a checkpoint of a training run.'
            )
        if getattr(runner, '_resume', False) and 'optimizer' not in checkpoint:
            raise ValueError(
                f'{source} holds no state of a run (it has {sorted(checkpoint)[:6]}), so nothing '
                'can be resumed from it. To start from its weights, give --cfg-options '
                f'load_from={source} instead of --resume.'
            )
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        weights = {re.sub(r'^module\.', '', name): value for name, value in state.items()}
        problems = differences(model.state_dict(), weights, self.allow)
        if problems:
            raise ValueError(
                f'{source} is not of this architecture: {"; ".join(problems)}. Use the config it '
                'was trained with (it lies beside the checkpoint in the work directory), or, to '
                'fine-tune, name the parts that may differ: --cfg-options '
                'default_hooks.checkpoint_match.allow="[\'heads.\']".'
            )
        trained = ((checkpoint.get('meta') or {}).get('dataset_meta') or {}).get('actions')
        if not self.allow and trained:
            _check_actions(source, trained, _metainfo(runner).get('actions') or trained)


def _check_actions(source: str, trained: Sequence, given: Sequence) -> None:
    there, here = ([tuple(pair) for pair in pairs] for pairs in (trained, given))
    if there != here:
        pairs = zip_longest(there, here)
        place, (one, other) = next(
            (place, pair) for place, pair in enumerate(pairs) if pair[0] != pair[1]
        )
        raise ValueError(
            f'{source} numbers its {len(there)} actions otherwise than the data, which has '
            f'{len(here)}: action {place} is verb and noun {one} there and {other} here. Give '
            'the annotation file of its training to the data set (`actions_from`).'
        )


def _metainfo(runner: Runner) -> dict:
    """That of the data that the run reads; empty if it has none."""
    for name in ('_test_loop', '_train_loop'):  # a loop that is not needed is not built
        loader = getattr(getattr(runner, name, None), 'dataloader', None)
        metainfo = getattr(getattr(loader, 'dataset', None), 'metainfo', None)
        if metainfo:
            return dict(metainfo)
    return {}


def _layout(checkpoint: object) -> str:
    """The types in a checkpoint, for an error."""
    if not isinstance(checkpoint, dict):
        return f'a {type(checkpoint).__name__}'
    return f'state_dict={checkpoint["state_dict"]!r:.60}'
