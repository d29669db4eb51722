"""Recognise what happens in a video: `Recognizer`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config

from egomm.apis.clip_models import Clip, load_clip_model
from egomm.apis.windows import check_windows, packed_windows, presence
from egomm.compat import load_checkpoint
from egomm.datasets.annotations import read_class_names
from egomm.datasets.footage import Footage, open_footage
from egomm.functional.feature_grid import TimeGrid
from egomm.functional.scores import rank_actions

_PAIR = ('verb', 'noun')
BATCH = 8  # windows predicted at a time
MEANING = 'scores rank the classes; they are no calibrated confidence'


class Recognizer:
    """A trained recognizer, egomm's or mmaction2's, for one's own videos.

    ::

        from egomm.apis import Recognizer
        recognizer = Recognizer('configs/toy/mimo_query.py', 'work_dirs/quickstart/epoch_7.pth')
        print(recognizer('clip.mp4')['tasks']['verb'][0])

    Args:
        config: Of the model.
        checkpoint: Its weights.
        names: Names of the classes by task, where neither the checkpoint nor a class file beside
            the annotations of the config tells them.

    Raises:
        ValueError: If config and checkpoint do not fit.
    """

    def __init__(
        self,
        config: Config | str | Path,
        checkpoint: str | Path,
        names: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.config = config if isinstance(config, Config) else Config.fromfile(config)
        self.checkpoint = str(checkpoint)
        self.clips = load_clip_model(self.config, self.checkpoint)
        content = load_checkpoint(self.checkpoint)
        self.temperatures = dict(content.get('temperatures') or {})
        self.names = {**_known_names(self.config, content.get('meta') or {}), **(names or {})}
        self.notes = toy_notes(self.config)

    def __call__(
        self,
        source: str | Path | np.ndarray,
        start: float = 0.0,
        stop: float | None = None,
        top: int = 5,
        fps: float | None = None,
    ) -> dict[str, Any]:
        """Recognise one clip.

        Args:
            source: A video file, a folder of frames, or an array ``(N, H, W, 3)`` uint8 RGB.
            start: Second at which the clip starts.
            stop: Second at which it ends; the end of the video by default.
            top: How many classes to name.
            fps: Frames per second of a folder or an array.

        Returns:
            ``tasks``: by task the best classes as ``label``, ``name`` and ``score``, and for
            points (hands, gaze) ``points`` ``(T, L, 2)`` in pixels of the frame; ``present``: by
            modality whether it was there; ``start``, ``stop``, ``duration``, ``source`` and
            ``notes``.

        Raises:
            MediaError: If the video cannot be read.
            ValueError: If the clip is not within the video.
        """
        footage = open_footage(source, fps)
        stop = footage.duration if stop is None else stop
        if not 0 <= start < stop <= footage.duration + 0.1:
            raise ValueError(
                f'{footage.name}: 0 <= start < stop <= {footage.duration:.3f} s is expected; got '
                f'start={start} and stop={stop}.'
            )
        count = max(round((stop - start) * footage.fps), 1)
        images = footage.images(start, footage.fps, count)
        item = self.clips.pack(Clip(images, footage.fps, footage.sound_at(), start, footage.name))
        present = self.clips.present(item)
        (sample,) = self.clips.predict([item])
        return {
            'source': str(source) if footage.is_file else footage.name,
            'duration': footage.duration,
            'start': start,
            'stop': stop,
            'tasks': self._tasks(sample, top, footage),
            'present': present,
            'notes': [*self.notes, *footage.notes, *absences(present), self._meaning()],
        }

    def over_time(
        self,
        source: str | Path | np.ndarray,
        window: int = 32,
        stride: int = 16,
        fps: float = 30.0,
        top: int = 1,
        source_fps: float | None = None,
    ) -> dict[str, Any]:
        """Recognise every window of a video of any length.

        Args:
            source: See `__call__`.
            window: Frames of a window, counted at ``fps``.
            stride: Frames from one window to the next.
            fps: Rate at which the video is looked at.
            top: How many classes to name.
            source_fps: Frames per second of a folder or an array.

        Returns:
            As `__call__`, with ``windows`` in the place of ``tasks``: a list of ``start``,
            ``stop`` and ``tasks``.

        Raises:
            MediaError: If the video cannot be read.
            ValueError: If the settings make no windows.
        """
        check_windows(self.clips, window, stride, fps)
        footage = open_footage(source, source_fps)
        frames = footage.frames(fps)
        windows: list[dict[str, Any]] = []
        present = np.zeros(len(self.clips.modalities), bool)
        grid = TimeGrid(fps, stride, window)
        for items in packed_windows(self.clips, frames, grid, footage.sound(), footage.name, BATCH):
            present |= presence(self.clips, items).any(0)
            for sample in self.clips.predict(items):
                start = len(windows) * stride / fps
                tasks = self._tasks(sample, top, footage)
                windows.append(dict(start=start, stop=start + window / fps, tasks=tasks))
        for row in windows:
            row['stop'] = min(row['stop'], frames.duration)
        found = dict(zip(self.clips.modalities, present.tolist()))
        damaged = [f'{start:.2f}-{stop:.2f} s are damaged' for start, stop in frames.bad]
        return {
            'source': str(source) if footage.is_file else footage.name,
            'duration': frames.duration,
            'windows': windows,
            'present': found,
            'notes': [*self.notes, *footage.notes, *absences(found), *damaged, self._meaning()],
        }

    def _tasks(self, sample: Any, top: int, footage: Footage) -> dict[str, Any]:
        pred, tasks = sample.pred, {}
        for task, answer in pred.items():
            if task in ('views', *getattr(self.clips.model, 'record', ())):
                continue
            if isinstance(answer, Mapping) and 'points' in answer:
                box = sample.metainfo.get('crop_box', (0.0, 0.0, 1.0, 1.0))
                tasks[task] = dict(points=_pixels(answer['points'].numpy(), box, footage.size))
            elif isinstance(answer, torch.Tensor) and answer.dim() == 1:
                tasks[task] = self._best(task, answer, top)
        if 'verb' in tasks and 'noun' in tasks and 'action' not in tasks:
            logs = {task: self._tempered(task, pred[task]).log_softmax(-1) for task in _PAIR}
            pairs = rank_actions(logs['verb'][None], logs['noun'][None], top)[0].tolist()
            tasks['action'] = [
                dict(
                    label=[verb, noun],
                    name=f'{self._name("verb", verb)} {self._name("noun", noun)}',
                    score=float((logs['verb'][verb] + logs['noun'][noun]).exp()),
                )
                for verb, noun in pairs
            ]
        return tasks

    def _best(self, task: str, answer: torch.Tensor, top: int) -> list[dict[str, Any]]:
        scores = self._tempered(task, answer)
        if (scores < 0).any() or scores.sum() > 1.001:  # not probabilities yet
            scores = scores.softmax(-1)
        values, labels = scores.topk(min(top, len(scores)))
        return [
            dict(label=label, name=self._name(task, label), score=value)
            for label, value in zip(labels.tolist(), values.tolist())
        ]

    def _tempered(self, task: str, logits: torch.Tensor) -> torch.Tensor:
        return logits.double() / self.temperatures.get(task, 1.0)

    def _meaning(self) -> str:
        if not self.temperatures:
            return MEANING
        return (
            f'scores of {", ".join(self.temperatures)} are confidences: their temperatures were '
            'fitted on participants that training never saw; other scores only rank'
        )

    def _name(self, task: str, label: int) -> str:
        names = self.names.get(task) or ()
        return str(names[label]) if label < len(names) else f'{task} {label}'


def absences(present: Mapping[str, bool]) -> list[str]:
    """A line for each modality that is not there."""
    return [f'no {name}: masked' for name, there in present.items() if not there]


def toy_notes(config: Config) -> list[str]:
    """What to say of a model that was trained on a generated world."""
    loader = config.get('test_dataloader') or config.get('val_dataloader') or {}
    places = (loader.get('dataset', {}).get('data_root'), config.get('filename'))
    parts = [part for place in places for part in Path(place or '').parts]
    if not any(part == 'toy' or part.startswith('toy_') for part in parts):
        return []
    return ['a toy model: its labels are those of a generated toy kitchen, whatever is shown']


def _known_names(config: Config, meta: Mapping[str, Any]) -> dict[str, Sequence[str]]:
    """By task, from the metainfo of the training data or the class file of the config."""
    names = dict((meta.get('dataset_meta') or {}).get('classes') or {})
    loader = config.get('test_dataloader') or config.get('val_dataloader') or {}
    dataset = loader.get('dataset', {})
    folder = Path(dataset.get('data_root') or '', dataset.get('ann_file') or '').parent
    for task in _PAIR:
        path = folder / f'EPIC_100_{task}_classes.csv'
        if task not in names and path.is_file():
            names[task] = read_class_names(str(path))
    return names


def _pixels(points: np.ndarray, box: Sequence[float], size: tuple[int, int]) -> list:
    """Points from -1..1 of the model's image to pixels of the frame."""
    left, top, right, bottom = box
    share = (points + 1) / 2
    x = (left + share[..., 0] * (right - left)) * size[1]
    y = (top + share[..., 1] * (bottom - top)) * size[0]
    return np.stack([x, y], -1).round(1).tolist()
