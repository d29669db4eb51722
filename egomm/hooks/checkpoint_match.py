"""A checkpoint has to fit the model that it is loaded into."""

import re
from collections.abc import Sequence

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor

from egomm.registry import HOOKS

_SHOWN = 4  # names of each kind in an error


@HOOKS.register_module()
class CheckpointMatchHook(Hook):
    """Refuse a checkpoint of another architecture instead of loading half of it.

    MMEngine loads what fits and only logs the rest, so a test of the wrong checkpoint ends in
    a number. Here names and shapes have to be the model's, but for those that ``allow`` names.

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
            ValueError: If they differ, the file holds no weights, or a run is to be resumed from
                weights alone.
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


def _layout(checkpoint: object) -> str:
    """The types in a checkpoint, for an error."""
    if not isinstance(checkpoint, dict):
        return f'a {type(checkpoint).__name__}'
    return f'state_dict={checkpoint["state_dict"]!r:.60}'


def differences(
    wanted: dict[str, Tensor], got: dict[str, Tensor], allow: tuple[str, ...] = ()
) -> list[str]:
    """One sentence for each kind of difference between two state dicts."""

    def first(names: list[str]) -> str:
        more = f' and {len(names) - _SHOWN} more' if len(names) > _SHOWN else ''
        return ', '.join(names[:_SHOWN]) + more

    counted = 'num_batches_tracked'  # absent from old checkpoints, used only without momentum
    missing = [
        name
        for name in wanted
        if name not in got and not name.startswith(allow) and not name.endswith(counted)
    ]
    unexpected = [name for name in got if name not in wanted and not name.startswith(allow)]
    misshaped = [
        f'{name} {tuple(got[name].shape)} instead of {tuple(wanted[name].shape)}'
        for name in wanted
        if name in got and got[name].shape != wanted[name].shape and not name.startswith(allow)
    ]
    kinds = {'missing': missing, 'unexpected': unexpected, 'of another shape': misshaped}
    return [f'{len(names)} {kind}: {first(names)}' for kind, names in kinds.items() if names]
