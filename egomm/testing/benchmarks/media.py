"""Reading clips from a long video, and windows of one that overlap by half.

Shapes: N = frames, H, W = height and width.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np

import egomm.registry  # noqa: F401 - lets mmaction2 be imported
from egomm.apis.windows import windows_of
from egomm.datasets.media import read_video_frames
from egomm.datasets.streams import VideoFrames
from egomm.testing.benchmarks.contest import Contest, Growth, Settings, Side, Work, scratch
from egomm.testing.media import MovieWriter

FPS, WIDTH, HEIGHT = 30, 456, 256
SPREAD_SECONDS = 4.0  # of a clip whose frames are spread
WINDOW, STRIDE = 32, 16
ROUNDING = 0.02  # decoders convert colours with other rounding


def frames_of_clips(settings: Settings) -> list[Contest]:
    """8 spread and 32 consecutive frames from the middle, against both decoders of mmaction2."""
    seconds = 30 if settings.quick else 60
    contests = []
    for peer, speed in (('PyAV', 2.0), ('Decord', 1.0)):
        for count in (8, 32):
            numbers = _numbers(seconds, count)
            contests.append(
                Contest(
                    work=f'8 and 32 frames of a clip in the middle of {seconds} s of H.264 '
                    f'({WIDTH} x {HEIGHT}, a keyframe a second)',
                    peer=Side(
                        f"mmaction2's {peer}, {count} frames",
                        lambda peer=peer, numbers=numbers: _mmaction(peer, seconds, numbers),
                    ),
                    sides=[
                        Side(
                            f'egomm, {count} frames',
                            lambda numbers=numbers: _ours(seconds, numbers),
                            speed=speed,
                            tolerance=ROUNDING,
                        )
                    ],
                    difference=mean_difference,
                )
            )
    contests[0].growth = [
        Growth(
            'seconds of the video (8 frames from its middle)',
            (10, 20, 30) if settings.quick else (15, 30, 60),
            lambda size: _ours(size, _numbers(size, 8)),
        )
    ]
    return contests


def windows_of_video(settings: Settings) -> Contest:
    """Windows of 32 frames, every 16: what feature extraction has to decode."""
    seconds = 10 if settings.quick else 30
    path = str(video(seconds))

    def once() -> list[np.ndarray]:
        return [
            np.stack([image[::32, ::32] for image in images])
            for images in windows_of(VideoFrames(path, FPS), WINDOW, STRIDE)
        ]

    def window_by_window() -> list[np.ndarray]:
        found = []
        last = (seconds * FPS - 0.5) / FPS
        for start in range(0, seconds * FPS - WINDOW + STRIDE, STRIDE):
            times = np.minimum((start + np.arange(WINDOW) + 0.5) / FPS, last)
            found.append(read_video_frames(path, times.tolist())[:, ::32, ::32])
        return found

    return Contest(
        work=f'frames of all windows of {WINDOW}, every {STRIDE}, of {seconds} s of H.264',
        peer=Side('window by window', lambda: window_by_window),
        sides=[Side('egomm', lambda: once, speed=1.8)],
        difference=mean_difference,
        growth=[
            Growth(
                'seconds of the video',
                (3, 6, 10) if settings.quick else (5, 15, 30),
                lambda size: _decoding(str(video(size))),
            )
        ],
        facts={'most frames held at a time': lambda: float(WINDOW)},
    )


def mean_difference(theirs: list[np.ndarray], ours: list[np.ndarray]) -> float:
    """Mean over pixels, as a share of white; infinite where the numbers of images differ."""
    if len(theirs) != len(ours) or any(a.shape != b.shape for a, b in zip(theirs, ours)):
        return float('inf')
    apart = [np.abs(a.astype(np.int16) - b.astype(np.int16)).mean() for a, b in zip(theirs, ours)]
    return float(np.mean(apart)) / 255


@lru_cache
def video(seconds: int) -> Path:
    """A video of moving texture, without sound; removed when the process ends."""
    path = Path(scratch().name) / f'{seconds}.mp4'
    rng = np.random.default_rng(0)
    small = rng.integers(0, 255, (HEIGHT // 8, WIDTH // 8, 3), dtype=np.uint8)
    picture = small.repeat(8, axis=0).repeat(8, axis=1)
    with MovieWriter(path, WIDTH, HEIGHT, FPS, None) as movie:
        for number in range(seconds * FPS):
            movie.add(np.roll(picture, (number, 2 * number), axis=(0, 1)))
    return path


def _numbers(seconds: int, count: int) -> np.ndarray:
    """Frames in the middle of the video: spread over some seconds if they are few."""
    middle = seconds * FPS // 2
    span = SPREAD_SECONDS * FPS if count == 8 else count
    return (middle + (np.arange(count) + 0.5) * span / count - span / 2).astype(int)


def _ours(seconds: int, numbers: np.ndarray) -> Work:
    path, times = str(video(seconds)), ((numbers + 0.5) / FPS).tolist()
    return lambda: list(read_video_frames(path, times))


def _mmaction(decoder: str, seconds: int, numbers: np.ndarray) -> Work:
    from mmaction.registry import TRANSFORMS

    path = str(video(seconds))
    options = {'num_threads': 1} if decoder == 'Decord' else {}
    opening = TRANSFORMS.build(dict(type=f'mmaction.{decoder}Init', **options))
    reading = TRANSFORMS.build(dict(type=f'mmaction.{decoder}Decode'))
    return lambda: reading(opening(dict(filename=path, frame_inds=numbers.copy())))['imgs']


def _decoding(path: str) -> Work:
    return lambda: sum(1 for _ in windows_of(VideoFrames(path, FPS), WINDOW, STRIDE))
