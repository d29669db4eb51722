"""Features of untrimmed video: a recognizer over sliding windows.

What is written is read by `egomm.datasets.feature_store`; window i looks at the frames
``[i * stride, i * stride + window)`` of the video at ``fps``, as `TimeGrid` has it. Every frame is
decoded once, and no more than one window of frames is held.

What an interrupted run has decoded is decoded again when it goes on, without being encoded: a
decoder that starts in the middle of a damaged file may show other frames than one that comes from
its beginning.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.config import Config

import egomm
from egomm.apis.clip_models import Clip, EgoClips, MmactionClips, Sound, load_clip_model
from egomm.compat import load_checkpoint
from egomm.datasets.flow import FlowSettings
from egomm.datasets.media import MediaError
from egomm.datasets.streams import SoundStream, VideoFrames
from egomm.datasets.window_writer import WindowWriter
from egomm.functional.feature_grid import TimeGrid
from egomm.functional.flow_origin import other_flow
from egomm.functional.licences import licence_of
from egomm.functional.sharing import deal_out
from egomm.functional.whole_files import sha256_of_file

_REPORT_SECONDS = 10
_SHOWN = 3  # bad stretches in a line


def extract_windows(
    config: Config | str,
    checkpoint: str,
    videos: Sequence[str | Path],
    out: str | Path,
    *,
    window: int = 32,
    stride: int = 16,
    fps: float = 30.0,
    batch_size: int = 8,
    dtype: str = 'float32',
    shard: tuple[int, int] = (0, 1),
    flow: FlowSettings | None = None,
    say: Callable[[str], None] = print,
) -> list[str]:
    """Write ``out/<name of the video>.npy`` for each video, or what of it is not there yet.

    A video that cannot be read is told and left out. A damaged stretch is told and noted in the
    manifest; the frame before it stands in.

    Args:
        config: Of a recognizer, egomm's (`MultiIOModel`) or mmaction2's for RGB.
        checkpoint: Its weights.
        videos: Files; their names without the ending have to differ.
        out: Folder of one extraction.
        window: Frames of a window, counted at ``fps``.
        stride: Frames from one window to the next.
        fps: Rate at which the video is looked at, whatever its own.
        batch_size: Windows encoded at a time. A run that goes on wants the same.
        dtype: ``float32`` or ``float16``.
        shard: Which part of how many this process does. Videos are dealt out by the sizes of
            their files, so that all end at about the same time.
        flow: Compute flow like this, for a recognizer that loads it; None masks it. A flow that
            differs from that of the training is told.
        say: Takes what is to be told, a line a call.

    Returns:
        A line for each video that could not be read.

    Raises:
        ValueError: If config, checkpoint and settings do not fit, two videos have one name, or
            ``out`` holds another extraction or cannot be written.
    """
    files = _by_name(videos)
    config = config if isinstance(config, Config) else Config.fromfile(config)
    meta = load_checkpoint(checkpoint).get('meta') or {}
    model = load_clip_model(config, checkpoint, flow)
    check_windows(model, window, stride, fps)
    if batch_size < 1:
        raise ValueError(f'batch_size counts windows, from 1 up; got {batch_size}.')
    blank = Clip(np.zeros((window, 32, 32, 3), np.uint8), fps)
    writer = WindowWriter(
        out,
        {
            'dim': model.encode([model.pack(blank)]).shape[1],
            **dict(fps=fps, stride=stride, window=window, per='video', dtype=dtype),
            'modalities': list(model.modalities),
            'features': list(model.features),
            'batch_size': batch_size,
            'config': Path(config.filename or 'config').name,
            'checkpoint': {'file': Path(checkpoint).name, 'sha256': sha256_of_file(checkpoint)},
            **({} if flow is None else {'flow': flow.describe()}),
            'licence': licence_of(meta, config.to_dict()),
            'egomm': egomm.__version__,
        },
    )
    if flow is not None:
        warning = other_flow(meta.get('flow'), {**flow._asdict(), 'fps': fps})
        if warning:
            say(f'WARNING: {warning}')
    failed = []
    for name, video in shard_of(files, *shard):
        try:
            if not video.is_file():
                raise MediaError(video, 'there is no such file. Correct the path.')
            if writer.finished(name, video):
                say(f'{name}: there already')
            else:
                _extract(model, writer, name, video, say)
        except MediaError as error:
            failed.append(str(error))
            say(f'{name}: left out: {error}')
    return failed


def windows_of(
    frames: Iterable[np.ndarray | None], window: int, stride: int
) -> Iterator[list[np.ndarray | None]]:
    """Frames of each window; the last frame completes the last window.

    Args:
        frames: Images ``(H, W, 3)`` in order, None where one is not needed.
        window: Frames of a window.
        stride: Frames from one window to the next, at most ``window``.
    """
    held: deque[np.ndarray | None] = deque(maxlen=window)
    fresh = 0  # frames since the last window
    begun = False
    for frame in frames:
        held.append(frame)
        fresh += 1
        if fresh == (stride if begun else window):
            yield list(held)
            begun, fresh = True, 0
    if fresh:
        rest = list(held)[-(window - stride + fresh) :] if begun else list(held)
        yield rest + rest[-1:] * (window - len(rest))


def shard_of(files: Mapping[str, Path], part: int, parts: int) -> list[tuple[str, Path]]:
    """Name and file of the videos that one of several processes does, in the order of names."""
    listed = sorted(files.items())
    sizes = [video.stat().st_size if video.is_file() else 0 for _, video in listed]
    return [listed[index] for index in np.flatnonzero(deal_out(sizes, parts) == part)]


class HeldImages:
    """``images[indices]`` of a window; only what is looked at is copied.

    Args:
        images: Of each position ``(H, W, 3)``.
    """

    def __init__(self, images: Sequence[np.ndarray]) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        return np.stack([self.images[index] for index in indices])


def packed_windows(
    model: EgoClips | MmactionClips,
    frames: Iterable[np.ndarray | None],
    grid: TimeGrid,
    sound: Sound | None,
    name: str,
    batch_size: int,
    done: int = 0,
) -> Iterator[list[Any]]:
    """Windows of a video as items of a batch, a batch at a time.

    Args:
        model: What packs them.
        frames: Images ``(H, W, 3)`` of the video, at ``grid.fps``.
        grid: Window and stride.
        sound: Of the video.
        name: Of the video.
        batch_size: Windows of a batch.
        done: Windows to leave out.
    """
    items: list[Any] = []
    window, stride = int(grid.window), int(grid.stride)
    for position, images in enumerate(windows_of(frames, window, stride)):
        if position < done:
            continue
        start = position * stride / grid.fps
        items.append(model.pack(Clip(HeldImages(images), grid.fps, sound, start, name)))
        if len(items) == batch_size:
            yield items
            items = []
    if items:
        yield items


def presence(model: EgoClips | MmactionClips, items: list[Any]) -> np.ndarray:
    """By item and modality of the model, whether it is there: ``(B, M)`` bool."""
    return np.array([list(model.present(item).values()) for item in items], bool)


def absences(present: Mapping[str, bool]) -> list[str]:
    """A line for each modality that is not there."""
    return [f'no {name}: masked' for name, there in present.items() if not there]


def _extract(
    model: EgoClips | MmactionClips,
    writer: WindowWriter,
    name: str,
    video: Path,
    say: Callable[[str], None],
) -> None:
    settings = writer.description
    window, stride, batch = (settings[key] for key in ('window', 'stride', 'batch_size'))
    grid = TimeGrid(settings['fps'], stride, window)
    with writer.writing(name, video, batch) as done:
        if done:
            say(f'{name}: goes on after {done} windows')
        frames = VideoFrames(str(video), grid.fps, skip=done * stride)
        sound = SoundStream(str(video)) if 'audio' in model.modalities else None
        begun = told = time.monotonic()
        for items in packed_windows(model, frames, grid, sound, name, batch, done):
            writer.append(model.encode(items).numpy(), presence(model, items))
            now = time.monotonic()
            if now - told >= _REPORT_SECONDS:
                told = now
                rate = (frames.duration - done * stride / grid.fps) / (now - begun)
                say(f'{name}: {frames.duration / 60:.1f} min, {rate:.1f} times as fast as it plays')
        bad = [[round(start, 3), round(stop, 3)] for start, stop in frames.bad]
        about = dict(duration=round(frames.duration, 6), decoded_frames=frames.decoded, bad=bad)
        entry = writer.finish(name, video, about)
    absent = [modality for modality, count in entry['present'].items() if not count]
    say(
        f'{name}: {entry["positions"]} windows of {frames.duration:.1f} s'
        + (f', without {", ".join(absent)}' if absent else '')
    )
    if bad:
        places = ', '.join(f'{start:.1f}-{stop:.1f} s' for start, stop in bad[:_SHOWN])
        say(f'{name}: {len(bad)} damaged stretches, such as {places}')


def _by_name(videos: Sequence[str | Path]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for video in map(Path, videos):
        other = files.setdefault(video.stem, video)
        if other != video:
            raise ValueError(
                f'{other} and {video} would both write {video.stem}.npy. Extract them into two '
                'folders.'
            )
    return files


def check_windows(model: EgoClips | MmactionClips, window: int, stride: int, fps: float) -> None:
    """Refuse settings that make no windows, or windows that the recognizer would loop.

    Raises:
        ValueError: If so.
    """
    if not (1 <= stride <= window and 0 < fps < math.inf):
        raise ValueError(
            'Windows want 1 <= stride <= window and fps above 0; got '
            f'window={window}, stride={stride} and fps={fps}.'
        )
    if window < model.frames_needed():
        raise ValueError(
            f'The recognizer looks at {model.frames_needed()} frames (SampleFrames of its test '
            f'pipeline), but a window has {window} and would be looped. Give --window '
            f'{model.frames_needed()}, or make clip_len * frame_interval smaller.'
        )
