"""Run the encoders of a recognizer once over all clips and keep their tokens.

What is written is read by `egomm.datasets.cached.CachedTokens`.
"""

import copy
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.device import get_device
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

import egomm
from egomm.compat import load_checkpoint
from egomm.datasets.collate import stack_clips
from egomm.datasets.token_writer import TokenWriter
from egomm.functional.weights import differences
from egomm.functional.whole_files import sha256_of_file
from egomm.hooks.preemption import EXIT_CODE, StopRequest
from egomm.models import MultiIOModel
from egomm.registry import DATASETS, MODELS

_REPORT_SECONDS = 10


def extract_tokens(
    config: Config,
    checkpoint: str,
    out: str | Path,
    splits: Sequence[str] = ('train', 'val'),
    dtype: str = 'float32',
    say: Callable[[str], None] = print,
) -> None:
    """Write ``out/<split>`` for each split, or what of it is not there yet.

    SIGTERM and SIGUSR1 end it after a batch with exit code 143; called again, it goes on there.

    Every clip goes through the evaluation pipeline once, also those of the training split. A clip
    that cannot be read is what its data set makes of it: replaced in training within its
    ``failure_budget``, an error in evaluation.

    Args:
        config: Of a `MultiIOModel`; its neck and heads are not used.
        checkpoint: Holds weights for all backbones, named ``backbones.*``.
        out: Folder of one extraction.
        splits: Which of the config's dataloaders: train, val, test.
        dtype: ``float32``, or ``float16`` for half the disk. Encoders compute in float32 in either
            case; float16 then rounds every value by at most 2^-11 (0.05 %) of itself, or by 3e-8
            if it is below 6e-5; logits of the toy model move by 0.01 % of their standard
            deviation. A value above 65504 is an error.
        say: Takes what is to be told, a line a call.

    Raises:
        ValueError: If config, checkpoint and data do not fit, ``out`` holds another extraction, or
            the disk is too small.
    """
    config = copy.deepcopy(config)
    if not config.get('model'):
        raise ValueError(f'{config.filename} has no `model`. Give the config of a recognizer.')
    # To leave a modality out is a measurement, not a property of the encoders.
    config.model.get('data_preprocessor', {}).pop('drop', None)
    model = load_encoders(config, checkpoint)
    out = Path(out)
    settings = {split: evaluation_dataset(config, split) for split in splits}
    datasets = {split: DATASETS.build(settings[split]) for split in splits}
    # One clip in advance, because what will be needed has to be known before the first is written.
    first = _encode(model, stack_clips([datasets[splits[0]][0]]))
    encoders = {
        'egomm': egomm.__version__,
        'config': Path(config.filename).name if config.filename else None,
        'checkpoint': {'file': Path(checkpoint).name, 'sha256': sha256_of_file(checkpoint)},
        'dtype': dtype,
        'shapes': {name: list(tokens.shape[1:]) for name, tokens in first.items()},
        'backbones': config.model.backbones,
        'data_preprocessor': config.model.get('data_preprocessor'),
    }
    writers = {
        split: TokenWriter(out / split, encoders, _identity(split, dataset, settings[split]))
        for split, dataset in datasets.items()
    }
    _check_disk(out, sum(writer.bytes_left for writer in writers.values()), say)
    for split, writer in writers.items():
        writer.start()
        loader = _loader(config, datasets[split], writer.done)
        with StopRequest() as stop:
            for batch in _with_progress(split, loader, writer, say):
                writer.write(_encode(model, batch), batch['present'], batch['data_samples'])
                if stop:
                    say(f'{stop.name}: {writer.done} of {writer.clips} clips of {split} are kept.')
                    raise SystemExit(EXIT_CODE)
        say(f'{split}: {writer.done} clips in {writer.folder}')
        for line in getattr(datasets[split], 'report', dict)().get('failed', ()):
            say(f'{split}: replaced by another clip: {line}')


def load_encoders(config: Config, checkpoint: str) -> MultiIOModel:
    """The config's model in evaluation mode, its backbones from the checkpoint.

    Raises:
        ValueError: If the model is none with backbones by modality, or the checkpoint does not
            fit them.
    """
    model = MODELS.build(config.model)
    if not isinstance(model, MultiIOModel):
        raise ValueError(
            f'Tokens come from a MultiIOModel; {config.filename} has a {type(model).__name__}. '
            'Give the config of one; features of videos come from any recognizer, without --tokens.'
        )
    loaded = load_checkpoint(checkpoint)
    state = loaded.get('state_dict', loaded)
    weights = {
        name.removeprefix('backbones.'): value
        for name, value in state.items()
        if name.startswith('backbones.')
    }
    problems = differences(model.backbones.state_dict(), weights)
    if problems:
        raise ValueError(
            f'{checkpoint} does not hold the backbones of {config.filename}: '
            f'{"; ".join(problems)}. Use the config that it was trained with.'
        )
    model.backbones.load_state_dict(weights)
    return model.to(get_device()).eval()


def evaluation_dataset(config: Config, split: str) -> dict:
    """The config of a split's data set with the pipeline of evaluation.

    Raises:
        ValueError: If the config lacks the split, or the pipeline of its data set cannot be
            replaced.
    """
    loader = config.get(f'{split}_dataloader')
    if not loader:
        raise ValueError(f'{config.filename} has no {split}_dataloader; leave {split} out.')
    settings = copy.deepcopy(loader.dataset)
    if split != 'train':
        return settings
    evaluation = _evaluation_loader(config).dataset
    if ('pipeline' in evaluation) != ('pipeline' in settings):
        raise ValueError(
            f'{config.filename}: the training clips have to go through the pipeline of evaluation, '
            f'but of {settings.type} (train) and {evaluation.type} (evaluation) only one has a '
            '`pipeline`. Name the data set itself, without a wrapper around it.'
        )
    if 'pipeline' in evaluation:
        settings.pipeline = copy.deepcopy(evaluation.pipeline)
    return settings


def _evaluation_loader(config: Config) -> Any:
    loader = config.get('val_dataloader') or config.get('test_dataloader')
    if not loader:
        raise ValueError(
            f'{config.filename} has neither val_dataloader nor test_dataloader, whose pipeline '
            'the clips go through. Add one.'
        )
    return loader


def _identity(split: str, dataset: Dataset, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What a manifest says of the clips."""
    path = getattr(dataset, 'ann_file', None)
    return {
        'split': split,
        'clips': len(dataset),
        'annotations': path and {'file': settings.get('ann_file'), 'sha256': sha256_of_file(path)},
        'metainfo': getattr(dataset, 'metainfo', {}),
        'dataset': settings,
    }


def _loader(config: Config, dataset: Dataset, done: int) -> DataLoader:
    """The clips from ``done`` on, in order, as fast as evaluation loads them."""
    evaluation = _evaluation_loader(config)
    return DataLoader(
        dataset,
        batch_size=evaluation.batch_size,
        num_workers=evaluation.get('num_workers', 0),
        sampler=range(done, len(dataset)),
        collate_fn=stack_clips,
    )


@torch.no_grad()
def _encode(model: MultiIOModel, batch: dict) -> dict[str, Tensor]:
    """Token maps ``(B, C, t, h, w)`` by modality."""
    streams = model.encode(model.data_preprocessor(batch, training=False)['inputs'])
    for name, stream in streams.items():
        if stream.mask is not None and stream.mask.dim() > 1:
            raise ValueError(
                f'The backbone of {name} gives a mask of shape {tuple(stream.mask.shape)}: it '
                'marks steps in time, but tokens are kept for whole clips only. Train this '
                'model on the clips themselves.'
            )
    return {name: stream.x for name, stream in streams.items()}


def _check_disk(out: Path, needed: int, say: Callable[[str], None]) -> None:
    folder = next(path for path in (out, *out.absolute().parents) if path.is_dir())
    free = shutil.disk_usage(folder).free
    say(f'{out}: {needed / 1e9:.3f} GB to write, {free / 1e9:.3f} GB free')
    if needed > free:
        raise ValueError(
            f'{out} wants {needed / 1e9:.3f} GB, but its disk has {free / 1e9:.3f} GB free. Make '
            'room, name another disk with --out, or halve the need with --dtype float16.'
        )


def _with_progress(
    split: str, loader: DataLoader, writer: TokenWriter, say: Callable[[str], None]
) -> Iterator[dict]:
    """The batches; now and then a line that says how far it is and how long it will take."""
    begun, start = writer.done, time.monotonic()
    told = start
    for batch in loader:
        yield batch
        now = time.monotonic()
        if now - told >= _REPORT_SECONDS:
            told = now
            rate = (writer.done - begun) / (now - start)
            left = (writer.clips - writer.done) / rate
            say(
                f'{split}: {writer.done} of {writer.clips} clips, {rate:.1f} clips/s, '
                f'{left / 60:.0f} min left'
            )
