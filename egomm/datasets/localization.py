"""Untrimmed clips as features, with the segments to find in them: moments, and answers to queries.

A sample has ``inputs``: by source ``(C, T)``, all of the same T, and for queries ``words``; and an
`EgoSample` with ``gt``: ``segments`` ``(N, 2)`` in positions and ``labels`` ``(N,)``.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from os import path as osp
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from egomm.datasets.feature_clips import FeatureSource
from egomm.datasets.feature_store import FeatureStore, read_description
from egomm.datasets.moments import class_names, read_moments
from egomm.datasets.queries import read_queries
from egomm.datasets.samplers import SampleIndex
from egomm.datasets.windows import Annotations, SegmentPolicy
from egomm.functional.feature_grid import TimeGrid, resize_features
from egomm.functional.segment_crop import random_stretch, segments_within
from egomm.functional.segment_files import is_number
from egomm.functional.words import word_ids
from egomm.registry import DATASETS
from egomm.structures import EgoSample


class FeatureDataset(Dataset):
    """What data sets of features share. The last source gives the positions their times.

    Args:
        annotations: Records and counts of each annotation file, one after the other.
        policy: What the readers did with segments that do not fit.
        sources: Arguments of `FeatureSource` by name of the source.
        data_root: Folder that relative paths start from.
        length: Positions to resize every clip to; None keeps those of the last source.
        cache: Folder for resized features, see `FeatureSource`.
        crop: Shortest and longest stretch to train on, as shares of the clip; None takes it whole.
        longest: Most positions of a stretch to train on; None sets no limit.
        min_share: Share of itself that a segment has to keep in a crop.
        test_mode: Whether clips without segments are allowed, and crops are not made.
        seed: With epoch and index it determines the crop.
        check_files: Look for the features now. False is for those who want annotations only.

    Raises:
        ValueError: If there is no source, a length, crop, share or seed is none, clips have no
            features, something is in two files, or there is nothing to train on.
    """

    META_KEYS: tuple[str, ...] = ()
    metainfo: dict[str, Any]

    def __init__(
        self,
        annotations: Sequence[Annotations],
        policy: SegmentPolicy,
        sources: Mapping[str, dict],
        *,
        data_root: str = '',
        length: int | None = None,
        cache: str | None = None,
        crop: tuple[float, float] | None = None,
        longest: int | None = None,
        min_share: float = 0.3,
        test_mode: bool = False,
        seed: int = 0,
        check_files: bool = True,
    ) -> None:
        self.records = [record for part in annotations for record in part.records]
        self.counts: dict[str, int] = {}
        for part in annotations:
            for name, count in part.counts.items():
                self.counts[name] = self.counts.get(name, 0) + count
        self.policy = policy
        if not (isinstance(sources, Mapping) and sources) or any(
            not isinstance(source, Mapping) or 'path' not in source for source in sources.values()
        ):
            raise ValueError(
                f'{type(self).__name__} wants at least one source of features, each with a path; '
                f'got {sources}. Name one: sources=dict(egovlp=dict(path=...)).'
            )
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
        for name, count in (('length', length), ('longest', longest)):
            if count is not None and not (type(count) is int and count > 0):
                raise ValueError(
                    f'{type(self).__name__} wants {name} as a whole number above 0, or None; got '
                    f'{count!r}. It counts positions.'
                )
        if crop is not None and not (
            isinstance(crop, (tuple, list))
            and len(crop) == 2
            and all(map(is_number, crop))
            and 0 < crop[0] <= crop[1] <= 1
        ):
            raise ValueError(
                f'{type(self).__name__} wants crop=(shortest, longest) as shares of the clip, '
                f'0 < shortest <= longest <= 1, or None; got {crop!r}.'
            )
        if not (is_number(min_share) and 0 <= min_share <= 1):
            raise ValueError(
                f'{type(self).__name__} wants min_share, what a segment has to keep of itself in '
                f'a crop, within 0..1; got {min_share!r}.'
            )
        if not (type(seed) is int and seed >= 0):
            raise ValueError(
                f'{type(self).__name__} wants seed as a whole number from 0; got {seed!r}.'
            )
        self.length = length
        self.crop = crop if crop is not None or longest is None else (1.0, 1.0)
        self.longest = longest
        self.test_mode = test_mode
        if test_mode:
            self.crop = None
        self.min_share = min_share
        self.seed = seed
        names = Counter(self.name_of(record) for record in self.records)
        twice = [name for name, times in names.items() if times > 1]
        if twice:
            raise ValueError(
                f'{len(twice)} entries are in more than one annotation file, such as {twice[:3]}. '
                'Give files of different splits.'
            )
        for name, source in self.sources.items() if check_files else ():
            lacking = [clip for clip, record in self.clips().items() if not source.has(record)]
            if lacking:
                raise ValueError(
                    f'{source.store.path}: {len(lacking)} of {len(self.clips())} clips have no '
                    f'{name} features, such as {lacking[:3]}. Fetch them, or take these clips out '
                    'of the annotation file.'
                )
        if not test_mode:
            self._check_targets()

    def _check_targets(self) -> None:
        """Refuse to train on a task of which no record has a segment."""
        numbers: Counter[str] = Counter()
        for record in self.records:
            for task, target in record['gt'].items():
                numbers[task] += len(target['segments'])
        if not numbers.total():
            raise ValueError(
                f'none of the {len(self.records)} records has a segment to train on. Give a file '
                'with labels, or set test_mode=True.'
            )
        empty = [task for task, number in numbers.items() if not number]
        if empty:
            raise ValueError(
                f'none of the {len(self.records)} records has a segment of {empty} to train on. '
                'Give classes, or pairs of `actions_from`, that belong to this annotation file.'
            )

    @staticmethod
    def name_of(record: dict) -> str:
        """What identifies a record; its clip unless a data set says otherwise."""
        return record['clip_id']

    @staticmethod
    def stated_segments(record: dict) -> list[tuple[float, float]]:
        """(start, end) in seconds as the annotation file has them."""
        return [(row['start_time'], row['end_time']) for row in record['annotations'] or ()]

    def clips(self) -> dict[str, dict]:
        """One record of each clip, by its id."""
        return {record['clip_id']: record for record in self.records}

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
        segments = {
            task: grid.positions(target['segments']) for task, target in record['gt'].items()
        }
        first, last = 0, length
        if self.crop is not None:
            rng = np.random.default_rng((self.seed, index.epoch, index.index, index.repeat))
            every = np.concatenate([np.zeros((0, 2)), *segments.values()])
            limit = min(1.0, (self.longest or length) / length)
            shares = tuple(min(share, limit) for share in self.crop)
            first, last = random_stretch(length, every, shares, self.min_share, rng)
        gt = {}
        for task, target in record['gt'].items() if not index.padding else ():
            parts, kept = segments_within(segments[task], first, last, self.min_share)
            labels = target.get('labels', np.zeros(len(parts), np.int64))
            gt[task] = dict(
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
        ann_file: Official or converted annotations, see `egomm.datasets.moments`; several files
            are read one after the other, to train on train and validation.
        classes: A label map (``.txt``), or annotation files whose classes are taken, sorted.
        sources: Arguments of `FeatureSource` by name.
        data_root: Folder that relative paths start from.
        splits: Those wanted of ``train``, ``val`` and ``test``; None takes all of the file.
        policy: Arguments of `SegmentPolicy`.
        length: Positions to resize every clip to.
        **kwargs: Of `FeatureDataset`.
    """

    META_KEYS = ('clip_id', 'video_id', 'duration', 'annotations')

    def __init__(
        self,
        ann_file: str | Sequence[str],
        classes: str | Sequence[str],
        sources: Mapping[str, dict],
        data_root: str = '',
        splits: Sequence[str] | None = None,
        policy: dict | None = None,
        length: int | None = 1024,
        **kwargs: Any,
    ) -> None:
        files = [classes] if isinstance(classes, str) else classes
        names = class_names([osp.join(data_root, path) for path in files])
        self.metainfo = dict(classes=dict(moment=names))
        rules = SegmentPolicy(**(policy or {}))
        annotations = [
            read_moments(path, names, splits, rules) for path in paths_of(ann_file, data_root)
        ]
        super().__init__(annotations, rules, sources, data_root=data_root, length=length, **kwargs)


@DATASETS.register_module()
class LanguageQueries(FeatureDataset):
    """Ego4D Natural Language Queries: a sample is a query with its clip.

    Args:
        ann_file: Official annotations or a ``.jsonl``, see `egomm.datasets.queries`; several files
            are read one after the other.
        sources: Arguments of `FeatureSource` by name.
        words: ``dict(num_tokens=...)`` numbers the words (`functional.words.word_ids`);
            ``dict(path=..., dim=...)`` reads vectors of them, stored as
            ``<annotation_id>_<query_index>``. ``max_words`` (48) cuts sentences.
        data_root: Folder that relative paths start from.
        splits: Those wanted; None takes all of the file.
        policy: Arguments of `SegmentPolicy`.
        **kwargs: Of `FeatureDataset`.

    Raises:
        ValueError: If ``words`` is neither, or a query has no word.
    """

    META_KEYS = ('clip_id', 'annotation_id', 'query_index', 'query', 'duration', 'window')

    def __init__(
        self,
        ann_file: str | Sequence[str],
        sources: Mapping[str, dict],
        words: dict,
        data_root: str = '',
        splits: Sequence[str] | None = None,
        policy: dict | None = None,
        check_files: bool = True,
        **kwargs: Any,
    ) -> None:
        told = words if isinstance(words, Mapping) else {}
        self.max_words = told.get('max_words', 48)
        counts = (self.max_words, told.get('num_tokens', 1))
        if set(told) - {'max_words'} not in ({'num_tokens'}, {'path'}, {'path', 'dim'}) or not all(
            type(count) is int and count > 0 for count in counts
        ):
            raise ValueError(
                'LanguageQueries wants words=dict(num_tokens=...) or dict(path=..., dim=...), '
                f'with max_words or without, whole numbers above 0; got {words}.'
            )
        self.num_tokens, self.vectors = words.get('num_tokens'), None
        if self.num_tokens is None:
            path = osp.join(data_root, words['path'])
            self.vectors = FeatureStore(path, **read_description(path, dim=words.get('dim')))
        self.metainfo: dict[str, Any] = {}
        rules = SegmentPolicy(**(policy or {}))
        annotations = [read_queries(path, splits, rules) for path in paths_of(ann_file, data_root)]
        if not kwargs.get('test_mode'):
            # A query without its window would teach that nothing in the clip answers it.
            annotations = [
                part._replace(records=list(filter(_asks, part.records))) for part in annotations
            ]
        super().__init__(
            annotations, rules, sources, data_root=data_root, check_files=check_files, **kwargs
        )
        for record in self.records if check_files else ():
            self.check_words(record)

    @staticmethod
    def name_of(record: dict) -> str:
        """Annotation and index, as submissions and files of word vectors have it."""
        return f'{record["annotation_id"]}_{record["query_index"]}'

    @staticmethod
    def stated_segments(record: dict) -> list[tuple[float, float]]:
        """The window of the answer as the annotation file has it."""
        return [] if record['window'] is None else [tuple(record['window'])]

    def more_inputs(self, record: dict) -> dict[str, Tensor]:
        """``words``: numbers ``(1, L)`` or vectors ``(C, L)``."""
        if self.vectors is None:
            ids = word_ids(record['query'], self.num_tokens)[: self.max_words]
            return dict(words=torch.tensor([ids]))
        vectors = self.vectors.read(self.name_of(record))[: self.max_words]
        return dict(words=torch.from_numpy(np.array(vectors.T, order='C')))

    def check_words(self, record: dict) -> None:
        """Whether a query has words, or vectors of them.

        Raises:
            ValueError: If it has none.
        """
        if self.vectors is None:
            try:
                word_ids(record['query'], self.num_tokens)
            except ValueError as error:
                raise ValueError(f'query {self.name_of(record)}: {error}') from error
        elif self.name_of(record) not in self.vectors:
            raise ValueError(
                f'{self.vectors.path}: the query {self.name_of(record)} has no vectors of its '
                'words. Extract them from this annotation file.'
            )


def _asks(record: dict) -> bool:
    """Whether the policy left the window of a query, if there was one."""
    return not record['gt'] or len(record['gt']['query']['segments']) > 0


def paths_of(ann_file: str | Sequence[str], data_root: str) -> list[str]:
    """Annotation files of a config, one or several, from the folder it names.

    Raises:
        ValueError: If there is none.
    """
    files = [ann_file] if isinstance(ann_file, str) else list(ann_file or ())
    if not files or not all(isinstance(path, str) for path in files):
        raise ValueError(f'ann_file wants the path of an annotation file, or several; got {files}.')
    return [osp.join(data_root, path) for path in files]
