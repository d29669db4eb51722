"""From what `Recognizer` and `Localizer` found in a video to a page: `write_report`."""

import base64
import io
import os
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import quote

import av
import numpy as np
from mmengine.config import Config

from egomm.apis.exports import write_whole
from egomm.compat import load_checkpoint
from egomm.datasets.footage import open_footage
from egomm.functional.licences import licence_of
from egomm.functional.whole_files import sha256_of_file
from egomm.hooks.run_card import data_entry, metric_types, versions
from egomm.visualization.report import Lane, Matrix, Overlay, Query, Shares, Table, page

PLAYABLE = {'h264', 'vp8', 'vp9', 'av1'}
PLAYABLE_ENDINGS = {'.mp4': 'video/mp4', '.m4v': 'video/mp4', '.webm': 'video/webm'}
LARGEST_BYTES = 64 * 2**20
VERSIONS = ('egomm', 'torch', 'mmengine')
COPY_FPS, COPY_SIDE = 15, 360
MAX_BARS = 300  # in a lane; of more windows, the best of each group stands for it


def write_report(
    path: str | Path,
    video: str | Path | np.ndarray,
    results: Sequence[Mapping[str, Any]],
    truth: Sequence[Mapping[str, Any]] = (),
    query_truth: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    metrics: Mapping[str, Any] | None = None,
    card: Mapping[str, Any] | None = None,
    fps: float | None = None,
    matrices: Sequence[Matrix] = (),
    tables: Sequence[Table] = (),
) -> Path:
    """Write one HTML file about a video.

    The video is inside the file. One of more than 64 MB that browsers play is linked instead, and
    what browsers do not play (other codecs, frames, arrays) is inside as a small H.264 copy.

    Args:
        path: The file to write.
        video: What the results are about: a file, a folder of frames, or an array
            ``(N, H, W, 3)`` uint8 RGB.
        results: What `Recognizer` and `Localizer` gave for it.
        truth: True moments: ``start``, ``stop``, ``name``.
        query_truth: By question its true stretches: ``start``, ``stop``.
        metrics: Scores by name, as an evaluator wrote them.
        card: See `run_card`.
        fps: Frames per second of a folder or an array.
        matrices: Of an evaluated set.
        tables: Of an evaluated set.

    Raises:
        MediaError: If the video cannot be read.
        ValueError: If a result is of another video, or the file cannot be written.
    """
    footage = open_footage(video, fps)
    strangers = {
        result['source'] for result in results if Path(result['source']).stem != footage.name
    }
    if strangers:
        raise ValueError(
            f'{path} is to show {footage.name}, but results are of {sorted(strangers)}. Write a '
            'report a video.'
        )
    path = Path(path)
    if footage.is_file and _playable(footage.source):
        file = Path(footage.source)
        if file.stat().st_size > LARGEST_BYTES:
            address = quote(os.path.relpath(file, path.parent))
        else:
            address = _embedded(file.read_bytes(), PLAYABLE_ENDINGS[file.suffix.lower()])
    else:
        address = _embedded(_small_copy(footage.frames(COPY_FPS)), 'video/mp4')
    lanes = [Lane('truth', 'truth', list(truth))] if truth else []
    for result in results:
        if 'moments' in result:
            lanes.append(Lane('moments', 'segments', _by_start(result['moments'])))
        lanes += _bars(result)
    known = query_truth or {}
    queries = [
        Query(result['query'], result['answers'], known.get(result['query'], ()))
        for result in results
        if 'query' in result
    ]
    notes = dict.fromkeys(note for result in results for note in result['notes'])
    text = page(
        footage.name,
        address,
        Path(footage.source).name if footage.is_file else footage.name,
        footage.duration,
        lanes,
        queries,
        metrics,
        card,
        list(notes),
        [overlay for result in results for overlay in _overlays(result)],
        [share for result in results for share in _shares(result)],
        matrices,
        tables,
    )
    write_whole(path, text)
    return path


def run_card(
    config: Config | str | Path, checkpoint: str | Path, prefix: str = ''
) -> dict[str, str]:
    """What made the results: config, weights, seed, data, protocol, licence and versions.

    Args:
        config: Of the model.
        checkpoint: Its weights; the seed is what they remember of it.
        prefix: Before all names but those of versions, where a page has several models.
    """
    config = config if isinstance(config, Config) else Config.fromfile(config)
    meta = load_checkpoint(str(checkpoint)).get('meta') or {}
    loader = config.get('test_dataloader') or config.get('val_dataloader')
    data = data_entry(loader)['files'] if loader else {}
    evaluator = config.get('test_evaluator') or config.get('val_evaluator')
    card = {
        'config': Path(config.filename or 'config').name,
        'checkpoint': Path(checkpoint).name,
        'checkpoint sha256': sha256_of_file(checkpoint),
        'seed': meta.get('seed'),
        **{f'{file} sha256': digest for file, digest in data.items()},
        'protocol': ', '.join(metric_types(evaluator)),
        'licence': licence_of(meta, config.to_dict()),
    }
    kept = {name: value for name, value in versions().items() if name in VERSIONS and value}
    own = {f'{prefix}{name}': str(value) for name, value in card.items() if value not in (None, '')}
    return {**own, **kept}


def _bars(result: Mapping[str, Any]) -> list[Lane]:
    """A lane a task: the best class of each stretch, up to the middle of the next window."""
    stretches = _stretches(result)
    tasks = dict.fromkeys(
        task
        for stretch in stretches
        for task, answers in stretch['tasks'].items()
        if isinstance(answers, list)
    )
    owned = _owned(stretches)
    size = -(-len(stretches) // MAX_BARS)
    lanes = []
    for task in tasks:
        bars = []
        for first in range(0, len(stretches), size):
            group = [stretch['tasks'][task][0] for stretch in stretches[first : first + size]]
            best = max(group, key=lambda answer: answer['score'])
            start, stop = owned[first][0], owned[first + len(group) - 1][1]
            bars.append(dict(start=start, stop=stop, name=best['name'], score=best['score']))
        lanes.append(Lane(task, 'bars', bars))
    return lanes


def _owned(stretches: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]]:
    """Where each of overlapping windows is the nearest."""
    middles = [(stretch['start'] + stretch['stop']) / 2 for stretch in stretches]
    edges = [(a + b) / 2 for a, b in zip(middles, middles[1:])]
    begins = [stretches[0]['start'], *edges] if stretches else []
    return list(zip(begins, [*edges, stretches[-1]['stop']] if stretches else []))


def _overlays(result: Mapping[str, Any]) -> list[Overlay]:
    """Points of each task over time; a step of the network lasts until the next."""
    stretches = _stretches(result)
    steps: dict[str, list[dict[str, Any]]] = {}
    for stretch, (begin, end) in zip(stretches, _owned(stretches)):
        height, width = result['size'] if 'size' in result else (0, 0)
        for task, answer in stretch['tasks'].items():
            if not isinstance(answer, Mapping):
                continue
            points = np.asarray(answer['points']) / (width, height)
            edges = np.linspace(stretch['start'], stretch['stop'], len(points) + 1)
            edges = np.clip(edges, begin, end).round(4).tolist()
            for number, (start, stop) in enumerate(zip(edges, edges[1:])):
                if start == stop:
                    continue
                step = dict(start=start, stop=stop, points=points[number].round(4).tolist())
                if 'heatmaps' in answer:
                    box = np.divide(answer['box'], (width, height) * 2).round(4).tolist()
                    step['heat'] = _heat(answer['heatmaps'][number], box)
                steps.setdefault(task, []).append(step)
    names = {'hands': ('left hand', 'right hand')}
    return [
        Overlay(task, names.get(task, [task] * len(rows[0]['points'])), rows)
        for task, rows in steps.items()
    ]


def _heat(heatmaps: np.ndarray, box: list[float]) -> dict[str, Any]:
    """Of the points of one step the strongest cell."""
    strongest = heatmaps.max(axis=0)
    values = base64.b64encode(np.ascontiguousarray(strongest).tobytes()).decode()
    return dict(rows=strongest.shape[0], columns=strongest.shape[1], values=values, box=box)


def _shares(result: Mapping[str, Any]) -> list[Shares]:
    """Mean attention of each task to each modality."""
    rows = [stretch['attention'] for stretch in _stretches(result) if 'attention' in stretch]
    if not rows:
        return []
    names = list(next(iter(rows[0].values())))
    return [
        Shares(
            'Attention to each modality, mean over the video',
            names,
            {
                task: np.mean([[row[task][name] for name in names] for row in rows], 0)
                .round(4)
                .tolist()
                for task in rows[0]
            },
        )
    ]


def _stretches(result: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return result.get('windows') or ([result] if 'tasks' in result else [])


def _by_start(items: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """In order of time, so that the keyboard goes from left to right."""
    return sorted(items, key=lambda item: item['start'])


def _embedded(data: bytes, kind: str) -> str:
    return f'data:{kind};base64,{base64.b64encode(data).decode()}'


def _playable(path: str) -> bool:
    with av.open(path) as container:
        codec = container.streams.best('video').codec_context
        return (
            Path(path).suffix.lower() in PLAYABLE_ENDINGS
            and codec.codec.canonical_name in PLAYABLE
            and codec.pix_fmt in ('yuv420p', 'yuvj420p')
        )


def _small_copy(frames: Any) -> bytes:
    """H.264 in an MP4, without sound, 15 frames a second, at most 360 lines."""
    file = io.BytesIO()
    with av.open(file, 'w', format='mp4') as container:
        stream = None
        for number, image in enumerate(frames):
            if stream is None:
                scale = min(1.0, COPY_SIDE / min(image.shape[:2]))
                options = {'preset': 'veryfast', 'crf': '28'}
                stream = container.add_stream('libx264', rate=COPY_FPS, options=options)
                stream.height, stream.width = (
                    max(2, round(side * scale / 2) * 2) for side in image.shape[:2]
                )
                stream.pix_fmt = 'yuv420p'
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format='rgb24')
            frame.pts, frame.time_base = number, Fraction(1, COPY_FPS)
            container.mux(stream.encode(frame.reformat(stream.width, stream.height, 'yuv420p')))
        container.mux(stream.encode(None))
    return file.getvalue()
