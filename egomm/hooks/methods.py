"""Whether the methods of hooks are what a run calls: a misspelt one would do nothing."""

import difflib
import inspect
from collections.abc import Iterable
from logging import WARNING

from mmengine.hooks import Hook
from mmengine.logging import print_log


def check_methods(hooks: Iterable[Hook]) -> None:
    """Look through the methods of hooks by which a run calls them.

    A method that no run of MMEngine calls is warned of; a loop of one's own may call it.

    Args:
        hooks: Hooks of a runner.

    Raises:
        ValueError: If such a method does not take what a run gives it.
    """
    for hook in hooks:
        kind = type(hook)
        for name, method in inspect.getmembers(kind, inspect.isfunction):
            if name not in Hook.stages:
                if name.startswith(('before_', 'after_')):
                    _warn(kind.__name__, name)
                continue
            # `self` and the runner come by position, what else there is by name.
            _, _, *given = inspect.signature(getattr(Hook, name)).parameters
            try:
                inspect.signature(method).bind(hook, None, **dict.fromkeys(given))
            except TypeError as error:
                raise ValueError(
                    f'{kind.__name__}.{name} does not take what a run gives it ({error}). Define '
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
