"""Whether the methods of hooks are what a run calls: a misspelt one would do nothing."""

import difflib
import inspect
from collections.abc import Iterable
from logging import WARNING

from mmengine.hooks import Hook
from mmengine.logging import print_log


def check_methods(hooks: Iterable[Hook]) -> None:
    """Look through the methods of hooks by which a run calls them.

    A method ``before_...`` or ``after_...`` that no run of MMEngine calls is warned of; a loop of
    one's own may call it.

    Args:
        hooks: Hooks of a runner.

    Raises:
        ValueError: If such a method does not take what a run gives it.
    """
    for hook in hooks:
        kind = type(hook).__name__
        for name, _ in inspect.getmembers(type(hook), inspect.isroutine):
            if name.startswith(('before_', 'after_')) and name not in Hook.stages:
                _warn(kind, name)
        for name in (stage for stage in Hook.stages if hasattr(hook, stage)):
            # The runner comes by position, what else there is by name.
            _, _, *given = inspect.signature(getattr(Hook, name)).parameters
            try:
                inspect.signature(getattr(hook, name)).bind(None, **dict.fromkeys(given))
            except TypeError as error:
                raise ValueError(
                    f'{kind}.{name} does not take what a run gives it ({error}). Define '
                    f'it as `def {name}({", ".join(["self", "runner", *given])})`.'
                ) from error


def _warn(hook: str, name: str) -> None:
    close = ', '.join(difflib.get_close_matches(name, Hook.stages, n=2)) or 'none'
    print_log(
        f'{hook}.{name} is called by no run of MMEngine. Close names: {close}; mmengine.hooks.Hook '
        'has all of them.',
        logger='current',
        level=WARNING,
    )
