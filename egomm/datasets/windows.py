"""What the readers of Ego4D annotations share: parsing files, and segments that do not fit."""

import json
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

SAME_SECONDS = 1e-3  # repeated segments differ by at most this much at both ends
CHOICES = {
    'outside': ('clip', 'drop', 'refuse'),
    'empty': ('drop', 'refuse'),
    'repeated': ('keep', 'drop', 'refuse'),
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
    seen: list[tuple[float, float, int]] = []  # as in the file, before anything is cut off
    for start, end, label in rows:
        found = f'[{start}, {end}]'
        if not (_is_time(start) and _is_time(end) and start <= end):
            raise ValueError(
                f'{place}: a segment wants seconds of its start and of an end not before it; got '
                f'{found}. Correct the annotation.'
            )
        repeated = any(_same((start, end, label), other) for other in seen)
        seen.append((start, end, label))
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
        ValueError: If the file is missing or not JSON.
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
            f'{path}: text in UTF-8 is expected, but {error}. Fetch the file again.'
        ) from error
    if Path(path).suffix != '.jsonl':
        return _parsed(text, str(path))
    return [
        _parsed(line, f'{path}, line {number}')
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip()
    ]


def field(entry: Any, key: str, place: str) -> Any:
    """``entry[key]``.

    Raises:
        ValueError: If there is no such key.
    """
    if not isinstance(entry, dict) or key not in entry:
        got = sorted(entry) if isinstance(entry, dict) else type(entry).__name__
        raise ValueError(
            f'{place}: the key {key!r} is expected; got {got}. Is this an Ego4D annotation file?'
        )
    return entry[key]


def in_splits(records: list[dict], splits: Sequence[str] | None, path: str | Path) -> list[dict]:
    """Records of the wanted splits; all of them if ``splits`` is None.

    Raises:
        ValueError: If there are none.
    """
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


def _is_time(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _same(a: tuple[float, float, int], b: tuple[float, float, int]) -> bool:
    return a[2] == b[2] and abs(a[0] - b[0]) <= SAME_SECONDS and abs(a[1] - b[1]) <= SAME_SECONDS


def _parsed(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(
            f'{place}: JSON is expected, but {error}. Fetch the file again.'
        ) from error
