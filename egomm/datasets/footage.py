"""What a user has of a video: a file, a folder of frames, or an array, behind one interface."""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np

from egomm.datasets.media import (
    AudioPart,
    MediaError,
    opened,
    origin_of,
    read_audio,
    read_image,
    read_video_frames,
    stated_end_of,
)
from egomm.datasets.streams import SoundStream, VideoFrames

IMAGE_ENDINGS = ('.jpg', '.jpeg', '.png')
DEFAULT_FPS = 30.0
_UNEVEN = 0.05  # share by which a stated rate may differ from the one of all frames together


class Footage(NamedTuple):
    """A video that was looked into.

    Attributes:
        name: Of the file without its ending, of the folder, or ``'array'``.
        source: Path of the file; images ``(N, H, W, 3)`` or their files otherwise.
        fps: Frames per second, on average.
        duration: Seconds.
        size: Height and width as shown.
        has_sound: Whether there is an audio stream.
        notes: What a user should know, a line each.
    """

    name: str
    source: 'str | np.ndarray | list[str]'
    fps: float
    duration: float
    size: tuple[int, int]
    has_sound: bool = False
    notes: tuple[str, ...] = ()

    @property
    def is_file(self) -> bool:
        """Whether it is a video file, which may have sound."""
        return isinstance(self.source, str)

    def frames(self, fps: float) -> 'VideoFrames | StillFrames':
        """Images at a rate, in order, each decoded once."""
        return VideoFrames(self.source, fps) if self.is_file else StillFrames(self, fps)

    def sound(self) -> SoundStream | None:
        """Its sound from front to back."""
        return SoundStream(self.source) if self.is_file and self.has_sound else None

    def sound_at(self) -> 'SoundAt | None':
        """Its sound at any time."""
        return SoundAt(self.source) if self.is_file and self.has_sound else None

    def images(self, start: float, fps: float, count: int) -> 'ImagesAt':
        """Images at any of ``count`` times from ``start`` on, read when they are asked for."""
        return ImagesAt(self, start, fps, count)

    def at(self, times: np.ndarray) -> np.ndarray:
        """Images ``(N, H, W, 3)`` on screen at times in seconds, not decreasing.

        Raises:
            MediaError: If the frames are not of one size.
        """
        if self.is_file:
            return read_video_frames(self.source, times.tolist())
        places = np.clip((times * self.fps).astype(int), 0, len(self.source) - 1)
        if isinstance(self.source, np.ndarray):
            return self.source[places]
        different, inverse = np.unique(places, return_inverse=True)
        images = [read_image(self.source[place]) for place in different]
        shapes = {image.shape for image in images}
        if len(shapes) > 1:
            raise MediaError(
                Path(self.source[0]).parent,
                f'frames of one size are expected; got {shapes}. Resize them, or part the folder.',
            )
        return np.stack(images)[inverse]


class StillFrames:
    """Images of a folder or an array at a rate; like `VideoFrames`.

    Args:
        footage: Where the images come from.
        fps: Images a second.
    """

    def __init__(self, footage: Footage, fps: float) -> None:
        self.footage = footage
        self.fps = fps
        self.duration = footage.duration
        self.bad: list[tuple[float, float]] = []

    def __iter__(self) -> Iterator[np.ndarray]:
        number = 0
        while (number + 0.5) / self.fps < self.duration or number == 0:
            yield self.footage.at(np.array([(number + 0.5) / self.fps]))[0]
            number += 1


class SoundAt(NamedTuple):
    """The sound of a file, read when it is asked for.

    Attributes:
        path: The file.
    """

    path: str

    def read(self, first: int, count: int, sample_rate: int) -> AudioPart | None:
        """See `media.read_audio`."""
        return read_audio(self.path, first, count, sample_rate)


class ImagesAt:
    """``images[indices]`` of a stretch of footage, read at that moment.

    Args:
        footage: What to read.
        start: Second of index 0.
        fps: Indices per second; index k is on screen at ``start + (k + 0.5) / fps``.
        count: Number of indices.
    """

    def __init__(self, footage: Footage, start: float, fps: float, count: int) -> None:
        self.footage, self.start, self.fps, self.count = footage, start, fps, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        different, inverse = np.unique(indices, return_inverse=True)
        last = max(self.footage.duration - 0.5 / self.footage.fps, 0.0)
        times = np.minimum(self.start + (different + 0.5) / self.fps, last)
        return self.footage.at(times)[inverse]


def open_footage(source: 'str | Path | np.ndarray', fps: float | None = None) -> Footage:
    """Look into a video.

    Args:
        source: A video file, a folder of JPEG or PNG frames in the order of their names, in which
            numbers count as such (``2.jpg`` before ``10.jpg``), or an array ``(N, H, W, 3)`` uint8
            in RGB order.
        fps: Frames per second of a folder or an array, 30 unless given; a file tells it itself.

    Raises:
        MediaError: If there is nothing to see in it; the text is one line.
        ValueError: If an array has another shape or type, or ``fps`` is no rate.
    """
    if isinstance(source, np.ndarray):
        if source.ndim != 4 or source.shape[3] != 3 or source.dtype != np.uint8 or not len(source):
            raise ValueError(
                f'An array of frames is (N, H, W, 3) uint8 in RGB order; got {source.shape} '
                f'{source.dtype}. Convert it.'
            )
        return _stills('array', source, source.shape[1:3], fps)
    path = Path(source)
    if path.is_dir():
        found = [file for file in path.iterdir() if file.suffix.lower() in IMAGE_ENDINGS]
        files = [str(file) for file in sorted(found, key=_by_number)]
        if not files:
            raise MediaError(
                path,
                f'a folder of frames ({", ".join(IMAGE_ENDINGS)}) is expected, but there are none '
                'in it. Give the folder with the images themselves.',
            )
        return _stills(path.name, files, read_image(files[0]).shape[:2], fps)
    if not path.is_file():
        raise MediaError(path, 'there is no such file or folder. Correct the path.')
    if not path.stat().st_size:
        raise MediaError(path, 'the file has zero bytes. Fetch it again.')
    return _file(path)


def _stills(
    name: str, source: 'np.ndarray | list[str]', size: tuple[int, int], fps: float | None
) -> Footage:
    if fps is not None and not 0 < fps < math.inf:
        raise ValueError(f'{name}: frames per second are above 0; got {fps}.')
    notes = () if fps else (f'taken for {DEFAULT_FPS:g} frames per second; say so if it is not',)
    rate = fps or DEFAULT_FPS
    return Footage(name, source, rate, len(source) / rate, tuple(size), notes=notes)


def _by_number(path: Path) -> list[str | int]:
    """For sorting: text and numbers of a name in turn."""
    return [int(part) if part.isdecimal() else part for part in re.split(r'(\d+)', path.name)]


def _file(path: Path) -> Footage:
    with opened(str(path)) as container:
        stream = container.streams.best('video')
        if stream is None:
            kinds = sorted({other.type for other in container.streams})
            raise MediaError(
                path,
                f'a video is expected, but the file has only {", ".join(kinds) or "nothing"}. Give '
                'another file.',
            )
        notes = []
        if len(container.streams.video) > 1:
            notes.append(
                f'{len(container.streams.video)} video streams; stream {stream.index} is taken'
            )
        has_sound = bool(container.streams.audio)
        if not has_sound:
            notes.append('no sound')
        rate = float(stream.average_rate or stream.guessed_rate or 25)
        duration = stated_end_of(container, stream, origin_of(container))
        base = stream.base_rate
        if base and stream.average_rate and abs(float(base) / rate - 1) > _UNEVEN:
            notes.append(
                f'frames come at no even rate ({rate:.2f} a second); they are read by time'
            )
        frame = next(_first_frames(container, stream), None)
        if frame is None:
            raise MediaError(path, 'no frame of the video can be decoded. Fetch the file again.')
        height, width = frame.height, frame.width
        if frame.rotation:
            notes.append(f'stored turned by {frame.rotation} degrees; shown upright')
        if frame.rotation % 180:
            height, width = width, height
    if not np.isfinite(duration) or duration <= 0:  # a container without an index
        whole = VideoFrames(str(path), rate)
        for _ in whole:
            pass
        duration = whole.duration
    if duration * rate < 1.5:
        notes.append('a single frame, repeated where a clip is wanted')
    return Footage(
        path.stem, str(path), rate, float(duration), (height, width), has_sound, tuple(notes)
    )


def _first_frames(
    container: av.container.InputContainer, stream: av.VideoStream
) -> Iterator[av.VideoFrame]:
    """Frames, whatever lies in between."""
    for packet in container.demux(stream):
        try:
            yield from packet.decode()
        except av.FFmpegError:
            continue
