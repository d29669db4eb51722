"""Reading images, video and sound, with one error for everything that a file can get wrong.

Seconds count from the beginning of the file (the earliest of its streams), as a player shows
them. Video is read by time stamps, never by frame number: containers state frame rates that
drift by seconds over half an hour.

Shapes: N = frames of a clip, H, W = height and width.
"""

import time
import wave
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter

# Containers end a little before the last annotated instant; a clip may reach this far over.
TOLERANCE_FRAMES = 3
# A file that has not given what is wanted of it by then is taken for broken.
LIMIT_SECONDS = 60.0
# A wav file says all in its header; without this, opening takes FFmpeg twenty times as long.
_WAV_OPTIONS = {'probesize': '4096'}
# Decoders of lossy sound need a few packets before what they give is right.
AUDIO_WARM_UP_SECONDS = 0.1


class AudioPart(NamedTuple):
    """A stretch of sound: ``samples`` float32, of which ``[start:stop]`` come from the file.

    The rest, before the beginning or after the end of the file, is zero.
    """

    samples: np.ndarray
    start: int
    stop: int


class MediaError(RuntimeError):
    """A media file that cannot give what a clip needs.

    Args:
        path: The file.
        reason: What was expected, what was found, what to do.
    """

    def __init__(self, path: str | Path, reason: str) -> None:
        super().__init__(f'{path}: {reason}')
        self.path = str(path)
        self.reason = reason

    def __reduce__(self) -> tuple:
        return type(self), (self.path, self.reason)


def read_image(path: str, gray: bool = False) -> np.ndarray:
    """Read one image file.

    Args:
        path: A JPEG or PNG file.
        gray: One channel instead of three.

    Returns:
        ``(H, W, 3)`` uint8 in RGB order, or ``(H, W)`` uint8 for ``gray``.

    Raises:
        MediaError: If the file is missing, empty, truncated or no image.
    """
    try:
        with open(path, 'rb') as file:
            data = file.read()
    except OSError as error:
        raise MediaError(
            path,
            f'a frame is expected here, but {error.strerror}. Extract the '
            'frames of this video again, or correct `path` or `first` of its '
            'source; where the video ends earlier, correct the row of the clip.',
        ) from error
    # OpenCV fills what a cut-off JPEG lacks with grey and says nothing.
    if data[:2] == b'\xff\xd8' and b'\xff\xd9' not in data[-1024:]:
        raise MediaError(path, f'the JPEG is cut off after {len(data)} bytes. Extract it again.')
    image = None
    if data:
        buffer = np.frombuffer(data, np.uint8)
        image = cv2.imdecode(buffer, cv2.IMREAD_GRAYSCALE if gray else cv2.IMREAD_COLOR)
    if image is None:
        raise MediaError(
            path, f'an image is expected, but its {len(data)} bytes are none. Extract it again.'
        )
    return image if gray else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def read_video_frames(path: str, times: Sequence[float], stop: float | None = None) -> np.ndarray:
    """Read the frames that are on screen at given times.

    Args:
        path: A video file.
        times: ``N`` times in seconds, not decreasing.
        stop: End of the clip in seconds, by default the last time. It may lie
            ``TOLERANCE_FRAMES`` frames after the end of the video, whose last frame then stands
            for what is missing.

    Returns:
        ``(N, H, W, 3)`` uint8 in RGB order.

    Raises:
        MediaError: If the file is missing or broken, holds no video, or ends before the clip.
    """
    stop = times[-1] if stop is None else stop
    clip = f'the clip has its frames at {times[0]:.3f}-{times[-1]:.3f} s and ends at {stop:.3f} s'
    with opened(path) as container:
        stream = container.streams.best('video')
        if stream is None:
            raise MediaError(
                path,
                'a video is expected, but the file has no video stream. '
                'Correct the `path` of the source, or take `rgb` out of `sources`.',
            )
        _check_decoder(path, stream)
        stream.codec_context.thread_count = 1  # the workers of the loader are the parallelism
        origin = origin_of(container)
        frame_seconds = float(1 / (stream.average_rate or stream.guessed_rate or 25))
        tolerance = TOLERANCE_FRAMES * frame_seconds
        stated_end = stated_end_of(container, stream, origin)
        if stop > stated_end + tolerance:
            raise MediaError(
                path,
                f'the video lasts {stated_end:.3f} s, but {clip}. Correct the '
                'time stamps in the annotation file, or fetch the whole video.',
            )
        wanted = [_to_ticks(time + origin, stream) for time in times]
        images: list[np.ndarray] = []
        reformatter = VideoReformatter()
        before = None
        shown = _on_screen(container, stream, wanted)
        for seconds, (frame, is_last) in zip(times, shown, strict=True):
            if frame is None:
                raise MediaError(
                    path,
                    f'no frame can be decoded at {seconds:.3f} s. '
                    'The file is probably cut off: fetch it again.',
                )
            end = float(frame.pts * stream.time_base) - origin + frame_seconds
            if frame.is_corrupt or (is_last and seconds > end + tolerance):
                raise MediaError(
                    path,
                    f'nothing can be decoded after {end:.3f} s, but {clip}. '
                    'The file is probably cut off or damaged: fetch it again.',
                )
            if frame is not before:
                # One thread: starting more costs ten times the conversion of a small frame.
                image = reformatter.reformat(frame, format='rgb24', threads=1).to_ndarray()
                image = upright(image, frame.rotation)
            images.append(image)
            before = frame
    return np.stack(images)


def read_audio(path: str, first: int, count: int, sample_rate: int) -> AudioPart | None:
    """Read a stretch of sound as one channel at a given rate.

    Args:
        path: A wav file, or a video with sound.
        first: Number of the first sample wanted, counted at ``sample_rate`` from the beginning
            of the file; may be negative.
        count: How many samples are wanted.
        sample_rate: Samples per second of the result.

    Returns:
        The samples, or None if the file has no audio stream.

    Raises:
        MediaError: If the file is missing or broken.
    """
    if path.lower().endswith('.wav'):
        part = _ready_wav(path, first, count, sample_rate)
        if part is not None:
            return part
    with opened(path) as container:
        stream = container.streams.best('audio')
        if stream is None:
            return None
        _check_decoder(path, stream)
        origin = origin_of(container)
        stop_seconds = (first + count) / sample_rate
        begin_seconds = first / sample_rate - AUDIO_WARM_UP_SECONDS
        if begin_seconds > 0:
            container.seek(_to_ticks(begin_seconds + origin, stream), stream=stream)
        to_mono = ToMono(stream, sample_rate)
        chunks: list[np.ndarray] = []
        position = 0
        for frame in _in_time(container, stream, _deadline()):
            if frame.pts is None:
                continue
            seconds = float(frame.pts * stream.time_base) - origin
            if seconds >= stop_seconds + AUDIO_WARM_UP_SECONDS:
                break
            if not chunks and seconds + frame.samples / frame.sample_rate < begin_seconds:
                continue
            if not chunks:
                position = round(seconds * sample_rate)
            chunks += to_mono(frame)
        if chunks:
            chunks += to_mono(None)
    samples = np.zeros(count, np.float32)
    decoded = np.concatenate(chunks) if chunks else np.zeros(0, np.float32)
    start = min(max(position - first, 0), count)
    stop = min(max(position + len(decoded) - first, start), count)
    samples[start:stop] = decoded[start + first - position : stop + first - position]
    return AudioPart(samples, start, stop)


def _ready_wav(path: str, first: int, count: int, sample_rate: int) -> AudioPart | None:
    """`read_audio` of a prepared wav: one channel, 16 bits, at the rate that is wanted.

    Packet by packet FFmpeg takes six times as long. None leaves it the file, and with it all that
    a file can get wrong.
    """
    try:
        with wave.open(path) as file:
            total = file.getnframes()
            kind = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            start = min(max(-first, 0), count)
            stop = min(max(total - first, start), count)
            if start == stop or kind != (1, 2, sample_rate):
                return None
            file.setpos(min(max(first, 0), total))
            decoded = np.frombuffer(file.readframes(stop - start), '<i2')
    except (wave.Error, EOFError, OSError, RuntimeError, ValueError):
        return None
    if len(decoded) < stop - start:
        return None
    samples = np.zeros(count, np.float32)
    np.divide(decoded, np.float32(32768), out=samples[start:stop])
    return AudioPart(samples, start, stop)


def frame_rate(path: str) -> float | None:
    """Frames per second that a video states; None if it states none or has no video stream.

    Raises:
        MediaError: If the file is missing or broken.
    """
    with opened(path) as container:
        stream = container.streams.best('video')
        rate = None if stream is None else stream.average_rate
        return None if rate is None else float(rate)


@contextmanager
def opened(path: str) -> Iterator[av.container.InputContainer]:
    """Open a file; every error of FFmpeg becomes a MediaError, and the file is closed.

    Raises:
        MediaError: If FFmpeg cannot read the file, when opened or within the block.
    """
    options = _WAV_OPTIONS if path.lower().endswith('.wav') else {}
    try:
        # Names in a file may be in any encoding; nothing here reads them.
        with av.open(
            path, options=options, metadata_errors='replace', timeout=LIMIT_SECONDS
        ) as container:
            yield container
    except av.FFmpegError as error:
        raise MediaError(
            path,
            f'a readable video or sound file is expected, but FFmpeg says '
            f'{error.strerror!r}. Fetch the file again, or correct the `path` of '
            'its source.',
        ) from error


def upright(image: np.ndarray, rotation: int) -> np.ndarray:
    """An image ``(H, W, C)`` turned as a player turns it, anticlockwise in degrees."""
    return np.ascontiguousarray(np.rot90(image, rotation // 90)) if rotation else image


def _check_decoder(path: str, stream: av.VideoStream | av.AudioStream) -> None:
    if stream.codec_context is None:
        raise MediaError(
            path,
            f'its {stream.type} is in a format that this FFmpeg cannot decode, or its header is '
            'damaged. Fetch the file again, or convert it to H.264 and AAC.',
        )


class ToMono:
    """Audio frames to one channel of float32 in -1..1 at ``sample_rate``.

    The way is 16-bit, as in a prepared wav: FFmpeg mixes channels to their mean in whole numbers,
    but to sqrt(2) times that in floating point.

    Args:
        stream: The audio stream that the frames are of.
        sample_rate: Samples per second.
    """

    def __init__(self, stream: av.AudioStream, sample_rate: int) -> None:
        # Prepared wav files need no resampler, which costs more than reading them.
        self.is_ready = (
            stream.rate == sample_rate and stream.channels == 1 and stream.format.name == 's16'
        )
        self.resampler = av.AudioResampler(format='s16', layout='mono', rate=sample_rate)

    def __call__(self, frame: av.AudioFrame | None) -> list[np.ndarray]:
        """Samples of a frame; of what the resampler still holds, for None."""
        if self.is_ready:
            parts = [] if frame is None else [frame]
        else:
            parts = self.resampler.resample(frame)
        return [part.to_ndarray()[0] / np.float32(32768) for part in parts]


def origin_of(container: av.container.InputContainer) -> float:
    """Time stamp, in seconds, at which a player starts the file."""
    return (container.start_time or 0) / av.time_base


def stated_end_of(
    container: av.container.InputContainer,
    stream: av.VideoStream,
    origin: float,
) -> float:
    """End of the video according to its header, infinite where the header does not say."""
    if stream.duration is not None:
        return float(((stream.start_time or 0) + stream.duration) * stream.time_base) - origin
    return float('inf') if container.duration is None else container.duration / av.time_base


def _to_ticks(seconds: float, stream: av.VideoStream | av.AudioStream) -> int:
    # 0.1 ms of slack: 0.6 s is not a whole number of ticks in floating point.
    return int((seconds + 1e-4) / stream.time_base)


def _on_screen(
    container: av.container.InputContainer,
    stream: av.VideoStream,
    wanted: Sequence[int],
) -> Iterator[tuple[av.VideoFrame | None, bool]]:
    """For each time stamp, not decreasing: the frame shown then, and whether it is the last.

    Decodes forward, and seeks only where a keyframe lies between two wanted frames.
    """
    frames: Iterator[av.VideoFrame] = iter(())
    deadline = _deadline()
    shown = following = None
    for target in wanted:
        if shown is None or _keyframe_before(stream, target) > shown.pts:
            container.seek(target, stream=stream)
            frames = _with_pts(_in_time(container, stream, deadline))
            shown, following = next(frames, None), next(frames, None)
            if shown is not None and shown.pts > target:  # a seek may land after its target
                container.seek(0, stream=stream)
                frames = _with_pts(_in_time(container, stream, deadline))
                shown, following = next(frames, None), next(frames, None)
        while following is not None and following.pts <= target:
            shown, following = following, next(frames, None)
        yield shown, following is None


def _deadline() -> float:
    return time.monotonic() + LIMIT_SECONDS


def _in_time(
    container: av.container.InputContainer,
    stream: av.VideoStream | av.AudioStream,
    deadline: float,
) -> Iterator[Any]:
    """Decoded frames; a damaged file may hold hours of them, none of which is wanted."""
    for frame in container.decode(stream):
        if time.monotonic() > deadline:
            raise MediaError(
                container.name,
                f'what is wanted of it is not decoded after {LIMIT_SECONDS:.0f} s. It is probably '
                'damaged, or its disk does not answer: fetch it again.',
            )
        yield frame


def _with_pts(frames: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    return (frame for frame in frames if frame.pts is not None)


def _keyframe_before(stream: av.VideoStream, target: int) -> int:
    """Time stamp of the last keyframe up to ``target``; -1 where the file has no index."""
    position = stream.index_entries.search_timestamp(target)
    return stream.index_entries[position].timestamp if position >= 0 else -1
