"""Recognise what happens while it happens: `RecognizedStream`.

A window is answered once its last frame is there, and nothing after it is looked at.
"""

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from egomm.apis.clip_models import Sound
from egomm.apis.windows import absences, check_windows, packed_windows, presence
from egomm.functional.feature_grid import TimeGrid
from egomm.structures import EgoSample

if TYPE_CHECKING:
    from egomm.apis.recognizer import Recognizer

UNKNOWN = 'unknown'


class RecognizedStream:
    """Windows of frames that arrive one by one, as `Recognizer.stream` gives them.

    Iterating waits for frames and gives a dict a window, with ``start``, ``stop``, ``tasks`` and
    ``latency``: the seconds from the arrival of its last frame to the answer.

    Args:
        recognizer: What recognises.
        frames: Images ``(H, W, 3)`` uint8 RGB, as they come.
        fps: Of the frames.
        window: Frames of a window.
        stride: Frames from one window to the next.
        top: How many classes to name.
        sound: What gives a stretch of the sound that belongs to the frames, if there is any.
        smoothing: Share of the scores before in those that are shown, 0 up to below 1.
        unknown: Where no class of a task scores as much, the answer is ``'unknown'``, label None.

    Attributes:
        latencies: Of the windows so far.
        present: By modality whether it was there in any window so far.

    Raises:
        ValueError: If the settings make no windows, or a share is none.
    """

    def __init__(
        self,
        recognizer: 'Recognizer',
        frames: Iterable[np.ndarray],
        fps: float,
        *,
        window: int = 32,
        stride: int = 16,
        top: int = 1,
        sound: Sound | None = None,
        smoothing: float = 0.0,
        unknown: float = 0.0,
    ) -> None:
        check_windows(recognizer.clips, window, stride, fps)
        if not (0 <= smoothing < 1 and 0 <= unknown <= 1):
            raise ValueError(
                'A stream wants smoothing within 0..1, below 1, and unknown within 0..1; got '
                f'{smoothing} and {unknown}.'
            )
        self.recognizer, self.frames, self.sound = recognizer, frames, sound
        self.grid = TimeGrid(fps, stride, window)
        self.top, self.smoothing, self.unknown = top, smoothing, unknown
        self.latencies: list[float] = []
        self.present = dict.fromkeys(recognizer.clips.modalities, False)
        self._arrived, self._size, self._count = 0.0, (0, 0), 0
        self._before: dict[str, torch.Tensor] = {}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        clips, grid = self.recognizer.clips, self.grid
        windows = packed_windows(clips, self._arriving(), grid, self.sound, 'stream', 1)
        for number, items in enumerate(windows):
            (sample,) = clips.predict(items)
            (there,) = presence(clips, items).tolist()
            self.present = {
                name: self.present[name] or now for name, now in zip(self.present, there)
            }
            found = self.recognizer.found_in(self._smoothed(sample), self.top, self._size)
            for task, answers in found['tasks'].items():
                if isinstance(answers, list) and answers[0]['score'] < self.unknown:
                    best = dict(label=None, name=UNKNOWN, score=answers[0]['score'])
                    found['tasks'][task] = [best]
            latency = time.perf_counter() - self._arrived
            self.latencies.append(latency)
            start = number * grid.stride / grid.fps
            stop = min(start + grid.window / grid.fps, self._count / grid.fps)
            yield dict(start=start, stop=stop, latency=latency, **found)

    def latency(self) -> dict[str, float]:
        """``p50`` and ``p95`` of the windows so far, in seconds.

        Raises:
            ValueError: If there was no window yet.
        """
        if not self.latencies:
            raise ValueError('No window was complete yet. Ask again after the first answer.')
        low, high = np.quantile(self.latencies, [0.5, 0.95])
        return dict(p50=float(low), p95=float(high))

    def notes(self) -> list[str]:
        """What a user should know of the answers so far, a line each."""
        return [*self.recognizer.notes, *absences(self.present), self.recognizer.meaning()]

    def _arriving(self) -> Iterator[np.ndarray]:
        for frame in self.frames:
            self._arrived, self._size = time.perf_counter(), frame.shape[:2]
            self._count += 1
            yield frame

    def _smoothed(self, sample: EgoSample) -> EgoSample:
        """Scores of classes as a moving average of log-probabilities; anything else as it is."""
        if not self.smoothing:
            return sample
        pred = dict(sample.pred)
        for task, answer in self.recognizer.classified(sample).items():
            scores = answer.double()
            new = scores.clamp(min=1e-12).log() if are_probabilities(scores) else scores
            new = new.log_softmax(-1)
            before = self._before.get(task, new)
            pred[task] = self._before[task] = self.smoothing * before + (1 - self.smoothing) * new
        return EgoSample(metainfo=sample.metainfo, pred=pred)


def are_probabilities(scores: torch.Tensor) -> bool:
    """Whether scores ``(K,)`` are none below 0 and add up to 1 at most; logits hardly do."""
    return bool((scores >= 0).all() and scores.sum() <= 1.001)
