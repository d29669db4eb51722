"""Untrimmed clips as features, with the segments to find in them: moments, and answers to queries.

A sample has ``inputs``: by source ``(C, T)``, all of the same T, and for queries ``words``; and an
`EgoSample` with ``gt``: ``segments`` ``(N, 2)`` in positions and ``labels`` ``(N,)``.
"""

from collections.abc import Mapping, Sequence
from os import path as osp
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from egomm.datasets.feature_clips import FeatureSource
from egomm.datasets.feature_store import FeatureStore, read_description
from egomm.datasets.moments import moment_classes, read_label_map, read_moments
from egomm.datasets.queries import read_queries
from egomm.datasets.samplers import SampleIndex
from egomm.datasets.windows import Annotations, SegmentPolicy
from egomm.functional.feature_grid import TimeGrid, resize_features
from egomm.functional.segment_crop import random_stretch, segments_within
from egomm.functional.words import word_ids
from egomm.registry import DATASETS
from egomm.structures import EgoSample


class FeatureDataset(Dataset):
    """What moments and queries share. The last source gives the positions their times.

    Args:
        annotations: Records and counts of the reader.
        task: Under which ``gt`` has the segments.
        sources: Arguments of `FeatureSource` by name of the source.
        data_root: Folder that relative paths start from.
        length: Positions to resize every clip to; None keeps those of the last source.
        cache: Folder for resized features, see `FeatureSource`.
        crop: Shortest and longest stretch to train on, as shares of the clip; None takes it whole.
        min_share: Share of itself that a segment has to keep in a crop.
        test_mode: Whether clips without segments are allowed, and crops are not made.
        seed: With epoch and index it determines the crop.

    Raises:
        ValueError: If clips have no features, or there is nothing to train on.
    """

    META_KEYS: tuple[str, ...] = ()
    metainfo: dict[str, Any]

    def __init__(
        self,
        annotations: Annotations,
        task: str,
        sources: Mapping[str, dict],
        data_root: str,
        length: int | None,
        cache: str | None,
        crop: tuple[float, float] | None,
        min_share: float,
        test_mode: bool,
        seed: int,
    ) -> None:
        self.records, self.counts = annotations
        self.task = task
        self.sources = {
            name: FeatureSource(
                **{**source, 'path': osp.join(data_root, source['path'])},
                cache=None if cache is None else osp.join(data_root, cache),
            )
            for name, source in sources.items()
        }
        # Checkpoints keep the metainfo, so a model knows the features that it was trained on.
        grids = {name: source.grid for name, source in self.sources.items()}
        self.metainfo['sources'] = {
            name: dict(fps=grid.fps, stride=grid.stride, window=grid.window)
            for name, grid in grids.items()
        }
        self.length = length
        self.crop = None if test_mode else crop
        self.min_share = min_share
        self.seed = seed
        for name, source in self.sources.items():
            clips = {record['clip_id']: record for record in self.records}
            lacking = [clip for clip, record in clips.items() if not source.has(record)]
            if lacking:
                raise ValueError(
                    f'{source.store.path}: {len(lacking)} of {len(clips)} clips have no {name} '
                    f'features, such as {lacking[:3]}. Fetch them, or take these clips out of the '
                    'annotation file.'
                )
        if not test_mode and not any(record['gt'] for record in self.records):
            raise ValueError(
                f'none of the {len(self.records)} records has a segment to train on. Give a file '
                'with labels, or set test_mode=True.'
            )

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, where: SampleIndex | int) -> dict:
        """One sample.

        Args:
            where: Position, or what `EpochSampler` yields; a padding index gives no labels.
        """
        index = where if isinstance(where, SampleIndex) else SampleIndex(0, int(where))
        record = self.records[range(len(self))[index.index]]
        arrays, grid = self._features(record)
        length = len(next(iter(arrays.values())))
        target = record['gt'].get(self.task)
        seconds = np.zeros((0, 2)) if target is None else target['segments']
        segments = grid.positions(seconds)
        first, last = 0, length
        if self.crop is not None:
            rng = np.random.default_rng((self.seed, index.epoch, index.index, index.repeat))
            first, last = random_stretch(length, segments, self.crop, self.min_share, rng)
        parts, kept = segments_within(segments, first, last, self.min_share)
        gt = {}
        if target is not None and not index.padding:
            labels = target.get('labels', np.zeros(len(parts), np.int64))
            gt[self.task] = dict(
                segments=torch.from_numpy(parts[kept]).float(),
                labels=torch.from_numpy(labels[kept]),
            )
        metainfo = {key: record[key] for key in self.META_KEYS}
        metainfo['grid'] = tuple(grid.cropped(first))
        return dict(
            inputs={
                # A copy: the map is read-only, and workers send what they own.
                **{
                    name: torch.from_numpy(np.array(array[first:last].T, order='C'))
                    for name, array in arrays.items()
                },
                **self.more_inputs(record),
            },
            data_samples=EgoSample(metainfo=metainfo, gt=gt),
        )

    def more_inputs(self, record: dict) -> dict[str, Tensor]:
        """What a sample has beside features of video."""
        return {}

    def report(self) -> dict[str, Any]:
        """What the reader had to do to segments, if anything, for the log."""
        met = {'segments': self.counts} if any(self.counts.values()) else {}
        return {**met, 'failed': []}

    def _features(self, record: dict) -> tuple[dict[str, np.ndarray], TimeGrid]:
        made = {name: source.clip(record, self.length) for name, source in self.sources.items()}
        arrays = {name: array for name, (array, _) in made.items()}
        *_, (last, grid) = made.values()
        for name, array in arrays.items():
            if len(array) != len(last):
                whole = torch.from_numpy(array.astype(np.float32))
                arrays[name] = resize_features(whole, len(last)).numpy()
        return arrays, grid


@DATASETS.register_module()
class MomentQueries(FeatureDataset):
    """Ego4D Moment Queries: a sample is a clip, with the moments of all classes.

    Args:
        ann_file: Official or converted annotations, see `egomm.datasets.moments`.
        classes: A label map (``.txt``), or annotation files whose classes are taken, sorted.
        sources: Arguments of `FeatureSource` by name.
        data_root: Folder that relative paths start from.
        splits: Those wanted of ``train``, ``val`` and ``test``; None takes all of the file.
        policy: Arguments of `SegmentPolicy`.
        length: See `FeatureDataset`; this and the following.
        cache: Folder for resized features.
        crop: Shortest and longest stretch to train on.
        min_share: Share of itself that a moment has to keep.
        test_mode: For evaluation.
        seed: Of the crops.
    """

    META_KEYS = ('clip_id', 'video_id', 'duration', 'annotations')

    def __init__(
        self,
        ann_file: str,
        classes: str | Sequence[str],
        sources: Mapping[str, dict],
        data_root: str = '',
        splits: Sequence[str] | None = None,
        policy: dict | None = None,
        length: int | None = 1024,
        cache: str | None = None,
        crop: tuple[float, float] | None = None,
        min_share: float = 0.3,
        test_mode: bool = False,
        seed: int = 0,
    ) -> None:
        if isinstance(classes, str):
            names = read_label_map(osp.join(data_root, classes))
        else:
            names = moment_classes(*(osp.join(data_root, path) for path in classes))
        self.metainfo = dict(classes=dict(moment=names))
        annotations = read_moments(
            osp.join(data_root, ann_file), names, splits, SegmentPolicy(**(policy or {}))
        )
        super().__init__(
            annotations,
            'moment',
            sources,
            data_root,
            length,
            cache,
            crop,
            min_share,
            test_mode,
            seed,
        )


@DATASETS.register_module()
class LanguageQueries(FeatureDataset):
    """Ego4D Natural Language Queries: a sample is a query with its clip.

    Args:
        ann_file: Official annotations or a ``.jsonl``, see `egomm.datasets.queries`.
        sources: Arguments of `FeatureSource` by name.
        words: ``dict(num_tokens=...)`` numbers the words (`functional.words.word_ids`);
            ``dict(path=..., dim=...)`` reads vectors of them, stored as
            ``<annotation_id>_<query_index>``. ``max_words`` (48) cuts sentences.
        data_root: Folder that relative paths start from.
        splits: Those wanted; None takes all of the file.
        policy: Arguments of `SegmentPolicy`.
        length: See `FeatureDataset`; this and the following.
        cache: Folder for resized features.
        crop: Shortest and longest stretch to train on.
        min_share: Share of itself that an answer has to keep.
        test_mode: For evaluation.
        seed: Of the crops.

    Raises:
        ValueError: If ``words`` is neither, or a query has no word.
    """

    META_KEYS = ('clip_id', 'annotation_id', 'query_index', 'query', 'duration', 'window')

    def __init__(
        self,
        ann_file: str,
        sources: Mapping[str, dict],
        words: dict,
        data_root: str = '',
        splits: Sequence[str] | None = None,
        policy: dict | None = None,
        length: int | None = None,
        cache: str | None = None,
        crop: tuple[float, float] | None = None,
        min_share: float = 0.3,
        test_mode: bool = False,
        seed: int = 0,
    ) -> None:
        words = dict(words)
        self.max_words = words.pop('max_words', 48)
        if set(words) not in ({'num_tokens'}, {'path'}, {'path', 'dim'}):
            raise ValueError(
                'LanguageQueries wants words=dict(num_tokens=...) or dict(path=..., dim=...), '
                f'with max_words or without; got {words}.'
            )
        self.num_tokens, self.vectors = words.get('num_tokens'), None
        if self.num_tokens is None:
            path = osp.join(data_root, words['path'])
            self.vectors = FeatureStore(path, **read_description(path, dim=words.get('dim')))
        self.metainfo: dict[str, Any] = {}
        annotations = read_queries(
            osp.join(data_root, ann_file), splits, SegmentPolicy(**(policy or {}))
        )
        super().__init__(
            annotations,
            'query',
            sources,
            data_root,
            length,
            cache,
            crop,
            min_share,
            test_mode,
            seed,
        )
        for record in self.records:
            self._check_words(record)

    def more_inputs(self, record: dict) -> dict[str, Tensor]:
        """``words``: numbers ``(1, L)`` or vectors ``(C, L)``."""
        if self.vectors is None:
            ids = word_ids(record['query'], self.num_tokens)[: self.max_words]
            return dict(words=torch.tensor([ids]))
        vectors = self.vectors.read(_query_name(record))[: self.max_words]
        return dict(words=torch.from_numpy(np.array(vectors.T, order='C')))

    def _check_words(self, record: dict) -> None:
        if self.vectors is None:
            try:
                word_ids(record['query'], self.num_tokens)
            except ValueError as error:
                raise ValueError(f'query {_query_name(record)}: {error}') from error
        elif _query_name(record) not in self.vectors:
            raise ValueError(
                f'{self.vectors.path}: the query {_query_name(record)} has no vectors of its '
                'words. Extract them from this annotation file.'
            )


def _query_name(record: dict) -> str:
    return f'{record["annotation_id"]}_{record["query_index"]}'
