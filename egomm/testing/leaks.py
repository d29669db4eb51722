"""Leak tests: what must NOT tell the class of a clip, and a simple classifier that tries.

The classifier learns on train clips and guesses on the clips of other participants, as a model
does. A feature leaks when it beats the best constant guess by more than two standard errors.
Evidence tests use the same classifier the other way round.
"""

import csv
import math
import wave
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np

from egomm.functional.time_grid import flow_index, flow_stride

Row = dict[str, str]
Feature = Callable[[Path, Row], np.ndarray]
BLOCK = 1 / 8  # side of the background block, as a share of the frame's height


@dataclass(frozen=True)
class Leak:
    """How well one feature tells one task.

    Attributes:
        feature: Name of the feature.
        task: ``'verb'`` or ``'noun'``.
        accuracy: Share of clips guessed right, 0..1.
        chance: Share of the most frequent class, the best constant guess.
        standard_error: Of a guess at chance, over that many clips.
    """

    feature: str
    task: str
    accuracy: float
    chance: float
    standard_error: float

    @property
    def leaks(self) -> bool:
        """Whether the feature beats chance by more than two standard errors."""
        return self.accuracy > self.chance + 2 * self.standard_error


def ridge_predict(
    train: np.ndarray, labels: np.ndarray, test: np.ndarray, strength: float = 0.1
) -> np.ndarray:
    """Classes guessed by ridge regression on one-hot targets.

    Features are standardised on train; constant ones are ignored. Up to three features are
    widened to Gaussian bumps at the deciles first, so a guess need not be linear in a number.

    Args:
        train: Features ``(N, D)``.
        labels: Classes ``(N,)``.
        test: Features ``(M, D)``.
        strength: Ridge penalty per sample.

    Returns:
        Classes ``(M,)``.
    """
    train, test = train.astype(float), test.astype(float)
    if train.shape[1] <= 3:
        train, test = _widen(train, train), _widen(test, train)
    mean, spread = train.mean(0), train.std(0)
    keep = spread > 1e-9
    if not keep.any():
        return np.full(len(test), np.bincount(labels).argmax())
    x, z = ((part[:, keep] - mean[keep]) / spread[keep] for part in (train, test))
    classes, index = np.unique(labels, return_inverse=True)
    targets = np.eye(len(classes))[index]
    centre = targets.mean(0)
    # Dual form: N samples, often fewer than D features.
    kernel = x @ x.T / x.shape[1]
    kernel[np.diag_indices_from(kernel)] += strength
    return classes[
        (z @ x.T / x.shape[1] @ np.linalg.solve(kernel, targets - centre) + centre).argmax(1)
    ]


def _widen(values: np.ndarray, reference: np.ndarray) -> np.ndarray:
    columns = []
    for value, known in zip(values.T, reference.T, strict=True):
        centres = np.unique(np.quantile(known, np.linspace(0, 1, 11)))
        width = max((centres[-1] - centres[0]) / 10, 1e-9)
        columns.append(np.exp(-0.5 * ((value[:, None] - centres) / width) ** 2))
    return np.concatenate(columns, axis=1)


def judge(
    name: str,
    task: str,
    train: np.ndarray,
    train_labels: np.ndarray,
    test: np.ndarray,
    test_labels: np.ndarray,
) -> Leak:
    """Accuracy of a feature, next to chance.

    Args:
        name: Name of the feature.
        task: Name of the task.
        train: Features ``(N, D)``.
        train_labels: Classes ``(N,)``.
        test: Features ``(M, D)``.
        test_labels: Classes ``(M,)``.
    """
    guessed = ridge_predict(train, train_labels, test)
    chance = float(np.bincount(test_labels).max() / len(test_labels))
    return Leak(
        name,
        task,
        float((guessed == test_labels).mean()),
        chance,
        math.sqrt(chance * (1 - chance) / len(test_labels)),
    )


def read_rows(root: Path, split: str) -> list[Row]:
    """Rows of ``EPIC_100_{split}.csv``."""
    with (root / 'annotations' / f'EPIC_100_{split}.csv').open(newline='') as file:
        return list(csv.DictReader(file))


def measure_leaks(root: Path, features: Iterable[str] | None = None) -> list[Leak]:
    """Tries features on a generated world, train against validation.

    Args:
        root: Root of the world.
        features: Names out of ``FEATURES``; default all.

    Returns:
        One result per feature and task. ``first_frame`` is tried on verbs only: the object
        that is about to be handled may be in view.
    """
    rows = {split: read_rows(root, split) for split in ('train', 'validation')}
    out = []
    for name in FEATURES if features is None else features:
        values = {
            split: np.stack([FEATURES[name](root, row) for row in part])
            for split, part in rows.items()
        }
        for task in ('verb',) if name == 'first_frame' else ('verb', 'noun'):
            labels = {
                split: np.array([int(row[f'{task}_class']) for row in part])
                for split, part in rows.items()
            }
            out.append(
                judge(
                    name,
                    task,
                    values['train'],
                    labels['train'],
                    values['validation'],
                    labels['validation'],
                )
            )
    return out


def seconds_of(stamp: str) -> float:
    """``HH:MM:SS.cc`` -> seconds."""
    hours, minutes, seconds = stamp.split(':')
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def duration(root: Path, row: Row) -> np.ndarray:
    """Length of the clip in seconds."""
    return np.array([seconds_of(row['stop_timestamp']) - seconds_of(row['start_timestamp'])])


def frame_count(root: Path, row: Row) -> np.ndarray:
    """Images of the clip."""
    return np.array([int(row['stop_frame']) - int(row['start_frame'])])


def position(root: Path, row: Row) -> np.ndarray:
    """Start of the clip in its video, in seconds."""
    return np.array([seconds_of(row['start_timestamp'])])


def video_name(root: Path, row: Row) -> np.ndarray:
    """Numbers of participant and video."""
    return np.array([float(part) for part in row['video_id'][1:].split('_')])


def file_size(root: Path, row: Row) -> np.ndarray:
    """Bytes of the video file and of the wav."""
    home = root / row['participant_id']
    return np.array(
        [
            (home / 'videos' / f'{row["video_id"]}.MP4').stat().st_size,
            (home / 'audio' / f'{row["video_id"]}.wav').stat().st_size,
        ]
    )


def bitrate(root: Path, row: Row) -> np.ndarray:
    """Bits per second of the video file."""
    with av.open(str(_movie(root, row))) as container:
        return np.array([float(container.bit_rate)])


def loudness(root: Path, row: Row) -> np.ndarray:
    """Root mean square of the clip's sound, in log units."""
    path = root / row['participant_id'] / 'audio' / f'{row["video_id"]}.wav'
    with wave.open(str(path)) as file:
        first, last = (
            int(seconds_of(row[f'{edge}_timestamp']) * file.getframerate())
            for edge in ('start', 'stop')
        )
        file.setpos(first)
        sound = np.frombuffer(file.readframes(last - first), '<i2').astype(float)
    return np.array([math.log(math.sqrt(np.mean(sound**2)) + 1)])


def background_block(root: Path, row: Row) -> np.ndarray:
    """Pixels of the upper left corner in the clip's middle image."""
    return _block(read_image(root, row, 0.5)).ravel()


def first_frame(root: Path, row: Row) -> np.ndarray:
    """The clip's first image in grey, 24 x 16."""
    grey = cv2.cvtColor(read_image(root, row, 0.0), cv2.COLOR_BGR2GRAY)
    return cv2.resize(grey, (24, 16), interpolation=cv2.INTER_AREA).ravel()


def codec_noise(root: Path, row: Row) -> np.ndarray:
    """Difference of MP4 and JPEG in the background block: mean, spread and strongest."""
    middle = (seconds_of(row['start_timestamp']) + seconds_of(row['stop_timestamp'])) / 2
    with av.open(str(_movie(root, row))) as container:
        stream = container.streams.video[0]
        container.seek(int(middle / stream.time_base), stream=stream)
        frame = next(f for f in container.decode(stream) if f.time >= middle - 1e-6)
    number = round(frame.time * float(stream.average_rate)) + 1
    image = cv2.imread(str(_image(root, row, number)))
    error = _block(frame.to_ndarray(format='bgr24')).astype(float) - _block(image)
    return np.array([error.mean(), error.std(), np.abs(error).max()])


def read_image(root: Path, row: Row, at: float) -> np.ndarray:
    """BGR image at a share of the clip, 0 = first, 1 = last."""
    start, stop = int(row['start_frame']), int(row['stop_frame'])
    return cv2.imread(str(_image(root, row, int(start + at * (stop - start)))))


def read_flow(root: Path, row: Row, at: float) -> np.ndarray:
    """8-bit flow ``(H, W, 2)`` at a share of the clip."""
    start, stop = int(row['start_frame']), int(row['stop_frame'])
    video = row['video_id']
    number = flow_index(int(start + at * (stop - start)), flow_stride(video))
    home = root / row['participant_id'] / 'flow_frames' / video
    return np.stack(
        [
            cv2.imread(str(home / axis / f'frame_{number:010d}.jpg'), cv2.IMREAD_GRAYSCALE)
            for axis in ('u', 'v')
        ],
        axis=-1,
    )


def _movie(root: Path, row: Row) -> Path:
    return root / row['participant_id'] / 'videos' / f'{row["video_id"]}.MP4'


def _image(root: Path, row: Row, number: int) -> Path:
    return (
        root / row['participant_id'] / 'rgb_frames' / row['video_id'] / f'frame_{number:010d}.jpg'
    )


def _block(image: np.ndarray) -> np.ndarray:
    side = max(4, int(image.shape[0] * BLOCK))
    return image[:side, :side]


FEATURES: dict[str, Feature] = {
    feature.__name__: feature
    for feature in (
        duration,
        frame_count,
        position,
        video_name,
        file_size,
        bitrate,
        loudness,
        background_block,
        first_frame,
        codec_noise,
    )
}
