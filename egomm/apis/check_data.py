"""What is wrong with the data of a config, and what becomes of it: nothing is trained.

A finding has a policy: ``clip`` (cut off at the ends of the clip), ``drop`` (left out and counted),
``keep`` (used as it is), ``mask`` (the modality is masked), ``replace`` (by another clip in
training, within ``failure_budget``) or ``refuse`` (stops the run). Data is fine if nothing is
refused. Where files are missing altogether, the annotations are looked through all the same.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from os import path as osp
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config
from mmengine.registry import DefaultScope

from egomm.datasets.annotations import read_class_names
from egomm.datasets.clips import ClipDataset
from egomm.datasets.feature_store import manifest_of
from egomm.datasets.localization import FeatureDataset, LanguageQueries
from egomm.datasets.media import TOLERANCE_FRAMES, MediaError, frame_rate
from egomm.datasets.sources import frame_file
from egomm.datasets.windows import SAME_SECONDS
from egomm.functional.segment_crop import segments_within
from egomm.functional.time_grid import flow_index
from egomm.registry import DATASETS

LOADERS = ('train', 'val', 'test')
EXAMPLES = 3
DRIFT_SECONDS = 0.1
UNUSABLE = 'settings or annotations that cannot be used'
NOT_THERE = 'features or media that are not there at all'
# Stands for what nobody says of features that are not there, and is not looked at.
_UNKNOWN = dict(dim=1, fps=1, stride=1, window=1, per='clip')
WORDS = 'vectors of words'
UNSEEN = 'data sets whose samples are not looked at here'
NOT_FITTING = {
    'outside': 'segments that leave their clip',
    'empty': 'segments without length',
    'repeated': 'segments that repeat one of their label',
    'no_text': 'queries without a text',
}


SEVERAL_NOUNS = 'clips with several nouns, of which the first is the class'
OTHER_NAMES = 'class files with another number of classes than the data set'
DENSE_FLOW = 'videos with more flow images than the stride of their source says'
DRIFT = 'videos whose frame numbers drift from their time stamps, which are read'
_STOPS = 'the run stops, since scores of fewer clips are no scores of the set'
# What a finding does to the numbers in the end.
EFFECTS = {
    NOT_FITTING[
        'outside'
    ]: 'training learns the part within the clip; scores use the file as it is',
    NOT_FITTING['empty']: 'training leaves them out; in scores nothing can match them',
    NOT_FITTING['repeated']: 'scores want a prediction for each of them, as officially',
    NOT_FITTING['no_text']: 'left out of the score, as in the official lists',
    'clips without segments, all background': 'scores have nothing to find in them',
    'clips without features': _STOPS,
    'features unreadable, empty or of another dim': _STOPS,
    'features of another length than their clip': 'times of predictions would be wrong',
    'segments that too few positions see': 'training leaves them out; scores count them',
    'clips that cannot be loaded': 'training takes another clip; evaluation stops',
    DRIFT: 'none: frames read by number would be off by so many seconds',
    SEVERAL_NOUNS: 'an answer that names another of them counts as wrong, as officially',
    OTHER_NAMES: 'answers would get the names of other classes',
    DENSE_FLOW: 'flow would be that of other moments: correct `stride` of the source',
}


class Finding(NamedTuple):
    """How often something was found, what becomes of it, and up to three places.

    Of what is not there at all every place is named.
    """

    what: str
    count: int
    policy: str
    examples: list[str]

    @property
    def effect(self) -> str:
        """What it does to the numbers in the end; empty where that is not known."""
        if self.policy == 'mask':
            return 'answered from the other modalities, and scored so'
        return EFFECTS.get(self.what, '')


class Checked(NamedTuple):
    """One data set: the loaders that have it, its files, how much is in it, what was found."""

    loaders: list[str]
    type: str
    ann_file: Any
    records: int
    findings: list[Finding]

    @property
    def fine(self) -> bool:
        """Whether a run would not be stopped."""
        return not any(one.count and one.policy == 'refuse' for one in self.findings)


def check_config(config: Config, every_clip: bool = False, policies: bool = False) -> list[Checked]:
    """Check the data sets of all dataloaders; what several loaders share is checked once.

    Of features every entry is read. Of video, frames and sound the clip that ends last is loaded
    of every file, as in evaluation, which shows a file that is missing, broken or too short.

    Args:
        config: A config with dataloaders.
        every_clip: Load every clip of video, frames and sound.
        policies: Also give what was looked for and not found, with a count of 0.

    Raises:
        ValueError: If the config has no dataloader, or one whose dataset has no type.
    """
    shared: list[tuple[list[str], Mapping]] = []
    for name in LOADERS:
        loader = config.get(f'{name}_dataloader') or {}
        dataset = loader.get('dataset') if isinstance(loader, Mapping) else loader
        if dataset is None:
            continue
        if not isinstance(dataset, Mapping) or 'type' not in dataset:
            raise ValueError(
                f'{name}_dataloader.dataset wants a dict with the `type` of a data set; got '
                f'{dataset!r}. Correct the config.'
            )
        for loaders, known in shared:
            if known == dataset:
                loaders.append(name)
                break
        else:
            shared.append(([name], dataset))
    if not shared:
        raise ValueError(
            'the config has none of train_dataloader, val_dataloader and test_dataloader with a '
            'dataset. Give the config of a training.'
        )
    checked = [_checked(loaders, dict(dataset), every_clip) for loaders, dataset in shared]
    if policies:
        return checked
    return [
        data._replace(findings=[finding for finding in data.findings if finding.count])
        for data in checked
    ]


def _checked(loaders: list[str], settings: dict, every_clip: bool) -> Checked:
    records = 0
    try:
        dataset, absent = _built(settings)
        records = len(dataset)
    except (ValueError, OSError) as error:
        found = [_found(UNUSABLE, [str(error)], 'refuse')]
    else:
        found = [_found(UNUSABLE, [], 'refuse')]
        not_there = Finding(NOT_THERE, len(absent), 'refuse', list(absent.values()))
        if isinstance(dataset, FeatureDataset):
            found += [not_there, *_segments(dataset, absent), *_features(dataset, absent)]
        elif isinstance(dataset, ClipDataset):
            found += [not_there, *_labels(dataset)]
            if not absent:
                found += _media(dataset, every_clip)
        else:
            found.append(_found(UNSEEN, [settings['type']], 'keep'))
    return Checked(loaders, settings['type'], settings.get('ann_file'), records, found)


def _built(settings: dict) -> tuple[Any, dict[str, str]]:
    """The data set, and what is said of features or media that are not there, by name."""
    kind = DATASETS.get(settings['type'])
    kind = kind if isinstance(kind, type) else object
    with DefaultScope.overwrite_default_scope('egomm'):
        if issubclass(kind, FeatureDataset):
            dataset = DATASETS.build(_without_features(settings))
            return dataset, dict(_absent_features(dataset))
        try:
            return DATASETS.build(settings), {}
        except (ValueError, OSError) as error:
            if not issubclass(kind, ClipDataset):
                raise
            # What is wrong with the annotations is so again.
            return DATASETS.build({**settings, 'check_files': False}), dict(media=str(error))


def _without_features(settings: dict) -> dict:
    """Settings of a `FeatureDataset` that can be built although features are not there."""
    root = settings.get('data_root') or ''

    def described(source: Any, names: Iterable[str]) -> Any:
        if not isinstance(source, Mapping) or 'path' not in source:
            return source
        path = Path(root, source['path'])
        if path.exists() or manifest_of(path).is_file():
            return source
        return {**{name: _UNKNOWN[name] for name in names}, **source}

    settings = {**settings, 'check_files': False, 'cache': None}
    sources = settings.get('sources')
    if isinstance(sources, Mapping):
        settings['sources'] = {name: described(one, _UNKNOWN) for name, one in sources.items()}
    if 'words' in settings:
        settings['words'] = described(settings['words'], ['dim'])
    return settings


def _absent_features(dataset: FeatureDataset) -> Iterator[tuple[str, str]]:
    stores = {name: source.store for name, source in dataset.sources.items()}
    if isinstance(dataset, LanguageQueries) and dataset.vectors is not None:
        stores[WORDS] = dataset.vectors
    for name, store in stores.items():
        try:
            store.check_there()
        except ValueError as error:
            yield name, f'{name}: {error}'


def _segments(dataset: FeatureDataset, absent: Collection[str]) -> Iterator[Finding]:
    policy = {**dataset.policy._asdict(), 'no_text': 'drop'}
    for name, count in dataset.counts.items():
        yield Finding(NOT_FITTING[name], count, policy[name], [])
    past, longer = [], []
    for record in dataset.records:
        for start, end in dataset.stated_segments(record):
            if end > record['duration'] + SAME_SECONDS:
                past.append(f'{dataset.name_of(record)}: {end - record["duration"]:.3f} s')
            if end - start > record['duration']:
                longer.append(f'{dataset.name_of(record)}: {end - start:.3f} s')
    yield _found('of these, past the end by more than 1 ms', past, policy['outside'])
    yield _found('of these, longer than their clip', longer, policy['outside'])
    if isinstance(dataset, LanguageQueries):
        wordless = []
        for record in dataset.records if WORDS not in absent else ():
            try:
                dataset.check_words(record)
                dataset.more_inputs(record)
            except ValueError as error:
                wordless.append(str(error))
        yield _found('queries without words', wordless, 'refuse')
    elif not dataset.test_mode:
        background = [
            dataset.name_of(record)
            for record in dataset.records
            if record['gt'] and not any(len(task['segments']) for task in record['gt'].values())
        ]
        yield _found('clips without segments, all background', background, 'keep')


def _features(dataset: FeatureDataset, absent: Collection[str]) -> Iterator[Finding]:
    rows: dict[str, list[dict]] = {}
    for record in dataset.records:
        rows.setdefault(record['clip_id'], []).append(record)
    unseen, short = [], []
    broken = {name: [] for name in ('missing', 'unreadable', 'length')}
    for clip, record in dataset.clips().items():
        for name, source in dataset.sources.items():
            grid = None
            if name in absent:
                continue
            kind = 'unreadable'
            try:
                owner = source.owner(record)
                if owner not in source.store:
                    broken['missing'].append(f'{source.store.path}, {owner} ({name})')
                    continue
                source.store.read(owner)
                kind = 'length'
                features, grid = source.clip(record, dataset.length)
            except ValueError as error:
                broken[kind].append(str(error))
                continue
            if record['duration'] * source.grid.fps < source.grid.window:
                short.append(f'{clip} ({name}): {record["duration"]:.3f} s')
        for row in rows[clip] if grid is not None else ():
            for target in row['gt'].values():
                positions = grid.positions(target['segments'])
                _, kept = segments_within(positions, 0, len(features), dataset.min_share)
                unseen += [dataset.name_of(row)] * int((~kept).sum())
    yield _found('clips without features', broken['missing'], 'refuse')
    yield _found('features unreadable, empty or of another dim', broken['unreadable'], 'refuse')
    yield _found('features of another length than their clip', broken['length'], 'refuse')
    yield _found('clips shorter than one window', short, 'keep')
    if not dataset.test_mode:
        yield _found('segments that too few positions see', unseen, 'drop')


def _media(dataset: ClipDataset, every_clip: bool) -> Iterator[Finding]:
    policy = 'refuse' if dataset.test_mode else 'replace'
    dataset.test_mode = True  # what cannot be read is then an error and not another clip
    last: dict[str, int] = {}
    stop: dict[str, float] = {}
    lacking: dict[str, dict[str, None]] = {}
    drifting: dict[str, str] = {}
    owner = list(dataset.PLACEHOLDERS.values())[-1]
    for index in range(len(dataset)):
        record = dataset.get_data_info(index)
        name = record[owner]
        if name not in last or record['stop_seconds'] > stop[name]:
            last[name], stop[name] = index, record['stop_seconds']
        for modality, source in record['sources'].items():
            if source is None:
                lacking.setdefault(modality, {})[name] = None
    broken = []
    for index in range(len(dataset)) if every_clip else last.values():
        try:
            dataset[index]
        except MediaError as error:
            broken.append(str(error))
    for name, index in last.items():
        record = dataset.get_data_info(index)
        source = record['sources'].get('rgb')
        if source is None or source['type'] != 'video' or 'begin_frame' in source:
            continue
        try:
            rate = frame_rate(source['path'])
        except MediaError:
            continue  # among those that cannot be loaded
        if rate:
            drift = abs(record['stop_frame'] / rate - record['stop_seconds'])
            if drift > DRIFT_SECONDS:
                drifting[name] = f'{name}: {rate:.2f} fps, {drift:.2f} s'
    for modality, names in lacking.items():
        yield _found(f'{dataset.sources.owners} without {modality}', list(names), 'mask')
    yield _found('clips that cannot be loaded', broken, policy)
    yield _found(DRIFT, list(drifting.values()), 'keep')
    ends = [dataset.get_data_info(index) for index in last.values()]
    yield _found(DENSE_FLOW, [one[owner] for one in ends if _dense_flow(one)], 'refuse')


def _labels(dataset: ClipDataset) -> Iterator[Finding]:
    records = [dataset.get_data_info(index) for index in range(len(dataset))]
    yield _found(SEVERAL_NOUNS, several_nouns(records), 'keep')
    yield _found(OTHER_NAMES, list(_other_names(dataset)), 'refuse')


def several_nouns(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Clips whose annotation lists more than one noun, with the classes."""
    return [
        f'{record["narration_id"]}: {record["all_noun_classes"]}'
        for record in records
        if len(record.get('all_noun_classes') or ()) > 1
    ]


def _other_names(dataset: ClipDataset) -> Iterator[str]:
    """Official class files beside the annotations that do not fit the numbers of classes."""
    files = dataset.ann_file if isinstance(dataset.ann_file, (list, tuple)) else [dataset.ann_file]
    for task, count in dataset.num_classes.items():
        path = Path(files[0]).parent / f'EPIC_100_{task}_classes.csv'
        if path.is_file():
            names = len(read_class_names(str(path)))
            if names != count:
                yield f'{path}: {names} classes, the data set has {count}'


def _dense_flow(record: Mapping[str, Any]) -> bool:
    """Whether there is flow that begins at frames which the video does not have.

    Flow image n begins at frame stride * (n - 1) + 1: with half of the stride there would be twice
    as many images.
    """
    rgb, flow = (record['sources'].get(name) for name in ('rgb', 'flow'))
    if flow is None or rgb is None or rgb['type'] != 'frames':
        return False
    number = flow_index(record['stop_frame'], flow['stride'])
    while osp.exists(frame_file(rgb, flow['stride'] * (number - 1) + 1)):
        number += 1 + TOLERANCE_FRAMES
    return osp.exists(frame_file(flow, number + TOLERANCE_FRAMES, flow['axes'][0]))


def _found(what: str, examples: list[str], policy: str) -> Finding:
    return Finding(what, len(examples), policy, examples[:EXAMPLES])
