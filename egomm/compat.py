"""Repairs for the versions egomm runs on, each with the version it is for and when it can go.

Nothing else in egomm but `resources` works around another package. Importing this file loads
neither torch nor mmaction2.
"""

import hashlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import pickle
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlparse

from mmengine.config import Config

from egomm.sealing import Seal, seal_of

_DRN_PACKAGE = 'mmaction.models.localizers.drn'


class _DRNStandIn(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the package ``drn`` of mmaction2 where the installed wheel lacks it.

    It sits at the end of ``sys.meta_path``, so files that are really there always win.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in (_DRN_PACKAGE, f'{_DRN_PACKAGE}.drn'):
            return None
        return importlib.util.spec_from_loader(fullname, self, is_package=fullname == _DRN_PACKAGE)

    def exec_module(self, module: ModuleType) -> None:
        if module.__name__ == _DRN_PACKAGE:
            return
        from mmaction.registry import MODELS

        class DRN:
            """Stands for a localizer whose files are not installed."""

            def __init__(self, *args: object, **kwargs: object) -> None:
                raise ImportError(
                    'DRN was left out of the mmaction2 1.2.0 wheel. Install mmaction2 from its '
                    'repository to use it: '
                    'pip install git+https://github.com/open-mmlab/mmaction2.'
                )

        DRN.__module__ = module.__name__
        module.__dict__['DRN'] = MODELS.register_module()(DRN)


def install_drn_stand_in() -> None:
    """Let ``import mmaction.models`` succeed on the wheel that lacks ``drn``.

    For mmaction2 1.2.0 (its issue 2714). Can go when a wheel holds
    ``mmaction/models/localizers/drn``. Calling it twice does no harm.
    """
    if not any(isinstance(finder, _DRNStandIn) for finder in sys.meta_path):
        sys.meta_path.append(_DRNStandIn())


_VINDLU_PACKAGE = 'mmaction.models.multimodal.vindlu'


class _VindLUStandIn(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """An empty package in the place of mmaction2's ``vindlu``; sits before the real one."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != _VINDLU_PACKAGE:
            return None
        return importlib.util.spec_from_loader(fullname, self, is_package=True)

    def exec_module(self, module: ModuleType) -> None:
        pass


def install_vindlu_stand_in() -> None:
    """Let ``import mmaction.models`` succeed where ``transformers`` is installed.

    For mmaction2 1.2.0, which then imports its VindLU, and with it timm and parts of transformers
    that no longer exist. Its retrieval models are out of reach here. Can go when mmaction2 works
    with transformers 5. Calling it twice does no harm.
    """
    if not any(isinstance(finder, _VindLUStandIn) for finder in sys.meta_path):
        sys.meta_path.insert(0, _VindLUStandIn())


@contextmanager
def quiet_dependencies() -> Iterator[None]:
    """Import mmaction2 or build one of its models without warnings that say nothing to a user.

    For mmaction2 1.2.0 with mmcv-lite 2.1.0 (no compiled deformable attention, which nothing
    here uses) under torch 2.13 (``torch.jit.script`` and, in torch's own files,
    ``torch.jit.interface`` are deprecated; SwinTransformer3D calls ``meshgrid`` without
    ``indexing``). Can go with the next release of mmaction2.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings(
            'ignore', 'Fail to import ``?MultiScaleDeformableAttention', UserWarning
        )
        warnings.filterwarnings('ignore', r'`torch\.jit\.(script|interface)`', DeprecationWarning)
        warnings.filterwarnings('ignore', r'torch\.meshgrid: in an upcoming release', UserWarning)
        yield


def load_checkpoint(path: str | Path, map_location: Any = 'cpu') -> Any:
    """Read a checkpoint of egomm, plain MMEngine or plain torch without unpickling freely.

    For torch >= 2.6 with mmengine 0.10.7 (its issue 1655), whose checkpoints hold NumPy objects
    and ``HistoryBuffer``. Can go when MMEngine writes plain types; files written before stay.
    ``weights_only=True`` always holds, and only inside this call the allowlist of torch grows.

    Args:
        path: A local file, of torch or of safetensors (``.safetensors``).
        map_location: Where tensors go, as in `torch.load`.

    Returns:
        What the file holds; for safetensors a dict of ``state_dict`` and ``meta``.

    Raises:
        ValueError: If the file does not exist, is cut short, differs from its seal, holds objects
            that are refused because unpickling them could run code, or weights that are NaN.
    """
    import torch

    path = Path(path).expanduser()
    if not path.is_file():
        raise ValueError(f'There is no checkpoint {path}. Give the path of a .pth file.')
    if seal_of(path) is Seal.DAMAGED:
        raise ValueError(_incomplete(path, 'its content differs from its seal'))
    if path.suffix == '.safetensors':
        return _checked(_read_safetensors(path, map_location), path)
    try:
        with (
            torch.serialization.safe_globals(_allowed_globals()),
            warnings.catch_warnings(),
        ):
            # Of a bare pickle; what follows says more.
            warnings.filterwarnings('ignore', 'Detected pickle protocol')
            checkpoint = torch.load(path, map_location=map_location, weights_only=True)
    except Exception as error:  # what torch raises on a damaged file depends on its bytes
        reason = f'{type(error).__name__}: {error}'.strip(' :')
        if isinstance(error, pickle.UnpicklingError):
            if 'Unsupported operand' not in reason:
                raise ValueError(_refusal(path, error)) from error
            reason = 'it is neither a zip file nor a pickle'  # torch advises to load it unsafely
        raise ValueError(_incomplete(path, reason)) from error
    return _checked(_with_real_buffers(checkpoint), path)


def install_safe_checkpoint_loading() -> None:
    """Make MMEngine read local files and web addresses as `load_checkpoint` does.

    For mmengine 0.10.7: its loader of web addresses asks torch for full unpickling, its loader
    of local files fails on its own checkpoints. Can go when both pass ``weights_only=True``.

    Afterwards MMEngine raises a ValueError for what cannot be read or downloaded.
    """
    import torch
    from mmengine.runner import checkpoint as mmengine_checkpoint

    def load_from_local(filename: str, map_location: Any = None) -> Any:
        return load_checkpoint(filename, map_location)

    def load_url(
        url: str, model_dir: str | None = None, map_location: Any = None, progress: bool = True
    ) -> Any:
        folder = Path(model_dir or Path(torch.hub.get_dir(), 'checkpoints'))
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / Path(urlparse(url).path).name
        if not file.exists():
            try:
                torch.hub.download_url_to_file(url, str(file), progress=progress)
            except OSError as error:
                raise ValueError(
                    f'{url} cannot be downloaded: {error}. Correct the address, or put the file '
                    f'there by hand: {file}.'
                ) from error
        return load_checkpoint(file, map_location)

    mmengine_checkpoint.CheckpointLoader.register_scheme('', load_from_local, force=True)
    mmengine_checkpoint.load_url = load_url


class _BufferState:
    """What a pickled ``HistoryBuffer`` becomes while torch reads it: arrays, no methods."""

    def __setstate__(self, state: dict) -> None:
        self.log_history = state['_log_history']
        self.count_history = state['_count_history']
        self.max_length = state['max_length']


def _buffer_statistic(owner: Any, name: Any) -> str:
    """Stands for ``builtins.getattr``: answers for the four statistics of a buffer alone.

    The real one, reachable from a file, runs any code: it walks from one of torch's own
    functions to the functions of ``os``.
    """
    if owner is _BufferState and name in ('min', 'max', 'current', 'mean'):
        return name
    raise pickle.UnpicklingError(f'getattr(..., {name!r}) is refused')


def _allowed_globals() -> list:
    """Name by name what plain MMEngine puts into a checkpoint."""
    import numpy as np

    kinds = (
        np.float16,
        np.float32,
        np.float64,
        np.int8,
        np.int16,
        np.int32,
        np.int64,
        np.uint8,
        np.uint16,
        np.uint32,
        np.uint64,
        np.bool_,
        np.complex64,
        np.complex128,
        np.str_,
        np.bytes_,
    )
    multiarray = np.ndarray.__reduce__(np.empty(0))[0]
    scalar = np.float64(0).__reduce__()[0]
    return [
        np.ndarray,
        np.dtype,
        *{type(np.dtype(kind)) for kind in kinds},
        # NumPy 1 and NumPy 2 write different module names.
        *((multiarray, f'numpy.{core}.multiarray._reconstruct') for core in ('core', '_core')),
        *((scalar, f'numpy.{core}.multiarray.scalar') for core in ('core', '_core')),
        (_BufferState, 'mmengine.logging.history_buffer.HistoryBuffer'),
        (_buffer_statistic, 'builtins.getattr'),
    ]


def _with_real_buffers(checkpoint: Any) -> Any:
    """Put ``HistoryBuffer`` back where the file held one."""
    if not isinstance(checkpoint, dict) or not isinstance(checkpoint.get('message_hub'), dict):
        return checkpoint
    from mmengine.logging import HistoryBuffer

    scalars = checkpoint['message_hub'].get('log_scalars', {})
    for name, value in scalars.items():
        if isinstance(value, _BufferState):
            scalars[name] = HistoryBuffer(value.log_history, value.count_history, value.max_length)
    return checkpoint


def _read_safetensors(path: Path, map_location: Any) -> dict:
    """A file of `egomm.apis.publish`, or of anyone: no code can be in it."""
    import torch
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework='pt') as file:
            meta = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ValueError(_incomplete(path, f'{type(error).__name__}: {error}')) from error
    if 'sha256' in meta and meta['sha256'] != tensor_hash(path.read_bytes()):
        raise ValueError(_incomplete(path, 'its tensors differ from the hash in its header'))
    if not isinstance(map_location, (str, torch.device)):
        map_location = 'cpu'
    return dict(
        state_dict={name: tensor.to(map_location) for name, tensor in state.items()}, meta=meta
    )


def tensor_hash(content: bytes) -> str:
    """Hash of the tensors in a file of safetensors, which its header does not change."""
    length = int.from_bytes(content[:8], 'little')
    return hashlib.sha256(memoryview(content)[8 + length :]).hexdigest()


def _checked(checkpoint: Any, path: Path) -> Any:
    """Refuse weights of a run that had gone wrong; -inf may stand in somebody's mask."""
    state = checkpoint.get('state_dict', checkpoint) if isinstance(checkpoint, dict) else {}
    broken = [
        name
        for name, value in (state.items() if isinstance(state, dict) else ())
        if hasattr(value, 'isnan') and bool(value.isnan().any())
    ]
    if broken:
        raise ValueError(
            f'{path}: {len(broken)} of its weights hold NaN, such as {broken[0]}: the run that '
            'wrote it had gone wrong. Take an earlier checkpoint.'
        )
    return checkpoint


def _incomplete(path: Path, reason: str) -> str:
    return (
        f'{path} is no complete checkpoint ({reason}). Copy or download it again, or take an '
        'earlier one.'
    )


def _refusal(path: Path, error: Exception) -> str:
    # The rest of torch's text advises to switch the check off.
    reason = str(error).partition('WeightsUnpickler error:')[2].strip().splitlines()
    found = re.search(r'GLOBAL (\S+)', str(error))
    what = found.group(1) if found else (reason or ['one of an unknown kind'])[0]
    return (
        f'{path} holds a Python object that egomm does not load, because unpickling it could run '
        f'code: {what}. Ask its author for a file of tensors and plain types, or, where the file '
        "was made, save it again with torch.save(dict(state_dict=model.state_dict()), 'FILE')."
    )


def unformatted(config: Config) -> Config:
    """A copy of a config whose text is not laid out by yapf.

    For MMEngine 0.10.7, which lays the whole config out anew for every checkpoint (about 4 s for
    a toy config on 2 cores; the plain text is indented already) and ignores
    ``format_python_code`` of ``Config.fromfile``. Can go when it caches the text.
    """
    return Config(
        config.to_dict(),
        cfg_text=config.text,
        filename=config.filename,
        format_python_code=False,
    )


def checkpoint_activations_without_reentry() -> None:
    """Let MMEngine's ``activation_checkpointing`` say which of torch's two ways it means.

    MMEngine 0.10.7 leaves it to torch, which warns at each call and announces an error. The way
    without a nested backward pass also works where no input needs a gradient, and under
    DistributedDataParallel.
    """
    from mmengine.runner import activation_checkpointing
    from torch.utils.checkpoint import checkpoint

    activation_checkpointing.checkpoint = partial(checkpoint, use_reentrant=False)


def let_schedules_count_batches() -> None:
    """Silence MMEngine 0.10.7 where a step is of several batches.

    Its schedules move with every batch, and warn when the first one comes before a step.
    """
    warnings.filterwarnings('ignore', 'Detected call of `scheduler.step')


def pad_short_clips() -> None:
    """Let 3-D convolutions learn from clips that are shorter than the kernel, on a CPU.

    For torch 2.13 with oneDNN 3.12.0, whose ``jit_bf16:avx512_core_bf16`` leaves a part of the
    weight gradient in bfloat16 as it finds the memory where the kernel has more frames than a
    clip of two or more: 3 on 2, 5 on 2 to 4. Of 120 such gradients, computed in memory that held
    NaN before, all were wrong and 88 not finite. With zeros around the clip instead of the
    convolution's padding the kernel finds frames enough, and the values are the same. Can go when
    its test passes without it on a CPU with AVX-512.
    """
    from torch import is_grad_enabled, nn
    from torch.nn import functional as F

    plain = nn.Conv3d.forward

    def forward(self, input):  # noqa: A002, the name that torch gives it
        frames = input.shape[-3]
        extents = [step * (taps - 1) for step, taps in zip(self.dilation, self.kernel_size)]
        learns = is_grad_enabled() and self.weight.requires_grad and input.device.type == 'cpu'
        if not (learns and 1 < frames <= extents[0]) or self.padding_mode != 'zeros':
            return plain(self, input)
        if self.padding == 'same':
            sides = [(extent // 2, extent - extent // 2) for extent in extents]
        else:
            sides = [(0, 0) if self.padding == 'valid' else (one, one) for one in self.padding]
        padded = F.pad(input, [cells for pair in reversed(sides) for cells in pair])
        return F.conv3d(padded, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)

    nn.Conv3d.forward = forward


def start_cpu_process_group(launcher: str, timeout_seconds: float = 1800) -> None:
    """Join the other processes over gloo, on a machine without CUDA.

    For mmengine 0.10.7, whose launchers call ``torch.cuda.set_device`` whatever the machine. Can
    go when they ask for CUDA first. MMEngine uses the group that it finds.

    Args:
        launcher: 'pytorch', 'slurm' or 'mpi': who set the environment variables.
        timeout_seconds: How long a process waits for the others.
    """
    from datetime import timedelta

    import torch.distributed

    environment = os.environ
    if launcher == 'slurm':
        environment['RANK'] = environment['SLURM_PROCID']
        environment['WORLD_SIZE'] = environment['SLURM_NTASKS']
        environment['LOCAL_RANK'] = environment['SLURM_LOCALID']
        if 'MASTER_ADDR' not in environment:
            hosts = subprocess.run(
                ['scontrol', 'show', 'hostnames', environment['SLURM_NODELIST']],
                check=True,
                capture_output=True,
                text=True,
            )
            environment['MASTER_ADDR'] = hosts.stdout.split()[0]
    elif launcher == 'mpi':
        for name in ('RANK', 'SIZE', 'LOCAL_RANK'):
            plain = 'WORLD_SIZE' if name == 'SIZE' else name
            environment[plain] = environment[f'OMPI_COMM_WORLD_{name}']
    environment.setdefault('MASTER_ADDR', '127.0.0.1')
    environment.setdefault('MASTER_PORT', '29500')
    torch.distributed.init_process_group('gloo', timeout=timedelta(seconds=timeout_seconds))


def cpu_model_wrapper(wrapper: dict | None, find_unused_parameters: bool = False) -> dict:
    """Config of the distributed wrapper for a machine without CUDA.

    For mmengine 0.10.7, which gives DDP a device number. Can go with `start_cpu_process_group`.

    Args:
        wrapper: ``model_wrapper_cfg`` of the config, if any.
        find_unused_parameters: The config's setting of that name.
    """
    base = dict(
        type='MMDistributedDataParallel',
        broadcast_buffers=False,
        find_unused_parameters=find_unused_parameters,
    )
    return {**base, **(wrapper or {}), 'device_ids': None}
