"""What a tool says of an error: one line for who wrote the config, a traceback for the rest."""

import dis
import inspect
import re
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

_BUILD = 'mmengine.registry.build_functions'
_RUNNER = 'mmengine.runner.runner'
_LOOPS = ('mmengine.runner.loops', 'egomm.hooks.train_loop')
_LONGEST = 300  # characters of an error of MMEngine
# Whose files nobody wants to see who looks for a mistake in a component of their own.
_LIBRARIES = {*sys.stdlib_module_names, 'torch', 'numpy', 'mmengine', 'mmcv', 'mmaction', 'cv2'}


def user_message(error: Exception) -> str | None:
    """The text of an error that was written for the person who wrote the config.

    That is a ValueError, RuntimeError or ImportError which egomm or a plugin in ``projects/``
    raised itself, here or in a process of the data loader, a config whose keys or values the
    constructor of a component does not take, and a file that cannot be opened.

    Returns:
        The text, or None for an error of the program, whose traceback is wanted.
    """
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    module = frames[-1].f_globals.get('__name__', '') if frames else ''
    if isinstance(error, TypeError) and module == _BUILD:
        return _wrong_keys(error, frames)
    if isinstance(error, OSError) and error.filename is not None:
        return (
            f'{error.filename}: {error.strerror}. Correct the path, or make it readable and '
            'writable; EGOMM_DEBUG=1 shows where it fails.'
        )
    speaks = isinstance(error, (ValueError, RuntimeError, ImportError)) and _is_raised(error)
    if speaks and module.partition('.')[0] in ('egomm', 'projects', '__main__'):
        return str(error)
    if speaks and module == 'torch._utils':  # handed over by a process of the data loader, as text
        places = re.findall(r'^  File "(.*)", line .*\n(.*)', str(error), re.MULTILINE)
        file, line = places[-1] if places else ('', '')
        own = {'egomm', 'projects'} & {*Path(file).parts[-4:-1]} and re.search(r'\braise\b', line)
        # The last one, which was raised while those before it were handled.
        message = re.search(
            r'.*^[\w.]*(?:Value|Runtime|Import|Media)Error: (.*)',
            str(error),
            re.MULTILINE | re.DOTALL,
        )
        return message.group(1).rstrip() if message and own else None
    own_check = isinstance(error, (TypeError, ValueError, RuntimeError))
    if own_check and module == _RUNNER:  # its text may hold half of the config
        text = str(error).rstrip('.')
        text = text if len(text) <= _LONGEST else f'{text[:_LONGEST]} ...'
        return f'{text}. Correct the config; EGOMM_DEBUG=1 shows where it fails.'
    if isinstance(error, (TypeError, ValueError, KeyError, AssertionError, AttributeError)):
        return _failed_construction(error, frames)
    return None


def start_message(error: Exception) -> str | None:
    """What to say of a run that fails in whatever way before its first step is made.

    A later error of a run gets a note that names its config and says how to go on.

    Returns:
        The text, which names the config, or None for an error after that or outside of a run.
    """
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    builders = [
        frame.f_locals['config']
        for frame in frames
        if _is(frame, 'egomm.apis.launch', 'build_runner')
    ]
    runners = [
        frame
        for frame in frames
        if frame.f_globals.get('__name__') == _RUNNER and hasattr(frame.f_locals.get('self'), 'cfg')
    ]
    if not builders and not runners:
        return None
    config = [*builders, *(frame.f_locals['self'].cfg for frame in runners)][0]
    loops = [frame for frame in frames if frame.f_globals.get('__name__') in _LOOPS]
    if any(_steps_done(frame) for frame in loops):
        trains = any(frame.f_code.co_name == 'train' for frame in runners)
        error.add_note(
            f'{config.filename or "The config"}: this run was under way; once the cause is gone, '
            + (
                'training goes on from its last checkpoint with --resume.'
                if trains
                else 'start it again.'
            )
        )
        return None
    return (
        f'{config.filename or "the config"}: {"the first step" if loops else "building the run"} '
        f'fails: {unknown_message(error)}'
    )


def unknown_message(error: Exception) -> str:
    """What to say of any error: its kind, its text, and the last line that no library wrote."""
    place = ''
    for frame, line in traceback.walk_tb(error.__traceback__):
        module = frame.f_globals.get('__name__', '')
        if module.partition('.')[0] not in _LIBRARIES and not module.startswith('egomm.apis'):
            place = f' ({frame.f_code.co_filename}, line {line})'
    return f'{type(error).__name__}: {error}{place}. EGOMM_DEBUG=1 shows where it fails.'


def _is_raised(error: Exception) -> bool:
    """Whether a `raise` made the error, and not what C code thought of its arguments."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is None:
        return False
    return last.tb_frame.f_code.co_code[last.tb_lasti] == dis.opmap['RAISE_VARARGS']


def _is(frame: FrameType, module: str, function: str) -> bool:
    """Whether a frame is a call of this function."""
    return (frame.f_globals.get('__name__'), frame.f_code.co_name) == (module, function)


def _steps_done(frame: FrameType) -> bool:
    """Whether the loop of a frame has steps behind it."""
    return bool(getattr(frame.f_locals.get('self'), 'iter', 0) or frame.f_locals.get('idx', 0))


def _failed_construction(error: Exception, frames: Sequence[FrameType]) -> str | None:
    """What to say of a library that chokes on a value of the config; None for anything else."""
    component, arguments = _component(frames)
    if component is None:
        return None
    given = ', '.join(
        f'{key}={value!r}'
        for key, value in arguments.items()
        if value is None or isinstance(value, (bool, int, float, str))
    )
    name = getattr(component, '__name__', component)
    return (
        f'{name}({given}) cannot be built: {type(error).__name__}: {error}. Correct the values '
        'beside its `type` in the config; EGOMM_DEBUG=1 shows where it fails.'
    )


def _wrong_keys(error: Exception, frames: Sequence[FrameType]) -> str:
    """What to say of keys that the constructor of a component does not take, or misses."""
    component, _ = _component(frames)
    name, takes = '', ''
    if component is not None:
        name = f'{getattr(component, "__name__", component)}: '
        parameters = inspect.signature(component).parameters.values()
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
            takes = f'; it takes {", ".join(p.name for p in parameters) or "none"}'
    return f'{name}{error}. Correct the keys beside its `type` in the config{takes}.'


def _component(frames: Sequence[FrameType]) -> tuple[Any, dict[str, Any]]:
    """The innermost component that was being built, and its arguments; None and {} without."""
    for frame in reversed(frames):
        if _is(frame, _BUILD, 'build_from_cfg'):
            return frame.f_locals.get('obj_cls'), frame.f_locals.get('args', {})
    return None, {}
