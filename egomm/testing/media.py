"""Media files of one video in the official layout: MP4, RGB and flow JPEGs, wav.

Flow is computed from the drawn pixels with OpenCV's DIS flow. Flow image k (from 1) of a video
with stride s is the motion from RGB image s (k - 1) + 1 to the one s later, so RGB image r
belongs to flow image (r - 1) // s + 1 and the last flow image comes before the last RGB image.
8-bit: 128 is no motion, 128 + 127 d / bound is a displacement of d pixels, clipped.
"""

import wave
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from egomm.datasets.flow import flow_to_bytes
from egomm.functional.time_grid import flow_index
from egomm.testing.annotations import image_number
from egomm.testing.plan import Video
from egomm.testing.sound import RATE
from egomm.testing.spec import KitchenSpec

AUDIO_CHUNK = 1024  # samples of one AAC frame


def write_media(
    root: Path, spec: KitchenSpec, video: Video, frames: Iterable[np.ndarray], sound: np.ndarray
) -> int:
    """Writes every media file of one video.

    Args:
        root: Root of the data set.
        spec: The world.
        video: Plan of the video.
        frames: RGB frames ``(H, W, 3)`` uint8 in order.
        sound: int16 ``(N,)`` at 24 kHz.

    Returns:
        Bytes written.
    """
    home = root / video.participant_id
    rgb = home / 'rgb_frames' / video.video_id
    wanted = None if spec.images == 'all' else flow_images_of_actions(video)
    flow = FlowWriter(home / 'flow_frames' / video.video_id, spec, video.flow_stride, wanted)
    movie_path = home / 'videos' / f'{video.video_id}.MP4'
    for folder in (movie_path.parent, home / 'audio', *([rgb] if spec.images == 'all' else [])):
        folder.mkdir(parents=True, exist_ok=True)
    size = write_wav(home / 'audio' / f'{video.video_id}.wav', sound)
    quality = [cv2.IMWRITE_JPEG_QUALITY, spec.jpeg_quality]
    with MovieWriter(movie_path, spec.width, spec.height, video.fps, sound) as movie:
        for number, frame in enumerate(frames, start=1):
            if spec.images == 'all':
                data = cv2.imencode('.jpg', cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), quality)[1]
                size += _write(f'{rgb}/frame_{number:010d}.jpg', data)
            size += flow.add(frame)
            movie.add(frame)
    return size + movie_path.stat().st_size


def flow_images_of_actions(video: Video) -> set[int]:
    """The first flow image, those that labelled actions are seen in, and one beyond each end."""
    numbers = {1}  # by which readers find the folder
    for action in video.actions:
        first, last = (
            flow_index(image_number(edge, video.fps), video.flow_stride)
            for edge in (action.start, action.stop)
        )
        numbers.update(range(first - 1, last + 2))
    return numbers


def write_wav(path: Path, sound: np.ndarray) -> int:
    """Writes mono pcm_s16le at 24 kHz and returns the bytes."""
    with wave.open(str(path), 'wb') as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(sound.astype('<i2').tobytes())
    return path.stat().st_size


def _write(path: str, data: np.ndarray) -> int:
    with open(path, 'wb', buffering=0) as file:  # pathlib would take as long as the encoder
        return file.write(data.data)


def flow_engine() -> cv2.DISOpticalFlow:
    """What computes the flow of a world."""
    engine = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    # The preset's coarsest output (a quarter of the size) is too coarse for tiny frames.
    engine.setFinestScale(1)
    return engine


class FlowWriter:
    """Computes flow between every stride-th frame and writes u and v, all or the wanted ones."""

    def __init__(
        self, folder: Path, spec: KitchenSpec, stride: int, wanted: set[int] | None = None
    ) -> None:
        self.folders = [folder / axis for axis in ('u', 'v')]
        for path in self.folders:
            path.mkdir(parents=True, exist_ok=True)
        self.bound, self.stride, self.wanted = spec.flow_bound, stride, wanted
        self.quality = [cv2.IMWRITE_JPEG_QUALITY, spec.jpeg_quality]
        self.engine = flow_engine()
        self.previous: np.ndarray | None = None
        self.seen = 0

    def add(self, frame: np.ndarray) -> int:
        """Takes the next RGB frame; returns the bytes written, 0 between strides."""
        self.seen += 1
        if (self.seen - 1) % self.stride:
            return 0
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        size = 0
        number = (self.seen - 1) // self.stride
        if self.previous is not None and (self.wanted is None or number in self.wanted):
            flow = flow_to_bytes(self.engine.calc(self.previous, grey, None), self.bound)
            for axis, folder in enumerate(self.folders):
                data = cv2.imencode('.jpg', flow[..., axis], self.quality)[1]
                size += _write(f'{folder}/frame_{number:010d}.jpg', data)
        self.previous = grey
        return size


class MovieWriter:
    """H.264 and AAC in one MP4, sound interleaved with the images; no AAC where sound is None."""

    def __init__(
        self, path: Path, width: int, height: int, fps: int, sound: np.ndarray | None
    ) -> None:
        self.container = av.open(str(path), 'w', format='mp4')
        self.images = self.container.add_stream(
            'libx264',
            rate=fps,
            options={'preset': 'ultrafast', 'crf': '23', 'threads': '1', 'g': '30'},
        )
        self.images.width, self.images.height = width, height
        self.images.pix_fmt = 'yuv420p'
        self.streams = [self.images]
        self.sound = np.zeros((1, 0), np.float32)
        if sound is not None:
            self.audio = self.container.add_stream(
                'aac', rate=RATE, layout='mono', options={'aac_coder': 'fast', 'threads': '1'}
            )
            self.audio.bit_rate = 96_000
            self.streams.append(self.audio)
            self.sound = (sound / 32_768).astype(np.float32)[None]
        self.fps, self.count, self.sent = fps, 0, 0

    def __enter__(self) -> 'MovieWriter':
        return self

    def __exit__(self, *error: object) -> None:
        self._send_sound(self.sound.shape[1])
        for stream in self.streams:
            self.container.mux(stream.encode(None))
        self.container.close()

    def add(self, frame: np.ndarray) -> None:
        """Takes the next RGB frame."""
        picture = av.VideoFrame.from_ndarray(frame, format='rgb24')
        picture.pts, picture.time_base = self.count, Fraction(1, self.fps)
        self.container.mux(self.images.encode(picture))
        self.count += 1
        until = int(self.count / self.fps * RATE)
        self._send_sound(until - until % AUDIO_CHUNK)

    def _send_sound(self, until: int) -> None:
        while self.sent < min(until, self.sound.shape[1]):
            chunk = np.ascontiguousarray(
                self.sound[:, self.sent : min(until, self.sent + AUDIO_CHUNK)]
            )
            block = av.AudioFrame.from_ndarray(chunk, format='fltp', layout='mono')
            block.sample_rate, block.pts = RATE, self.sent
            block.time_base = Fraction(1, RATE)
            self.container.mux(self.audio.encode(block))
            self.sent += chunk.shape[1]
