"""Frames, flow and sound out of video files, in the layout that data sets of clips read.

A video is decoded once. Frame k is what is on screen at (k - 0.5) / fps seconds, counted from 1, so
frame numbers of annotations hold whatever rate the file states. Flow image k is the motion from
frame stride (k - 1) + 1 to the one ``stride`` later.

Images of an unfinished video lie in ``<folder>.part``; called again, it goes on after the last of
them. What was done with which settings stands in ``media.json``, beside which everything lies.
"""

import json
import math
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from egomm.datasets.flow import FlowEngine, FlowSettings
from egomm.datasets.streams import SoundStream, VideoFrames
from egomm.functional.flow_origin import MEDIA_MANIFEST as MANIFEST
from egomm.functional.whole_files import written_beside

_CHUNK = 10  # seconds of sound at a time
_AXES = ('u', 'v')


class Wanted(NamedTuple):
    """What to make of a video, each None where it is not wanted.

    Attributes:
        frames: Folder of the images, below the root.
        flow: Folder of the flow images, with ``{axis}``.
        audio: The wav file.
        fps: Images per second.
        short_side: Of the images, in pixels; 0 leaves the size.
        quality: Of the JPEG files.
        settings: Of flow.
        sample_rate: Of sound, mixed to one channel.
    """

    frames: str | None = None
    flow: str | None = None
    audio: str | None = None
    fps: float = 30.0
    short_side: int = 256
    quality: int = 95
    settings: FlowSettings = FlowSettings()
    sample_rate: int = 24_000

    def describe(self) -> dict[str, Any]:
        """The settings of what is wanted, for the manifest."""
        images = dict(fps=self.fps, short_side=self.short_side, quality=self.quality)
        return {
            **({'frames': images} if self.frames else {}),
            **({'flow': {**images, **self.settings.describe()}} if self.flow else {}),
            **({'audio': dict(sample_rate=self.sample_rate)} if self.audio else {}),
        }


def prepare_video(
    root: Path, name: str, video: Path, wanted: Wanted, progress: Callable[[float], None]
) -> dict[str, Any] | None:
    """Make what is wanted of a video, or what of it is not there yet.

    Args:
        root: Where everything lies.
        name: Of the video, in the manifest.
        video: The file.
        wanted: What, and where below ``root``.
        progress: Takes the seconds of video that are done.

    Returns:
        What the manifest says of it: by kind the settings and counts, and stretches in seconds that
        are ``damaged``. None if all of it was there.

    Raises:
        MediaError: If nothing of it can be decoded.
        ValueError: If it is there with other settings, a setting is out of range, or it cannot be
            written.
    """
    if not (0 < wanted.fps < math.inf and wanted.short_side >= 0 and wanted.sample_rate > 0):
        raise ValueError(
            'Media want fps and sample_rate above 0 and short_side from 0 up; got '
            f'{wanted.fps}, {wanted.sample_rate} and {wanted.short_side}.'
        )
    made = read_manifest(root)['videos'].get(name, {})
    settings = wanted.describe()
    for kind, setting in settings.items():
        known = made.get(kind, {}).get('settings', setting)
        if known != setting:
            differing = [key for key in setting if setting[key] != known.get(key)]
            raise ValueError(
                f'{root}: {kind} of {name} is there with {_said(known, differing)}; wanted is '
                f'{_said(setting, differing)}. Give the same settings or another folder.'
            )
    left = {kind for kind in settings if kind not in made}
    if not left:
        return None
    entry: dict[str, Any] = dict(made, file=video.name, bytes=video.stat().st_size)
    try:
        if left & {'frames', 'flow'}:
            counts, damaged = _write_images(root, video, wanted, left, progress)
            for kind, count in counts.items():
                entry[kind] = dict(settings=settings[kind], images=count)
            entry['damaged'] = [[round(edge, 3) for edge in stretch] for stretch in damaged]
        if 'audio' in left:
            seconds = _write_sound(root / str(wanted.audio), video, wanted.sample_rate)
            entry['audio'] = dict(settings=settings['audio'], seconds=seconds)
        with _manifest(root) as manifest:
            manifest['videos'][name] = entry
    except OSError as error:
        raise ValueError(
            f'{root}: {error.strerror} while writing {name}. What is there stays; make room, or '
            'make it writable, and call again.'
        ) from error
    return entry


def read_manifest(root: Path) -> dict[str, Any]:
    """What is known of a folder: ``videos`` by name.

    Raises:
        ValueError: If the file is damaged.
    """
    path = root / MANIFEST
    if not path.is_file():
        return {'videos': {}}
    try:
        return json.loads(path.read_text(encoding='utf-8'))
    except ValueError as error:
        raise ValueError(
            f'{path}: JSON is expected, but {error}. Remove it, and what it is of.'
        ) from error


@contextmanager
def _manifest(root: Path) -> Iterator[dict[str, Any]]:
    manifest = read_manifest(root)
    yield manifest
    manifest['videos'] = dict(sorted(manifest['videos'].items()))
    with written_beside(root / MANIFEST) as file:
        file.write((json.dumps(manifest, indent=1, ensure_ascii=False) + '\n').encode())


def _write_images(
    root: Path, video: Path, wanted: Wanted, left: set[str], progress: Callable[[float], None]
) -> tuple[dict[str, int], list[tuple[float, float]]]:
    writers: dict[str, _ImageFolder] = {}
    if wanted.frames and 'frames' in left:
        writers['frames'] = _ImageFolder(root / wanted.frames, wanted.quality)
    if wanted.flow and 'flow' in left:
        for axis in _AXES:
            folder = root / wanted.flow.format(axis=axis)
            writers[axis] = _ImageFolder(folder, wanted.quality)
    engine, stride = FlowEngine(wanted.settings), wanted.settings.stride
    frames = VideoFrames(str(video), wanted.fps)
    before = None
    for number, image in enumerate(frames):
        assert image is not None  # none is skipped
        image = _shrunk(image, wanted.short_side)
        if 'frames' in writers:
            writers['frames'].add(number + 1, lambda image=image: image[..., ::-1])
        if 'u' in writers and number % stride == 0:
            place = number // stride
            if before is not None and not all(writers[axis].has(place) for axis in _AXES):
                flow = engine(before, image)
                for index, axis in enumerate(_AXES):
                    writers[axis].add(place, lambda flow=flow, index=index: flow[..., index])
            before = image
        progress((number + 1) / wanted.fps)
    counts = {name: writer.finish() for name, writer in writers.items()}
    counts |= {'flow': counts.pop('u')} if 'u' in counts else {}
    counts.pop('v', None)
    return counts, frames.bad


class _ImageFolder:
    """Numbered JPEG files, of which those that an earlier call has written are kept."""

    def __init__(self, folder: Path, quality: int) -> None:
        self.folder, self.part = folder, folder.with_name(f'{folder.name}.part')
        self.quality = [cv2.IMWRITE_JPEG_QUALITY, quality]
        if folder.exists():
            raise ValueError(
                f'{folder} is there already, from somewhere else. Use it as it is, move it away, '
                'or give another folder.'
            )
        self.part.mkdir(parents=True, exist_ok=True)
        known = sorted(self.part.glob('frame_*.jpg'))
        for path in known[-1:]:  # a kill may have cut it off
            path.unlink()
        self.there = len(known) - 1

    def has(self, number: int) -> bool:
        return number <= self.there

    def add(self, number: int, image: Callable[[], np.ndarray]) -> None:
        if self.has(number):
            return
        data = cv2.imencode('.jpg', np.ascontiguousarray(image()), self.quality)[1]
        (self.part / f'frame_{number:010d}.jpg').write_bytes(data.tobytes())

    def finish(self) -> int:
        count = sum(1 for _ in self.part.glob('frame_*.jpg'))
        self.part.replace(self.folder)
        return count


def _write_sound(path: Path, video: Path, rate: int) -> float | None:
    """Seconds that were written; None if the video has no sound."""
    stream, first, silent = SoundStream(str(video)), 0, True
    part = path.with_name(f'.{path.name}.part')
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(part), 'wb') as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        while True:
            piece = stream.read(first, _CHUNK * rate, rate)
            if piece is None or piece.stop <= piece.start:
                break
            samples = piece.samples[: piece.stop]
            file.writeframes((np.clip(samples, -1, 1) * 32767).round().astype('<i2').tobytes())
            first += len(samples)
            silent = False
            if piece.stop < _CHUNK * rate:
                break
    if silent:
        part.unlink()
        return None
    part.replace(path)
    return round(first / rate, 3)


def _shrunk(image: np.ndarray, short_side: int) -> np.ndarray:
    """The image with this short side, in proportion; smaller ones are left as they are."""
    height, width = image.shape[:2]
    scale = short_side / min(height, width)
    if not short_side or scale >= 1:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _said(settings: dict[str, Any], keys: list[str]) -> str:
    return ', '.join(f'{key}={settings.get(key)}' for key in keys)
