"""Recognise what happens in a video: `Recognizer`."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config

from egomm.apis.clip_models import Clip, load_clip_model
from egomm.apis.stream import RecognizedStream, are_probabilities
from egomm.apis.windows import absences, check_windows, packed_windows, presence
from egomm.compat import load_checkpoint
from egomm.datasets.annotations import read_class_names
from egomm.datasets.flow import FlowSettings
from egomm.datasets.footage import open_footage
from egomm.functional.feature_grid import TimeGrid
from egomm.functional.flow_origin import other_flow
from egomm.functional.scores import rank_actions
from egomm.structures import EgoSample

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
        flow: Compute optical flow like this, for a recognizer that reads it; None masks it. If it
            was trained on another flow, the notes of every answer say so.

    Raises:
        ValueError: If config and checkpoint do not fit, or flow is not read.
    """

    def __init__(
        self,
        config: Config | str | Path,
        checkpoint: str | Path,
        names: Mapping[str, Sequence[str]] | None = None,
        flow: FlowSettings | None = None,
    ) -> None:
        self.config = config if isinstance(config, Config) else Config.fromfile(config)
        self.checkpoint = str(checkpoint)
        self.clips = load_clip_model(self.config, self.checkpoint, flow)
        content = load_checkpoint(self.checkpoint)
        self.temperatures = dict(content.get('temperatures') or {})
        self.names = {**_known_names(self.config, content.get('meta') or {}), **(names or {})}
        self.notes = toy_notes(self.config)
        if flow is not None:
            trained = (content.get('meta') or {}).get('flow')
            warning = other_flow(trained, {**flow._asdict(), 'fps': None})
            self.notes += [warning] if warning else []

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
            points (hands, gaze) ``points`` ``(T, L, 2)`` in pixels of the frame and, where the
            model has them, ``heatmaps`` ``(T, L, h, w)`` uint8, each up to 255, over the ``box``
            (left, top, right, bottom) of the frame in pixels; ``attention``: by task the share of
            each modality, where the model records it; ``present``: by modality whether it was
            there; ``size`` of the frame, height and width; ``start``, ``stop``, ``duration``,
            ``source`` and ``notes``.

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
            'size': footage.size,
            **self.found_in(sample, top, footage.size),
            'present': present,
            'notes': [*self.notes, *footage.notes, *absences(present), self.meaning()],
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
            source: A video file, a folder of frames, or an array ``(N, H, W, 3)`` uint8 RGB.
            window: Frames of a window, counted at ``fps``.
            stride: Frames from one window to the next.
            fps: Rate at which the video is looked at.
            top: How many classes to name.
            source_fps: Frames per second of a folder or an array.

        Returns:
            As `__call__`, with ``windows`` in the place of ``tasks`` and ``attention``: a list of
            ``start``, ``stop`` and these.

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
                found = self.found_in(sample, top, footage.size)
                windows.append(dict(start=start, stop=start + window / fps, **found))
        for row in windows:
            row['stop'] = min(row['stop'], frames.duration)
        there = dict(zip(self.clips.modalities, present.tolist()))
        damaged = [f'{start:.2f}-{stop:.2f} s are damaged' for start, stop in frames.bad]
        return {
            'source': str(source) if footage.is_file else footage.name,
            'duration': frames.duration,
            'size': footage.size,
            'windows': windows,
            'present': there,
            'notes': [*self.notes, *footage.notes, *absences(there), *damaged, self.meaning()],
        }

    def stream(self, frames: Iterable[np.ndarray], fps: float, **settings: Any) -> RecognizedStream:
        """Recognise frames while they come.

        ::

            stream = recognizer.stream(camera, fps=30, window=32, stride=16, smoothing=0.5)
            for answer in stream:
                print(answer['stop'], answer['tasks']['verb'][0]['name'], stream.latency()['p95'])

        Args:
            frames: Images ``(H, W, 3)`` uint8 RGB.
            fps: Of the frames.
            **settings: Of `RecognizedStream`.
        """
        return RecognizedStream(self, frames, fps, **settings)

    def found_in(self, sample: EgoSample, top: int, size: tuple[int, int]) -> dict[str, Any]:
        """``tasks`` of a predicted clip and, where it is recorded, ``attention``.

        Args:
            sample: With ``pred``.
            top: How many classes to name.
            size: Height and width of the frame.
        """
        found: dict[str, Any] = dict(tasks=self._tasks(sample, top, size))
        if 'attention' in sample.pred:  # (heads, tasks, modalities)
            neck = self.clips.model.neck
            mass = sample.pred['attention'].double().mean(0)
            mass = mass / mass.sum(-1, keepdim=True).clamp(min=1e-9)
            found['attention'] = {
                task: dict(zip(neck.modalities, row.tolist()))
                for task, row in zip(neck.tasks, mass)
            }
        return found

    def classified(self, sample: EgoSample) -> dict[str, torch.Tensor]:
        """Scores of the classes ``(K,)`` by task, of those that have classes."""
        recorded = ('views', *getattr(self.clips.model, 'record', ()))
        return {
            task: answer
            for task, answer in sample.pred.items()
            if task not in recorded and isinstance(answer, torch.Tensor) and answer.dim() == 1
        }

    def _tasks(self, sample: EgoSample, top: int, size: tuple[int, int]) -> dict[str, Any]:
        pred, classes = sample.pred, self.classified(sample)
        tasks: dict[str, Any] = {}
        for task, answer in pred.items():
            if task in classes:
                tasks[task] = self._best(task, answer, top)
            elif isinstance(answer, Mapping) and 'points' in answer:
                box = sample.metainfo.get('crop_box', (0.0, 0.0, 1.0, 1.0))
                tasks[task] = dict(points=_pixels(answer['points'].numpy(), box, size))
                if 'heatmaps' in answer:
                    height, width = size
                    sides = np.multiply(box, (width, height, width, height)).round(1).tolist()
                    tasks[task].update(heatmaps=_bytes(answer['heatmaps']), box=sides)
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
        if not are_probabilities(scores):
            scores = scores.softmax(-1)
        values, labels = scores.topk(min(top, len(scores)))
        return [
            dict(label=label, name=self._name(task, label), score=value)
            for label, value in zip(labels.tolist(), values.tolist())
        ]

    def _tempered(self, task: str, logits: torch.Tensor) -> torch.Tensor:
        return logits.double() / self.temperatures.get(task, 1.0)

    def meaning(self) -> str:
        """What the scores are."""
        if not self.temperatures:
            return MEANING
        return (
            f'scores of {", ".join(self.temperatures)} are confidences: their temperatures were '
            'fitted on participants that training never saw; other scores only rank'
        )

    def _name(self, task: str, label: int) -> str:
        names = self.names.get(task) or ()
        return str(names[label]) if label < len(names) else f'{task} {label}'


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


def _bytes(heatmaps: torch.Tensor) -> np.ndarray:
    """Heat maps as uint8, each with its maximum at 255."""
    top = heatmaps.amax(dim=(-2, -1), keepdim=True).clamp(min=1e-12)
    return (255 * heatmaps / top).round().clamp(0, 255).to(torch.uint8).numpy()
