"""Training samples as the model sees them, augmented, as pictures."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from mmengine.config import Config
from PIL import Image

from egomm.datasets.samplers import SampleIndex
from egomm.registry import DATASETS
from egomm.structures import EgoSample
from egomm.visualization.drawing import COLOURS
from egomm.visualization.points import (
    Row,
    flow_row,
    frame_row,
    grey_row,
    sheet,
    true_point_row,
)

POINTS = ('hands', 'gaze')
_BLANK = np.full((60, 240, 3), 200, np.uint8)


def browse(config: Config, split: str, out: str | Path, count: int, epoch: int = 0) -> list[Path]:
    """Draw samples of a data set, evenly spaced over it.

    Of clips a picture has a row a modality and the true points; a modality that is missing says so.
    Of features it has a panel a source and a bar for each segment.

    Args:
        config: With the dataloader of the split.
        split: ``train``, ``val`` or ``test``.
        out: Folder for the pictures.
        count: How many samples.
        epoch: Whose augmentation to show; a sample is the same as in that epoch of a run.

    Returns:
        The files.

    Raises:
        ValueError: If the config lacks the split, or a sample cannot be loaded.
    """
    loader = config.get(f'{split}_dataloader')
    if not loader:
        raise ValueError(f'{config.filename} has no {split}_dataloader. Name another split.')
    if count < 1 or epoch < 0:
        raise ValueError(
            f'At least one sample is to be drawn, of an epoch from 0 up; got {count}, {epoch}.'
        )
    dataset = DATASETS.build(loader.dataset)
    classes = (getattr(dataset, 'metainfo', None) or {}).get('classes') or {}
    if not len(dataset):
        raise ValueError(f'{config.filename}: there is no sample in {split}, nothing to draw.')
    means = config.model.get('data_preprocessor', {}).get('modalities') or {}
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for place in np.linspace(0, len(dataset) - 1, min(count, len(dataset))).round().astype(int):
        item = dataset[SampleIndex(epoch, int(place))]
        view = item[0] if isinstance(item, list) else item
        path = out / f'{place:06d}.png'
        if 'present' in view:
            Image.fromarray(sheet(clip_rows(view, classes, means))).save(path)
        else:
            sequence_figure(view, classes).savefig(path)
        written.append(path)
    return written


def clip_rows(
    view: Mapping[str, Any], classes: Mapping[str, Any], means: Mapping[str, Any]
) -> list[Row]:
    """A row a modality and a row for each kind of points; labels stand above the first.

    Args:
        view: What a pipeline ends with.
        classes: Names of classes by task.
        means: By modality ``mean``, which is what a still flow is.
    """
    sample: EgoSample = view['data_samples']
    title = getattr(sample, 'narration_id', 'clip')
    labels = [
        f'{task}: {_named(classes.get(task), label)}'
        for task, label in sample.gt.items()
        if task not in POINTS
    ]
    head = ', '.join([title, *labels])
    rows: list[Row] = []
    for name, tensor in view['inputs'].items():
        if not view['present'].get(name, True):
            rows.append(Row(f'{name}: missing, masked', [_BLANK], ['']))
            continue
        values = tensor.numpy()
        if values.ndim != 4:
            rows.append(Row(f'{name}: {values.shape}, no picture', [_BLANK], ['']))
        elif len(values) == 3:
            rows.append(frame_row(values.transpose(1, 2, 3, 0).astype(np.uint8), name))
        elif len(values) == 2:
            still = np.reshape((means.get(name) or {}).get('mean', [127.5, 127.5]), (2, 1, 1, 1))
            rows.append(flow_row(f'{name}: hue is direction', values - still))
        else:
            rows.append(grey_row(name, values.mean(0)))
    frames = view['inputs'].get('rgb')
    for task in POINTS:
        if frames is not None and sample.gt.get(task) is not None:
            points = np.asarray(sample.gt[task])
            shown = frames.numpy().transpose(1, 2, 3, 0).astype(np.uint8)
            rows.append(true_point_row(f'{task}: rings where visible', shown, points))
    return [replace(rows[0], title=f'{head} | {rows[0].title}'), *rows[1:]]


def sequence_figure(view: Mapping[str, Any], classes: Mapping[str, Any]) -> Figure:
    """Features over time, standardised a channel, with the segments of each task below."""
    sample: EgoSample = view['data_samples']
    sources = {name: x.float().numpy() for name, x in view['inputs'].items() if name != 'words'}
    figure = Figure(figsize=(11, 1.8 * (len(sources) + 1)), dpi=100, layout='constrained')
    axes = figure.subplots(len(sources) + 1, 1, sharex=True)
    for place, (name, x) in zip(axes, sources.items()):
        spread = x.std(1, keepdims=True)
        standard = (x - x.mean(1, keepdims=True)) / np.where(spread > 0, spread, 1)
        place.imshow(standard, aspect='auto', interpolation='nearest', vmin=-3, vmax=3)
        place.set_ylabel(f'{name}, {len(x)}')
    bars = [
        (segment, _named(classes.get(task), label))
        for task, target in sample.gt.items()
        for segment, label in zip(target['segments'].tolist(), target['labels'].tolist())
    ]
    for row, ((start, stop), name) in enumerate(bars):
        axes[-1].barh(row, stop - start, left=start, color=COLOURS[row % len(COLOURS)])
        axes[-1].text(stop, row, f' {name}', va='center', fontsize=8)
    axes[-1].set_ylabel(f'segments: {len(bars)}')
    axes[-1].set_yticks([])
    axes[-1].set_xlabel('position')
    query = getattr(sample, 'query', None)
    axes[0].set_title(' '.join(filter(None, [getattr(sample, 'clip_id', ''), query])), fontsize=9)
    return figure


def _named(names: Any, label: Any) -> str:
    number = int(np.asarray(label).ravel()[0]) if np.size(label) == 1 else None
    if number is None:
        return '-'.join(map(str, np.asarray(label).ravel()))
    return f'{names[number]} ({number})' if names and number < len(names) else str(number)
