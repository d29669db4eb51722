"""What the data sets of labelled clips share: a record says where a clip is, the pipeline loads it.

A clip that cannot be read is replaced while training, counted and named, and stops the run when
there are too many; in evaluation it is an error at once.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from logging import INFO, WARNING
from os import path as osp
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.dataset.base_dataset import force_full_init
from mmengine.logging import print_log

from egomm.datasets import subset
from egomm.datasets.budget import ClipCounter, FailureBudget
from egomm.datasets.media import MediaError
from egomm.datasets.samplers import SampleIndex
from egomm.datasets.sources import Sources
from egomm.datasets.watch import STUCK_SECONDS, ClipWatch
from egomm.registry import TRANSFORMS

_TIMES = ('start_seconds', 'stop_seconds', 'start_frame', 'stop_frame')
AUDIO_CONDITIONS = ('whole', 'padded', 'silent', 'absent')


class ClipDataset(BaseDataset, ABC):
    """Clips with a label a task. A data set adds how its annotation file reads (`read_records`).

    Args:
        ann_file: The annotation file.
        classes: By task the number of classes, or the class file (see `read_class_names`), whose
            names then stand in ``metainfo``.
        sources: Where the media lie, see `egomm.datasets.sources`.
        pipeline: Transforms by a name of their own, in the order to run them, the last of them
            `PackSample`; None in the place of one leaves it out. A list is taken as well. With
            `SampleBlocks` among them each block of a clip is a sample of its own.
        data_root: Folder that relative paths start from.
        keep: Train on a part only: ``dict(fraction=0.25, seed=0)`` or the path of a list as
            ``tools/make_subset.py`` writes it. `subset_hash` identifies it.
        test_mode: Never replace a clip that cannot be read.
        seed: With epoch and index it determines all that is random about a sample.
        failure_budget: Share of clips that may be unreadable in training before the run stops;
            one may always.
        check_files: Look for the media now. False is for those who want annotations only.

    Raises:
        ValueError: For whatever is wrong with the annotation file or the sources; the text names
            the place.
    """

    # The record's keys by placeholder of the path templates; the last says what has files of
    # its own, a video or a clip.
    PLACEHOLDERS = {'participant': 'participant_id', 'video': 'video_id'}

    def __init__(
        self,
        ann_file: str,
        classes: Mapping[str, int | str],
        sources: Mapping[str, dict | Sequence[dict]] | None = None,
        pipeline: Mapping[str, dict | None] | Sequence[dict | Callable] = (),
        data_root: str = '',
        keep: Mapping | str | None = None,
        test_mode: bool = False,
        seed: int = 0,
        failure_budget: float = 0.001,
        check_files: bool = True,
    ) -> None:
        names = {
            task: self.read_class_names(osp.join(data_root, given))
            for task, given in classes.items()
            if not isinstance(given, int)
        }
        self.num_classes = {
            task: len(names[task]) if task in names else given for task, given in classes.items()
        }
        steps: Any = pipeline
        if isinstance(pipeline, Mapping):
            _check_order(pipeline)
            steps = pipeline.values()
        self.sources = Sources(sources or {}, data_root, tuple(self.PLACEHOLDERS))
        self.keep = keep
        self.seed = seed
        self.failure_budget = failure_budget
        self.check_files = check_files
        self.subset_hash: str | None = None
        self._sources_of: dict[str, dict[str, dict | None]] = {}
        super().__init__(
            ann_file=ann_file,
            data_root=data_root,
            test_mode=test_mode,
            data_prefix={},
            metainfo={'classes': names, 'num_classes': self.num_classes},
            # Built here: MMEngine would look the names up in the scope of the moment.
            pipeline=[
                TRANSFORMS.build(step) if isinstance(step, Mapping) else step
                for step in steps
                if step is not None
            ],
        )

    @abstractmethod
    def read_records(self) -> list[dict]:
        """Records of the clips in ``ann_file``, a dict a clip.

        ``narration_id`` (an id that occurs once), ``participant_id`` and ``video_id`` (which fill
        the places of path templates), ``start_seconds`` and ``stop_seconds``, ``start_frame`` and
        ``stop_frame`` (numbers of single images from 1, see
        `egomm.functional.time_grid.official_frame`), ``gt`` (class by task; without a label the
        task is absent). Further keys are left alone.
        """

    @staticmethod
    def read_class_names(path: str) -> list[str]:
        """Names of the classes of a task, in order of their ids.

        A data set without class files leaves it as it is.

        Raises:
            ValueError: If the file cannot be read, here for any file.
        """
        raise ValueError(
            f'This data set reads no class files, but got {path}. Give the number of classes, or '
            'give the data set a static method `read_class_names(path)`.'
        )

    def load_data_list(self) -> list[dict]:
        """Records of the clips, without their sources (see `get_data_info`)."""
        records = self.read_records()
        self._check_records(records)
        if self.keep is not None:
            total = len(records)
            keep = self.keep
            if isinstance(keep, (str, Path)):
                keep = osp.join(self.data_root, keep)
            kept = subset.choose([record['narration_id'] for record in records], keep)
            records = [record for record in records if record['narration_id'] in kept]
            self.subset_hash = subset.list_hash(kept)
            print_log(
                f'{self.ann_file}: keeping {len(records)} of {total} clips, list sha256 '
                f'{self.subset_hash}',
                logger='current',
                level=INFO,
            )
        if self.check_files:
            self._find_files(records)
        if not self.test_mode:
            self._check_labels(records)
        records = self._in_blocks(records)
        self.failures = FailureBudget(len(records), self.failure_budget)
        self.watch = ClipWatch()
        self.audio_conditions = ClipCounter(len(records), AUDIO_CONDITIONS)
        return records

    @force_full_init
    def get_data_info(self, idx: int) -> dict:
        """Record of one clip, with ``sources``: by modality a resolved source or None."""
        record = super().get_data_info(idx)
        record['sources'] = dict(self._sources_of.get(record[self._owner], {}))
        return record

    def __getitem__(self, index: SampleIndex | int) -> dict:
        """One sample after the pipeline.

        Args:
            index: Position in the dataset, or what `EpochSampler` yields.

        Raises:
            MediaError: In ``test_mode``, if the clip cannot be read.
            RuntimeError: If more clips cannot be read than ``failure_budget`` allows.
        """
        if not isinstance(index, SampleIndex):
            index = SampleIndex(0, int(index))
        if not self._fully_initialized:
            self.full_init()
        if self.test_mode:
            return self._load(index.index, index, attempt=0)
        clip, attempt = index.index, 0
        while True:
            if clip in self.failures:
                self.failures.check()
            else:
                try:
                    with self.watch.at(clip):
                        return self._load(clip, index, attempt)
                except MediaError as error:
                    self._count_failure(clip, error)
            attempt += 1
            clip = int(self._rng(index, attempt).integers(len(self)))

    def leave_out_stuck(self) -> bool:
        """Count the clips at which a process of the loader was ended, see `ClipWatch`.

        Returns:
            Whether there are any; loading then goes on without them.

        Raises:
            RuntimeError: If more clips cannot be read than ``failure_budget`` allows.
        """
        stuck = self.watch.stuck()
        for clip in stuck:
            name = self.get_data_info(clip)['narration_id']
            reason = (
                f'its decoder gave no answer in {STUCK_SECONDS:.0f} s and was ended. Its file is '
                'probably damaged, or its disk does not answer: fetch it again.'
            )
            self._count_failure(clip, MediaError(name, reason))
        return bool(stuck)

    def report(self) -> dict[str, Any]:
        """What loading has met so far, over all workers of this process.

        Returns:
            ``audio``: number of distinct clips by condition (``whole``, ``padded``: partly
            before the beginning or after the end of its file, ``silent``: nothing but zeros,
            ``absent``: no stream or too little of it); ``failed``: a line per unreadable clip.
        """
        self.full_init()
        return {'audio': self.audio_conditions.counts(), 'failed': self.failures.notes()}

    def write_subset(self, path: str | Path) -> bool:
        """Write the list of the clips that ``keep`` left; False (and no file) without ``keep``."""
        if self.keep is None:
            return False
        self.full_init()
        names = {self.get_data_info(index)['narration_id'] for index in range(len(self))}
        subset.write_list(path, names, f'{len(names)} clips of {self.ann_file}, keep={self.keep}')
        return True

    @property
    def _owner(self) -> str:
        """Key of the record that says whose files are read."""
        return list(self.PLACEHOLDERS.values())[-1]

    def _load(self, clip: int, index: SampleIndex, attempt: int) -> dict:
        results = self.get_data_info(clip)
        results.update(rng=self._rng(index, attempt), present={}, conditions={})
        results['padding'] = index.padding
        if index.padding:
            results['gt'] = {}
        try:
            # The steps work on one dict, of which the last makes the sample.
            sample = results
            for step in self.pipeline.transforms:
                sample = step(sample)
                if sample is None:
                    raise ValueError(
                        f'{type(step).__name__} gives None; wanted are the `results` it was given. '
                        'End its `transform` with `return results`.'
                    )
        except MediaError as error:
            raise MediaError(
                error.path, f'{error.reason} Needed for the clip {results["narration_id"]}.'
            ) from error
        if 'audio' in results['conditions']:
            self.audio_conditions.record(clip, results['conditions']['audio'])
        return sample

    def _rng(self, index: SampleIndex, attempt: int) -> np.random.Generator:
        # A clip drawn once is the same whether or not the sampler may draw it again.
        again = (index.repeat,) if index.repeat else ()
        return np.random.default_rng((self.seed, index.epoch, index.index, attempt, *again))

    def _count_failure(self, clip: int, error: MediaError) -> None:
        if self.failures.record(clip, str(error)):
            print_log(
                f'Clip left out, {len(self.failures)} of at most {self.failures.limit}: {error}',
                logger='current',
                level=WARNING,
            )

    def _check_records(self, records: Any) -> None:
        """Refuse records that the pipeline or the model cannot take."""
        reader = f'{type(self).__name__}.read_records'
        if not isinstance(records, list):
            raise ValueError(
                f'{reader} gives a {type(records).__name__}; wanted is a list with a dict a clip. '
                'End it with `return records`.'
            )
        needed = {'narration_id', *self.PLACEHOLDERS.values(), *_TIMES, 'gt'}
        seen: set[str] = set()
        for number, record in enumerate(records, start=1):
            place = f'{reader}: record {number} of {self.ann_file}'
            if not needed <= record.keys():
                raise ValueError(
                    f'{place} lacks {sorted(needed - record.keys())}; it has {sorted(record)}. Add '
                    'what `ClipDataset.read_records` lists.'
                )
            name = record['narration_id']
            if name in seen:
                raise ValueError(
                    f'{place} has the narration_id {name!r} of a record before it. Give every clip '
                    'an id of its own, such as the video and a running number.'
                )
            seen.add(name)
            if record['stop_seconds'] < record['start_seconds']:
                raise ValueError(
                    f'{place} ({name}) ends at {record["stop_seconds"]} s, before it begins at '
                    f'{record["start_seconds"]} s. Correct its times.'
                )
            for task, label in record['gt'].items():
                count = self.num_classes.get(task)
                whole = isinstance(label, (int, np.integer))
                if count is not None and not (whole and 0 <= label < count):
                    raise ValueError(
                        f'{place} ({name}) has {label!r} as {task}; wanted is a number within '
                        f'0..{count - 1}. Correct it, or `classes` of the data set; without a '
                        'label leave the task out of `gt`.'
                    )

    def _check_labels(self, records: Sequence[dict]) -> None:
        """Refuse to train on a task of which no clip has a label."""
        steps = self.pipeline.transforms
        tasks = getattr(steps[-1], 'tasks', ()) if steps else ()
        loaded = {task for step in steps for task in getattr(step, 'loads_tasks', ())}
        unlabelled = [
            task
            for task in tasks
            if task not in loaded and not any(task in record['gt'] for record in records)
        ]
        if unlabelled:
            raise ValueError(
                f'{self.ann_file}: none of the {len(records)} clips has a label of {unlabelled}, '
                f'for which the pipeline ends in PackSample(tasks={list(tasks)}). Give a file with '
                'labels or set test_mode=True; to train without these labels, remove them from '
                '`tasks`.'
            )

    def _in_blocks(self, records: list[dict]) -> list[dict]:
        """A record a block of each clip, where the pipeline takes clips apart (`SampleBlocks`)."""
        for step in self.pipeline.transforms:
            if hasattr(step, 'count_blocks'):
                lengths = [record['stop_frame'] - record['start_frame'] + 1 for record in records]
                return [
                    {**record, 'block': block}
                    for record, length in zip(records, lengths, strict=True)
                    for block in range(step.count_blocks(length))
                ]
        return records

    def _find_files(self, records: Sequence[dict]) -> None:
        """Resolve the sources of all records, and log which lack what."""
        keys = self.PLACEHOLDERS.values()
        places = dict.fromkeys(tuple(record[key] for key in keys) for record in records)
        self._sources_of = self.sources.resolve(places)
        for modality in self.sources.candidates:
            lacking = [
                place[-1] for place in places if self._sources_of[place[-1]][modality] is None
            ]
            if lacking:
                print_log(
                    f'{len(lacking)} of {len(places)} {self.sources.owners} have no {modality} and '
                    f'are masked there, such as {", ".join(lacking[:3])}.',
                    logger='current',
                    level=WARNING,
                )
        empty = [
            record['narration_id']
            for record in records
            if not any(self._sources_of[record[self._owner]].values())
        ]
        if empty and self.sources.candidates:
            raise ValueError(
                f'{self.ann_file}: {len(empty)} of {len(records)} clips have no file of any '
                f'modality ({", ".join(self.sources.candidates)}), such as {empty[:5]}. Fetch '
                'their videos, or leave these clips out with `keep`.'
            )


def _check_order(pipeline: Mapping[str, dict | None]) -> None:
    """Refuse steps behind the packing one, where a config's merging puts every new name."""
    names = [name for name, step in pipeline.items() if step is not None]
    kinds = [step.get('type') for step in pipeline.values() if step is not None]
    late = names[kinds.index('PackSample') + 1 :] if 'PackSample' in kinds else []
    if late:
        free = [name for name, step in pipeline.items() if step is None]
        raise ValueError(
            f'PackSample is the last step of a pipeline, but {late} stand behind it, since a name '
            f'that is new in a config comes last. Use a place that is free ({free}), or write the '
            'steps in their order, with _delete_=True.'
        )
