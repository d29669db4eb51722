"""From a command line to a runner: what ``tools/train.py`` and ``tools/test.py`` share.

Importing this file loads neither torch nor MMEngine's runner, so ``--help`` answers at once.
"""

import argparse
import difflib
import inspect
import os
import re
import select
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmengine.config import Config, DictAction

from egomm.apis.errors import start_message, user_message
from egomm.compat import unformatted
from egomm.resources import let_bases_be_packaged

if TYPE_CHECKING:
    from mmengine.runner import Runner

_LOADER_SECONDS = 600  # for a batch, after which a loader's process is taken for hung
LAUNCHERS = ('none', 'pytorch', 'slurm', 'mpi')
# `dict(...)` or `{'key': ...}`, which MMEngine's parser takes for text; `{video}.MP4` is text.
_DICT = re.compile(r"""(^|[\[(,])(dict\(|\{["'])""")

let_bases_be_packaged()


def positive_number(text: str) -> int:
    """A whole number from 1 up, as the ``type`` of an argument, which refuses anything else."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'a whole number from 1 up is wanted; got {text!r}')
    return int(text)


class OptionsAction(DictAction):
    """``KEY=VALUE`` pairs; what is none is an error of the command line."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        wrong = [value for value in values if not value.partition('=')[0] or '=' not in value]
        if wrong:
            parser.error(
                f'--cfg-options wants KEY=VALUE, for example train_cfg.max_epochs=3; '
                f'got {wrong[0]!r}'
            )
        for value in values:
            key, _, text = value.partition('=')
            if _DICT.search(text.replace(' ', '')):
                parser.error(
                    f'--cfg-options {key} wants a number, a word or a list; got {text!r}. Change '
                    f'a dict by its keys, as in {key}.NAME=VALUE; one that is not in the config '
                    'yet has to be written there.'
                )
            try:
                super().__call__(parser, namespace, [value], option_string)
            except (RecursionError, AssertionError):  # of MMEngine's parser
                parser.error(
                    f'--cfg-options {key} wants a number, a word or a list such as "[a,b]" or '
                    f'"[(a,b)]"; got {text!r}, whose brackets or commas cannot be read.'
                )


def add_common_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what training and testing have in common."""
    parser.add_argument('config', help='path of a config file')
    parser.add_argument(
        '--work-dir',
        help='folder for logs and results; '
        'work_dirs/<name of the config> unless given here or in the config',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=OptionsAction,
        default={},
        metavar='KEY=VALUE',
        help='override settings of the config: train_cfg.max_epochs=3 key="[a,b]" key="[(a,b)]"',
    )
    parser.add_argument(
        '--launcher',
        choices=LAUNCHERS,
        default='none',
        help='who started the processes (the .sh scripts set it)',
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


def load_config(args: argparse.Namespace) -> Config:
    """Read the config and put the common arguments into it.

    Args:
        args: What a parser with `add_common_arguments` returned.

    Raises:
        ValueError: If there is no such file, it cannot be read, it imports a module that is not
            found, or an option names a setting that does not exist.
    """
    if not Path(args.config).is_file():
        raise ValueError(
            f'There is no config {args.config}. Give the path of a .py file, for '
            'example configs/toy/mimo_query.py.'
        )
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    try:
        config = Config.fromfile(args.config)
    except ImportError as error:
        raise ValueError(_import_failed(args.config, error)) from error
    except Exception as error:  # a config is a program, which may fail in any way
        lost = isinstance(error, FileNotFoundError)
        raise ValueError(
            f'{args.config} cannot be read as a config: {type(error).__name__}: '
            f'{str(error).rstrip(".")}. Correct it or what its `_base_` names'
            f'{" (a config of egomm as in `egomm::toy/mimo_query.py`)" if lost else ""}; '
            'EGOMM_DEBUG=1 shows where it fails.'
        ) from error
    config = unformatted(config)
    check_options(config, args.cfg_options)
    config.launcher = args.launcher
    if args.work_dir:
        config.work_dir = args.work_dir
    elif config.get('work_dir') is None:
        config.work_dir = str(Path('work_dirs', Path(args.config).stem))
    return config


def _import_failed(config: str, error: ImportError) -> str:
    """What to say; a cause kept beside the `raise` would keep frames alive, and their files."""
    cause: BaseException = error
    while cause.__context__ is not None:
        cause = cause.__context__
    if getattr(cause, 'name', None) == 'pkg_resources':
        return (
            f'{config}: MMEngine looks up a `_base_` of another package than egomm by '
            'pkg_resources, which new versions of setuptools do not have. Copy that config, or '
            "`pip install 'setuptools<81'`."
        )
    return (
        f'{config}: custom_imports fails: {cause}. Correct the name, or put the folder of the '
        'module on PYTHONPATH; EGOMM_DEBUG=1 shows where it fails.'
    )


def check_options(config: Config, options: dict[str, Any]) -> None:
    """Refuse an option that would silently create a setting nobody reads.

    The last part of a key may be new (an argument the config leaves at its default), what
    comes before it may not, and a key of one part has to be the config's or the runner's.

    Args:
        config: The config as read.
        options: Values by dotted key.

    Raises:
        ValueError: If a part of a key is unknown; the text holds close names.
    """
    for key in options:
        parts = key.split('.')
        node: Any = config
        for depth, part in enumerate(parts):
            if isinstance(node, (list, tuple)):
                known = [str(position) for position in range(len(node))]
            elif isinstance(node, (dict, Config)):
                known = list(node.keys())
            else:
                break  # a value to be replaced by a dict
            if depth == 0:
                known += [name for name in _runner_settings() if name not in known]
            last = depth == len(parts) - 1
            if part not in known and (depth == 0 or not last):
                close = difflib.get_close_matches(part, known, n=3) or known[:8]
                raise ValueError(
                    f'--cfg-options {key}: the config has no '
                    f'{".".join(parts[: depth + 1])!r}. Close names: {", ".join(close)}.'
                )
            if last:
                break
            node = node[int(part)] if isinstance(node, (list, tuple)) else node.get(part)


def _runner_settings() -> list[str]:
    from mmengine.runner import Runner

    names = [name for name in inspect.signature(Runner.__init__).parameters if name != 'self']
    return [
        *names,
        'find_unused_parameters',
        'sync_bn',
        'compile',
        'runner_type',
        'activation_checkpointing',
    ]


def use_mixed_precision(config: Config) -> None:
    """Let the optimiser wrapper run under autocast: float16 on CUDA, bfloat16 on the CPU.

    Args:
        config: Changed in place.

    Raises:
        ValueError: If the config's wrapper is one that cannot be replaced.
    """
    import torch

    wrapper = config.optim_wrapper
    kind = wrapper.get('type', 'OptimWrapper')
    if kind not in ('OptimWrapper', 'AmpOptimWrapper'):
        raise ValueError(
            f'--amp replaces an OptimWrapper, but the config has optim_wrapper.type={kind!r}. '
            'Leave --amp out and set the precision there.'
        )
    if torch.cuda.is_available():
        wrapper.type = 'AmpOptimWrapper'
        wrapper.setdefault('loss_scale', 'dynamic')
    else:
        wrapper.type = 'egomm.apis.autocast.BFloat16OptimWrapper'
        wrapper.pop('loss_scale', None)
        wrapper.pop('dtype', None)


def build_runner(config: Config) -> 'Runner':
    """Prepare this process for the machine and build the runner.

    The hooks for safe checkpoints are added where the config does not say anything of them;
    None leaves one out.

    Args:
        config: The whole config, with ``launcher`` and ``work_dir``.

    Raises:
        ValueError: If the config has no model, a hook cannot take what a run gives it, or there
            are more processes on this node than its CUDA devices.
    """
    import torch
    from mmengine.registry import RUNNERS
    from mmengine.runner import Runner

    from egomm import compat
    from egomm.hooks.methods import check_methods

    if not config.get('model'):
        raise ValueError(
            f'{config.filename} has no `model`. Add one, or name a config that has one in '
            '`_base_`, for example configs/toy/mimo_query.py.'
        )
    hooks = config.setdefault('default_hooks', {})
    for name, kind in (
        ('plain_checkpoint', 'egomm.PlainCheckpointHook'),
        ('checkpoint_match', 'egomm.CheckpointMatchHook'),
    ):
        if hooks.setdefault(name, dict(type=kind)) is None:
            hooks.pop(name)  # switched off; MMEngine knows None for its own names only
    if config.launcher != 'none':
        if torch.cuda.is_available():
            variable = {'slurm': 'SLURM_LOCALID', 'mpi': 'OMPI_COMM_WORLD_LOCAL_RANK'}
            local_rank = int(os.environ[variable.get(config.launcher, 'LOCAL_RANK')])
            os.environ['LOCAL_RANK'] = str(local_rank)  # MMEngine reads it under every launcher
            if local_rank >= torch.cuda.device_count():
                raise ValueError(
                    f'Process {local_rank} of this node has no device: CUDA shows '
                    f'{torch.cuda.device_count()}. Start at most that many processes, or set '
                    'CUDA_VISIBLE_DEVICES=-1 to run on the CPU.'
                )
        else:
            timeout = config.get('env_cfg', {}).get('dist_cfg', {}).get('timeout', 1800)
            compat.start_cpu_process_group(config.launcher, timeout)
            config.model_wrapper_cfg = compat.cpu_model_wrapper(
                config.get('model_wrapper_cfg'), config.get('find_unused_parameters', False)
            )
    elif not torch.cuda.is_available():
        leave_cores_to_loaders(config)
    for name in ('train', 'val', 'test'):
        loader = config.get(f'{name}_dataloader') or {}
        if loader.get('num_workers', 0) > 0:
            loader.setdefault('timeout', _LOADER_SECONDS)
    if config.get('activation_checkpointing'):
        compat.checkpoint_activations_without_reentry()
    if (config.get('optim_wrapper') or {}).get('accumulative_counts', 1) > 1:
        compat.let_schedules_count_batches()
    with compat.quiet_dependencies():
        runner = RUNNERS.build(config) if 'runner_type' in config else Runner.from_cfg(config)
    check_methods(runner.hooks)
    return runner


def is_first_process(launcher: str) -> bool:
    """Whether this is the one that writes, before any process group knows."""
    variable = {'pytorch': 'RANK', 'slurm': 'SLURM_PROCID', 'mpi': 'OMPI_COMM_WORLD_RANK'}
    return launcher == 'none' or int(os.environ.get(variable[launcher], 0)) == 0


def leave_cores_to_loaders(config: Config) -> None:
    """Compute with the cores that the loader's workers leave, unless OMP_NUM_THREADS says.

    OpenMP's threads wait for each other after every operation, so one core too many, taken away
    by a worker now and then, stalls all of them.
    """
    import torch

    if 'OMP_NUM_THREADS' not in os.environ:
        loaders = (config.get(f'{name}_dataloader') or {} for name in ('train', 'val', 'test'))
        workers = max(loader.get('num_workers', 0) for loader in loaders)
        torch.set_num_threads(max(1, (os.cpu_count() or 1) - workers))


def run(main: Callable[[Sequence[str] | None], None]) -> None:
    """Call a tool's main function and end the process as a command line should.

    An error that speaks to the user is one line on stderr and exit code 2, and so is whatever
    happens before a run has made its first step, which mostly follows from its config. With
    EGOMM_DEBUG=1, or when it is an error of the program, the traceback is shown. A reader of the
    output that has seen enough, such as `head`, ends it without a word.

    Args:
        main: Takes the arguments, None for those of the process.
    """
    try:
        main(None)
        if sys.stdout:  # None where it was closed before the start
            sys.stdout.flush()
    except KeyboardInterrupt:
        print('error: interrupted. What was written stays.', file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _output_is_closed():
            sys.exit(128 + signal.SIGPIPE)
        message = None
        if os.environ.get('EGOMM_DEBUG') != '1':
            message = user_message(error) or start_message(error)
        if message is None:
            raise
        print(f'error: {message}', file=sys.stderr)
        sys.exit(2)
    finally:
        leave_process_group()


def _output_is_closed() -> bool:
    """Whether nobody reads standard output any more; if so, what is left of it goes nowhere."""
    output = select.poll()
    try:
        output.register(sys.stdout, 0)
    except (TypeError, ValueError):  # no file of the system: what broke is another pipe
        return False
    closed = any(event & select.POLLERR for _, event in output.poll(0))
    if closed:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return closed


def leave_process_group() -> None:
    """End the process group, if there is one, as the last thing that a process does with it.

    A thread of gloo needs the interpreter's lock to let go of the tensors of the last reduction,
    and whoever destroys the group holds that lock while it waits for the thread: right after a
    reduction both wait forever (seen in one of ten runs of PyTorch 2.13). So the thread gets time.
    """
    distributed = sys.modules.get('torch.distributed')
    if distributed is not None and distributed.is_initialized():
        time.sleep(0.2)
        distributed.destroy_process_group()
