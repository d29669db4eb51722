"""Hours of video and sound from front to back: everything is decoded once, little is held.

A damaged stretch does not end the reading. The frame before it stands in, sound is zero there, and
where it lies is noted in ``bad``, as pairs of seconds: until the next keyframe, since a decoder
makes up what other frames borrow from lost ones.

Shapes: H, W = height and width.
"""

from collections import deque
from collections.abc import Iterator

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from egomm.datasets.media import (
    TOLERANCE_FRAMES,
    AudioPart,
    MediaError,
    ToMono,
    opened,
    origin_of,
    stated_end_of,
    upright,
)

MAX_DRIFT_SECONDS = 0.1  # of sound, between its samples and its time stamps


class VideoFrames:
    """Images of a video file at a stated rate.

    Iterating gives image k = 0, 1, ..., which is on screen at (k + 0.5) / fps seconds, until the
    video ends.

    Args:
        path: The file.
        fps: Images per second wanted, whatever the rate of the file.
        skip: Give None in the place of so many first images, which then cost decoding only.

    Attributes:
        decoded: Frames that were decoded so far.
        duration: Seconds at which the last frame ends, so far.
        bad: Stretches (start, stop) in seconds that are lost, or shown without what is lost.

    Raises:
        MediaError: While iterating, if the file cannot be opened, has no video stream, or nothing
            of it can be decoded.
    """

    def __init__(self, path: str, fps: float, skip: int = 0) -> None:
        self.path = path
        self.fps = fps
        self.skip = skip
        self.decoded = 0
        self.duration = 0.0
        self.bad: list[tuple[float, float]] = []

    def __iter__(self) -> Iterator[np.ndarray | None]:
        """Images ``(H, W, 3)`` uint8 in RGB order, upright."""
        with opened(self.path) as container:
            stream = container.streams.best('video')
            if stream is None:
                raise MediaError(
                    self.path,
                    'a video is expected, but the file has no video stream. Give another file.',
                )
            stream.codec_context.thread_count = 1  # errors then belong to the packet at hand
            frame_seconds = float(1 / (stream.average_rate or stream.guessed_rate or 25))
            origin, number = origin_of(container), 0
            to_image = _ToImage()
            shown, last = None, float('-inf')
            lost: list[float] = []  # times of what is lost since a keyframe
            for seconds, frame in _decoded(container, stream, origin):
                self.decoded += frame is not None
                if frame is None or frame.is_corrupt:
                    lost.append(self.duration if seconds is None else seconds)
                    continue
                if seconds <= last:
                    continue
                if lost and frame.key_frame and seconds > max(lost):
                    self.bad.append((min(lost), seconds))
                    lost = []
                while shown is not None and (number + 0.5) / self.fps < seconds:
                    yield to_image(shown) if number >= self.skip else None
                    number += 1
                shown, last = frame, seconds
                lasts = float(frame.duration * stream.time_base) if frame.duration else 0.0
                self.duration = seconds + (lasts or frame_seconds)
            if shown is None:
                raise MediaError(
                    self.path, 'no frame of the video can be decoded. Fetch the file again.'
                )
            while (number + 0.5) / self.fps < self.duration or number == 0:
                yield to_image(shown) if number >= self.skip else None
                number += 1
            end = stated_end_of(container, stream, origin)
            cut_off = end > self.duration + TOLERANCE_FRAMES * frame_seconds and np.isfinite(end)
            if cut_off or lost:
                self.bad.append((min([self.duration, *lost]), end if cut_off else self.duration))


class SoundStream:
    """The sound of a file, asked for from front to back.

    Args:
        path: The file.

    Attributes:
        bad: How many packets could not be decoded so far.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.bad = 0
        self._absent = False
        self._chunks: Iterator[tuple[int, np.ndarray]] | None = None
        self._held: deque[tuple[int, np.ndarray]] = deque()

    def read(self, first: int, count: int, sample_rate: int) -> AudioPart | None:
        """A stretch of sound, see `media.read_audio`; one that begins before the last is lost.

        Raises:
            MediaError: If the file cannot be opened.
        """
        if self._chunks is None:
            self._chunks = self._decode(sample_rate)
        while not self._held or _end(self._held[-1]) < first + count:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._held.append(chunk)
            while self._held and _end(self._held[0]) <= first:
                self._held.popleft()
        if self._absent:
            return None
        samples = np.zeros(count, np.float32)
        start, stop = count, 0
        while self._held and _end(self._held[0]) <= first:
            self._held.popleft()
        for place, values in self._held:
            begin, end = max(place - first, 0), min(place + len(values) - first, count)
            if begin < end:
                samples[begin:end] = values[begin + first - place : end + first - place]
                start, stop = min(start, begin), max(stop, end)
        return AudioPart(samples, min(start, stop), stop)

    def _decode(self, sample_rate: int) -> Iterator[tuple[int, np.ndarray]]:
        """Where each piece begins, in samples from the beginning of the file, and the piece."""
        with opened(self.path) as container:
            stream = container.streams.best('audio')
            if stream is None:
                self._absent = True
                return
            origin, to_mono = origin_of(container), ToMono(stream, sample_rate)
            place = taken = None
            for seconds, frame in _decoded(container, stream, origin):
                if frame is None:
                    self.bad += 1
                    continue
                if taken is None or abs(seconds - taken) > MAX_DRIFT_SECONDS:
                    for piece in to_mono(None) if taken is not None else ():
                        yield place, piece
                        place += len(piece)
                    to_mono = ToMono(stream, sample_rate)
                    place, taken = round(seconds * sample_rate), seconds
                taken += frame.samples / frame.sample_rate
                for piece in to_mono(frame):
                    yield place, piece
                    place += len(piece)
            for piece in to_mono(None) if taken is not None else ():
                yield place, piece
                place += len(piece)


class _ToImage:
    """Frames to images; the frame before again costs nothing."""

    def __init__(self) -> None:
        self.reformatter = VideoReformatter()
        self.frame, self.image = None, np.zeros(0)

    def __call__(self, frame: av.VideoFrame) -> np.ndarray:
        if frame is not self.frame:
            rgb = self.reformatter.reformat(frame, format='rgb24', threads=1)
            self.frame, self.image = frame, upright(rgb.to_ndarray(), frame.rotation)
        return self.image


def _decoded(
    container: av.container.InputContainer,
    stream: av.VideoStream | av.AudioStream,
    origin: float,
) -> Iterator[tuple[float | None, av.VideoFrame | av.AudioFrame | None]]:
    """Frames that have a time stamp, with it; None in their place where they cannot be decoded."""

    def seconds(item: av.Packet | av.VideoFrame | av.AudioFrame) -> float | None:
        return None if item.pts is None else float(item.pts * stream.time_base) - origin

    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.FFmpegError:
            yield None, None
            return
        if packet is None:
            return
        try:
            frames = packet.decode()
        except av.FFmpegError:
            yield seconds(packet), None
        else:
            yield from ((seconds(frame), frame) for frame in frames if frame.pts is not None)


def _end(chunk: tuple[int, np.ndarray]) -> int:
    return chunk[0] + len(chunk[1])
