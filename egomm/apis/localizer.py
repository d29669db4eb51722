"""Find moments in an untrimmed video and answer questions about it: `Localizer`."""

import json
from collections.abc import Callable, Mapping
from os import path as osp
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor

from egomm.apis.clip_models import load_clip_model
from egomm.apis.load import load_model
from egomm.apis.recognizer import toy_notes
from egomm.apis.windows import absences, packed_windows, presence
from egomm.compat import load_checkpoint
from egomm.datasets.feature_clips import FeatureSource
from egomm.datasets.feature_store import MANIFEST
from egomm.datasets.flow import FlowSettings
from egomm.datasets.footage import Footage, open_footage
from egomm.datasets.moments import read_label_map
from egomm.functional.feature_grid import TimeGrid, resize_features
from egomm.functional.whole_files import sha256_of_file
from egomm.functional.words import word_ids
from egomm.structures import EgoSample

BATCH = 8  # windows encoded at a time


class Looked(NamedTuple):
    """A video whose features are there, so that many questions cost one look.

    Attributes:
        name: How the user named the video.
        duration: Seconds.
        inputs: By source ``(C, T)``.
        grid: Where the positions lie.
        notes: What a user should know.
    """

    name: str
    duration: float
    inputs: dict[str, Tensor]
    grid: TimeGrid
    notes: tuple[str, ...]


class Localizer:
    """A model of moments or of queries for one's own videos.

    ::

        from egomm.apis import Localizer
        encoder = ('configs/toy/mimo_query.py', 'work_dirs/quickstart/epoch_7.pth')
        localizer = Localizer('nlq.py', 'nlq.pth', encoders=dict(ego=encoder))
        print(localizer.answer('kitchen.mp4', 'Where did I put the cup?')['answers'][0])

    Window, stride and rate of the features are those that the model was trained with, and flow is
    computed where the manifest of the training features says how.

    Args:
        config: Of the model, whose data set is `MomentQueries` or `LanguageQueries`.
        checkpoint: Its weights.
        encoders: By source of the data set, config and checkpoint of the recognizer that makes its
            features.
        features: By source, a folder that `extract_windows` wrote; videos are found in it by name.
        text_model: Folder of the CLIP model that made the vectors of words the model was trained
            on, see `extract_text_features`; a model that numbers words needs none.

    Raises:
        ValueError: If config and checkpoint do not fit, a source has neither an encoder nor
            features, or an encoder or the text model makes features of another width.
    """

    def __init__(
        self,
        config: Config | str | Path,
        checkpoint: str | Path,
        encoders: Mapping[str, tuple[str, str]] | None = None,
        features: Mapping[str, str] | None = None,
        text_model: str | Path | None = None,
    ) -> None:
        self.config = config if isinstance(config, Config) else Config.fromfile(config)
        encoders, features = dict(encoders or {}), dict(features or {})
        loader = self.config.get('test_dataloader') or self.config.get('val_dataloader') or {}
        self.dataset = loader.get('dataset') or {}
        self.sources = tuple(self.dataset.get('sources') or ())
        if not self.sources or 'pipeline' in self.dataset:
            raise ValueError(
                f'{self.config.filename}: a localizer has a data set with `sources` of features. '
                'Give the config of a model of moments or queries.'
            )
        given = {*encoders, *features}
        lacking = [name for name in self.sources if name not in given]
        unknown = sorted(given - {*self.sources})
        if lacking or unknown:
            raise ValueError(
                f'{self.config.filename} reads features of {list(self.sources)}: '
                f'{lacking or unknown} {"have no encoder or folder" if lacking else "is none"}. '
                'Give an encoder or a folder of features for each.'
            )
        self.model = load_model(self.config, str(checkpoint))
        self.task = next(iter(self.model.heads))
        self.asks = 'words' in self.dataset
        self.words = _word_encoder(self.config, text_model) if self.asks else None
        self.features = {name: FeatureSource(path) for name, path in features.items()}
        meta = (load_checkpoint(str(checkpoint)).get('meta') or {}).get('dataset_meta') or {}
        self.classes = _classes(meta, self.dataset, self.task)
        self.notes = toy_notes(self.config)
        self.encoders = {
            name: load_clip_model(*pair, _flow(_folder(self.dataset, name)))
            for name, pair in encoders.items()
        }
        self.grids = {
            name: _grid(name, self.dataset, meta) for name in self.encoders if name in self.sources
        }
        for name, source in self.features.items():
            self._check_features(name, source, _trained(name, self.dataset, meta))
        digests = {name: sha256_of_file(weights) for name, (_, weights) in encoders.items()}
        digests |= {name: _encoder_of(path) for name, path in features.items()}
        for name, digest in digests.items():
            if digest and (_encoder_of(_folder(self.dataset, name)) or digest) != digest:
                given = encoders[name][1] if name in encoders else features[name]
                self.notes.append(
                    f'the localizer was trained on features of {name} from other weights than '
                    f'those of {given}'
                )

    def look(self, source: str | Path | np.ndarray, fps: float | None = None) -> Looked:
        """Make or find the features of a video.

        Args:
            source: A video file, a folder of frames, or an array ``(N, H, W, 3)`` uint8 RGB.
            fps: Frames per second of a folder or an array.

        Raises:
            MediaError: If the video cannot be read.
            ValueError: If stored features do not fit it.
        """
        footage = open_footage(source, fps)
        duration, notes = footage.duration, list(footage.notes)
        made: dict[str, tuple[Tensor, TimeGrid]] = {}
        for name in self.sources:
            if name in self.features:
                where = dict(clip_id=footage.name, video_id=footage.name, video_start_seconds=0.0)
                array, grid = self.features[name].clip({**where, 'duration': duration}, None)
                made[name] = torch.from_numpy(np.array(array, np.float32)), grid
            else:
                array, more = self._encode(name, footage)
                made[name] = array, self.grids[name]
                notes += more
        *_, (last, grid) = made.values()
        length = self.dataset.get('length') or len(last)
        if self.dataset.get('length'):
            grid = grid.resized(len(last), length)
        inputs = {
            name: resize_features(array, length).T.contiguous() for name, (array, _) in made.items()
        }
        return Looked(
            str(source) if footage.is_file else footage.name,
            duration,
            inputs,
            grid,
            (*self.notes, *dict.fromkeys(notes)),
        )

    def moments(
        self, source: str | Path | np.ndarray | Looked, top: int = 20, min_score: float = 0.0
    ) -> dict[str, Any]:
        """Find moments.

        Args:
            source: What to look at, as in `look`, or what that gave.
            top: How many to name at most.
            min_score: Smallest score to name.

        Returns:
            ``moments``: a list of ``start`` and ``stop`` in seconds, ``label``, ``name`` and
            ``score``, best first; ``source``, ``duration`` and ``notes``.

        Raises:
            ValueError: If the model answers queries.
        """
        if self.asks:
            raise ValueError(f'{self.config.filename} answers questions. Ask one.')
        looked = source if isinstance(source, Looked) else self.look(source)
        return _answer(looked, moments=self._predict(looked, {}, top, min_score))

    def answer(
        self, source: str | Path | np.ndarray | Looked, query: str, top: int = 5
    ) -> dict[str, Any]:
        """Answer a question about a video: when is it to be seen?

        Args:
            source: What to look at, as in `look`, or what that gave.
            query: The question.
            top: How many answers to give.

        Returns:
            ``query`` and ``answers``: a list of ``start``, ``stop`` and ``score``, best first;
            ``source``, ``duration`` and ``notes``.

        Raises:
            ValueError: If the model finds moments, or the question has no word.
        """
        if self.words is None:
            raise ValueError(f'{self.config.filename} finds moments and takes no question.')
        looked = source if isinstance(source, Looked) else self.look(source)
        found = self._predict(looked, dict(words=self.words(query)), top, 0.0)
        answers = [{key: row[key] for key in ('start', 'stop', 'score')} for row in found]
        return _answer(looked, query=query, answers=answers)

    def _predict(
        self, looked: Looked, more: dict[str, Tensor], top: int, min_score: float
    ) -> list[dict[str, Any]]:
        metainfo = dict(grid=tuple(looked.grid), duration=looked.duration)
        inputs = {name: [x] for name, x in {**looked.inputs, **more}.items()}
        data = dict(inputs=inputs, data_samples=[EgoSample(metainfo=metainfo)])
        with torch.no_grad():
            (sample,) = self.model.test_step(data)
        found = sample.pred[self.task]
        rows = []
        for (start, stop), score, label in zip(
            found['segments'].tolist(), found['scores'].tolist(), found['labels'].tolist()
        ):
            if len(rows) < top and score >= min_score:
                name = self.classes[label] if label < len(self.classes) else f'class {label}'
                rows.append(dict(start=start, stop=stop, label=label, name=name, score=score))
        return rows

    def _check_features(self, name: str, source: FeatureSource, trained: dict[str, Any]) -> None:
        wanted = dict(trained, dim=self.config.model.backbones[name].get('in_channels'))
        there = dict(source.grid._asdict(), dim=source.store.dim)
        differing = [
            key
            for key in ('dim', 'fps', 'stride', 'window')
            if wanted.get(key) not in (None, there[key])
        ]
        if differing:
            raise ValueError(
                f'The features of {name!r} in {source.store.path} have '
                f'{", ".join(f"{key}={there[key]}" for key in differing)}; the localizer was '
                f'trained on {", ".join(f"{key}={wanted[key]}" for key in differing)}. Extract '
                'them like those.'
            )

    def _encode(self, name: str, footage: Footage) -> tuple[Tensor, list[str]]:
        model, grid = self.encoders[name], self.grids[name]
        frames = footage.frames(grid.fps)
        parts, present = [], np.zeros(len(model.modalities), bool)
        for items in packed_windows(model, frames, grid, footage.sound(), footage.name, BATCH):
            parts.append(model.encode(items))
            present |= presence(model, items).any(0)
        array = torch.cat(parts)
        wanted = self.config.model.backbones[name].get('in_channels')
        if array.shape[1] != wanted:
            raise ValueError(
                f'The encoder of {name!r} gives {array.shape[1]} channels, the localizer was '
                f'trained on {wanted}. Give the recognizer whose features it was trained on.'
            )
        damaged = [f'{start:.2f}-{stop:.2f} s are damaged' for start, stop in frames.bad]
        there = dict(zip(model.modalities, present.tolist()))
        return array, [*absences(there), *damaged]


def _answer(looked: Looked, **found: Any) -> dict[str, Any]:
    return dict(source=looked.name, duration=looked.duration, **found, notes=list(looked.notes))


def _classes(meta: Mapping[str, Any], dataset: Mapping[str, Any], task: str) -> list[str]:
    known = (meta.get('classes') or {}).get(task)
    if known:
        return list(known)
    given = dataset.get('classes')
    path = osp.join(dataset.get('data_root') or '', given) if isinstance(given, str) else ''
    return list(read_label_map(path)) if path and osp.isfile(path) else []


def _word_encoder(config: Config, text_model: str | Path | None) -> Callable[[str], Tensor]:
    """From a question to what the model reads: numbers ``(1, L)`` or vectors ``(C, L)``."""
    loader = config.get('test_dataloader') or config.get('val_dataloader')
    words, most = loader.dataset.words, loader.dataset.words.get('max_words', 48)
    if 'num_tokens' in words:
        return lambda query: torch.tensor([word_ids(query, words['num_tokens'])[:most]])
    if text_model is None:
        raise ValueError(
            f'{config.filename} reads vectors of words from {words.get("path")!r}, of which a new '
            'question has none. Give the folder of the CLIP model that made them: text_model=... '
            '(tools/infer.py: --text-model).'
        )
    from egomm.apis.text_features import TextEncoder

    encode = TextEncoder(text_model)
    if encode.about['dim'] != words.get('dim', encode.about['dim']):
        raise ValueError(
            f'{text_model} gives vectors of {encode.about["dim"]}, {config.filename} reads '
            f'{words["dim"]}. Give the CLIP model that it was trained with.'
        )
    return lambda query: torch.from_numpy(encode([query])[0][:most].T.copy())


def _grid(name: str, dataset: Mapping[str, Any], meta: Mapping[str, Any]) -> TimeGrid:
    """Rate, stride and window of the features that the model was trained with."""
    found = _trained(name, dataset, meta)
    lacking = [key for key in ('fps', 'stride', 'window') if found.get(key) is None]
    if lacking:
        raise ValueError(
            f'{lacking} of the features {name!r} stand neither in the checkpoint nor in the '
            f'config. Write them beside its path: sources={{{name!r}: dict(fps=30, ...)}}.'
        )
    return TimeGrid(found['fps'], found['stride'], found['window'])


def _trained(name: str, dataset: Mapping[str, Any], meta: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of the features of the training, from the checkpoint before anything else."""
    known = (meta.get('sources') or {}).get(name) or {}
    return {**_manifest(_folder(dataset, name)), **dataset['sources'][name], **known}


def _folder(dataset: Mapping[str, Any], name: str) -> str:
    return osp.join(dataset.get('data_root') or '', dataset['sources'][name].get('path') or '')


def _manifest(folder: str | Path) -> dict[str, Any]:
    path = Path(folder, MANIFEST)
    return json.loads(path.read_text(encoding='utf-8')) if path.is_file() else {}


def _flow(folder: str | Path) -> FlowSettings | None:
    """How flow was computed for the features of a folder; None if it was not."""
    known = _manifest(folder).get('flow')
    return FlowSettings(*(known[key] for key in FlowSettings._fields)) if known else None


def _encoder_of(folder: str | Path) -> str | None:
    """Hash of the weights that features were made with, if it is known."""
    return (_manifest(folder).get('checkpoint') or {}).get('sha256')
