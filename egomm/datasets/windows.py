"""What the readers of Ego4D annotations share: parsing files, and segments that do not fit."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from egomm.functional.json_keys import unique_keys
from egomm.functional.segment_files import is_number

SAME_SECONDS = 1e-3  # repeated segments differ by at most this much at both ends
CHOICES = {
    'outside': ('clip', 'drop', 'refuse'),
    'empty': ('drop', 'refuse'),
    'repeated': ('keep', 'drop', 'refuse'),
}

SPLITS = ('train', 'val', 'test')
NUMBER = (int, float)
WORDS = {
    str: 'a text',
    list: 'a list',
    dict: 'an object',
    int: 'a number',
    float: 'a number',
    type(None): 'null',
}


class SegmentPolicy(NamedTuple):
    """What becomes of segments that a model cannot learn from as they are.

    Only training targets are changed. Records keep what the file says beside them, and that is
    what official scores are computed from.

    Attributes:
        outside: Of a segment that leaves its clip, ``'clip'`` keeps the part within, which may be
            empty; ``'drop'`` or ``'refuse'``.
        empty: A segment without length: ``'drop'`` or ``'refuse'``.
        repeated: A segment that an earlier one of the same label and clip equals to within 1 ms
            at both ends: ``'keep'``, ``'drop'`` or ``'refuse'``.
    """

    outside: str = 'clip'
    empty: str = 'drop'
    repeated: str = 'drop'

    def check(self) -> None:
        """Raise ValueError for a word that is not a choice."""
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(
                    f'SegmentPolicy wants {name} to be one of {choices}; got '
                    f'{getattr(self, name)!r}.'
                )


TRAINING = SegmentPolicy()


class Annotations(NamedTuple):
    """Records of a file and what had to be done to its segments.

    Attributes:
        records: One dict per clip or query, in the order of the file.
        counts: How many segments were found ``outside``, ``empty`` and ``repeated``, whatever the
            policy did with them; for queries also how many had ``no_text``.
    """

    records: list[dict]
    counts: dict[str, int]


def fit_segments(
    rows: Sequence[tuple[float, float, int]],
    duration: float,
    policy: SegmentPolicy,
    counts: Counter,
    place: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Segments and labels of one clip that a model can learn from.

    Args:
        rows: (start, end, label) in seconds of the clip.
        duration: Seconds of the clip.
        policy: What to do with those that do not fit.
        counts: Where to count them.
        place: File and clip, for complaints.

    Returns:
        Segments ``(N, 2)`` float64, with ``0 <= start < end <= duration``, and labels ``(N,)``.

    Raises:
        ValueError: If a time is no finite number, a segment ends before it starts, or the policy
            refuses it.
    """
    kept: list[tuple[float, float, int]] = []
    # By label, as in the file, before anything is cut off.
    seen: dict[int, list[tuple[float, float]]] = {}
    for start, end, label in rows:
        found = f'[{start}, {end}]'
        if not (is_number(start) and is_number(end) and start <= end):
            raise ValueError(
                f'{place}: a segment wants seconds of its start and of an end not before it; got '
                f'{found}. Correct the annotation.'
            )
        others = seen.setdefault(label, [])
        repeated = any(_same((start, end), other) for other in others)
        others.append((start, end))
        if repeated:
            _meet('repeated', policy, counts, f'{place}: {found} repeats one of the same label')
            if policy.repeated == 'drop':
                continue
        if start < 0 or end > duration:
            _meet('outside', policy, counts, f'{place}: {found} leaves the clip of {duration} s')
            if policy.outside == 'drop':
                continue
            start, end = (min(max(time, 0.0), duration) for time in (start, end))
        if start == end:
            _meet('empty', policy, counts, f'{place}: {found} has no length within the clip')
            continue
        kept.append((start, end, label))
    segments = np.array([row[:2] for row in kept], dtype=np.float64).reshape(-1, 2)
    return segments, np.array([row[2] for row in kept], dtype=np.int64)


def read_json(path: str | Path) -> Any:
    """Content of a JSON file, or a list of one value per line if its name ends in ``.jsonl``.

    Raises:
        ValueError: If the file is missing or no JSON, or an object has a key twice.
    """
    if not Path(path).is_file():
        raise ValueError(
            f'{path}: no such annotation file. Correct the path; the official files come with the '
            'Ego4D licence (ego4d-data.org).'
        )
    try:
        text = Path(path).read_text(encoding='utf-8')
    except UnicodeDecodeError as error:
        raise ValueError(
            f'{path}: JSON in UTF-8 is expected, but {error}. Fetch the file again.'
        ) from error
    if Path(path).suffix != '.jsonl':
        return _parsed(text, str(path))
    return [
        _parsed(line, f'{path}, line {number}')
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip()
    ]


def field(entry: Any, key: str, place: str, kind: type | tuple[type, ...]) -> Any:
    """``entry[key]``, of a type or one of several.

    Raises:
        ValueError: If there is no such key, or its value is of another type; where `NUMBER` is
            wanted also for NaN, infinity and true.
    """
    if not isinstance(entry, dict) or key not in entry:
        got = sorted(entry) if isinstance(entry, dict) else type(entry).__name__
        raise ValueError(
            f'{place}: the key {key!r} is expected; got {got}. Is this an Ego4D annotation file?'
        )
    value = entry[key]
    if not isinstance(value, kind) or (kind is NUMBER and not is_number(value)):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        wanted = ' or '.join(dict.fromkeys(WORDS[one] for one in kinds))
        got = f'{value}'[:9] if isinstance(value, NUMBER) else type(value).__name__
        raise ValueError(f'{place}: {key!r} wants {wanted}; got {got}. Correct the annotation.')
    return value


def entries(entry: Any, key: str, place: str) -> list:
    """The list ``entry[key]``, empty if it is absent or null.

    Raises:
        ValueError: If ``entry`` is no object, or the value no list.
    """
    if isinstance(entry, dict) and entry.get(key) is None:
        return []
    return field(entry, key, place, list)


def times(value: Any, place: str) -> tuple[Any, Any]:
    """Start and end out of a list; `fit_segments` looks at what they are.

    Raises:
        ValueError: If it is no list of two.
    """
    if not (isinstance(value, list) and len(value) == 2):
        raise ValueError(f'{place}: [start, end] is expected; got {value}. Correct the annotation.')
    start, end = value
    return start, end


def clip_seconds(value: Any, place: str) -> float:
    """Duration of a clip, as the file has it.

    Raises:
        ValueError: If it is no finite number above 0.
    """
    if not (is_number(value) and value > 0):
        raise ValueError(
            f'{place}: a clip wants a duration above 0 s; got {value}. Correct the annotation, or '
            'take this clip out of the file.'
        )
    return value


def official_clips(content: dict, path: str | Path) -> Iterator[tuple[dict, dict, str]]:
    """The clips of an official file (``videos`` > ``clips``), in its order.

    Args:
        content: Of the file.
        path: The file, for complaints.

    Yields:
        The clip as it stands there; what a record has of it: ``clip_id``, ``video_id``, ``split``,
        ``video_start_seconds`` and ``duration`` in seconds; and its place, for complaints.

    Raises:
        ValueError: If one of these is missing or of another type, or a clip lasts no time.
    """
    for video in field(content, 'videos', str(path), list):
        video_id = field(video, 'video_uid', str(path), str)
        video_place = f'{path}, video {video_id}'
        for clip in field(video, 'clips', video_place, list):
            clip_id = field(clip, 'clip_uid', video_place, str)
            place = f'{path}, clip {clip_id}'
            start = field(clip, 'video_start_sec', place, NUMBER)
            end = field(clip, 'video_end_sec', place, NUMBER)
            facts = {
                'clip_id': clip_id,
                'video_id': video_id,
                'split': field(video, 'split', video_place, str),
                'video_start_seconds': start,
                'duration': clip_seconds(end - start, place),
            }
            yield clip, facts, place


def in_splits(records: list[dict], splits: Sequence[str] | None, path: str | Path) -> list[dict]:
    """Records of the wanted splits; all of them if ``splits`` is None.

    Raises:
        ValueError: If there are none, a name is neither `SPLITS` nor in the file, or the splits are
            one text and not a list.
    """
    if isinstance(splits, str):
        raise ValueError(f'{path}: splits want a list of names, such as [{splits!r}]; got a text.')
    known = [*dict.fromkeys([*SPLITS, *(record['split'] for record in records)])]
    wrong = [name for name in splits or () if name not in known]
    if wrong:
        raise ValueError(
            f'{path}: splits want names among {known}; got {wrong[0]!r}. Correct the name.'
        )
    kept = [record for record in records if splits is None or record['split'] in splits]
    if not kept:
        has = dict(Counter(record['split'] for record in records))
        raise ValueError(
            f'{path}: nothing of the splits {splits} in it; it has {has}. Name other splits, or '
            'give the file of that split.'
        )
    return kept


def _meet(name: str, policy: SegmentPolicy, counts: Counter, complaint: str) -> None:
    counts[name] += 1
    if getattr(policy, name) == 'refuse':
        raise ValueError(
            f'{complaint}. Correct the annotation, or choose {name}={CHOICES[name][0]!r} in the '
            'policy.'
        )


def _same(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return abs(a[0] - b[0]) <= SAME_SECONDS and abs(a[1] - b[1]) <= SAME_SECONDS


def _parsed(text: str, place: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=unique_keys)
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f'{place}: JSON is expected, but {error}. Correct it, or fetch the file again.'
        ) from error
