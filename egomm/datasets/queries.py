"""Ego4D Natural Language Queries annotations -> one record per query.

Two layouts, told apart by their names: the official ``nlq_{train,val}.json`` and
``nlq_test_unannotated.json`` (``videos`` > ``clips`` > ``annotations`` > ``language_queries``), and
the ``.jsonl`` of GroundNLQ, one query a line, whose ``query_id`` is ``<annotation_uid>_<index>``.

A query is known by its annotation and its index there. Queries without a text are left out but
keep their index, by which submissions are scored.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from egomm.datasets.windows import (
    NUMBER,
    TRAINING,
    Annotations,
    SegmentPolicy,
    clip_seconds,
    entries,
    field,
    fit_segments,
    in_splits,
    official_clips,
    read_json,
    times,
)


def read_queries(
    path: str | Path,
    splits: Sequence[str] | None = None,
    policy: SegmentPolicy = TRAINING,
) -> Annotations:
    """Read an annotation file.

    Args:
        path: A file in one of the two layouts.
        splits: Of ``train``, ``val`` and ``test`` those wanted; None takes all. The lines of a
            ``.jsonl`` do not tell their split.
        policy: What becomes of windows that do not fit. A query whose window is dropped stays, as
            it counts in scores, with nothing to learn. The same window may answer two queries, so
            ``repeated`` is not used.

    Returns:
        Records of the queries, in the order of the file: ``clip_id``, ``annotation_id``,
        ``query_index``, ``query`` (the text as it is), ``split`` (None in a ``.jsonl``),
        ``video_id`` and ``video_start_seconds`` (of the clip in its video; None in a ``.jsonl``),
        ``duration`` of the clip in seconds, ``window`` [start, end] in seconds of the clip as the
        file has it (for official scores; None without) and ``gt``: ``query`` with ``segments``
        ``(1, 2)`` after the policy, ``(0, 2)`` where it dropped the window; no ``query`` without a
        window.

    Raises:
        ValueError: If the file is missing, no JSON or in another layout, has nothing of the
            splits or the same query twice, or a clip lasts no time; and for windows that the
            policy refuses.
    """
    policy.check()
    content = read_json(path)
    if isinstance(content, list) and splits is not None:
        raise ValueError(
            f'{path}: the lines of a .jsonl do not tell their split, but splits={splits} are '
            'wanted. Leave `splits` out and give the file of one split.'
        )
    queries = _lines(content, path) if isinstance(content, list) else _official(content, path)
    records = in_splits(list(queries), splits, path)
    counts = Counter(outside=0, empty=0, no_text=0)
    kept = []
    keys = set()
    for record in records:
        place = f'{path}, query {record["annotation_id"]}_{record["query_index"]}'
        key = record_key(record)
        if key in keys:
            raise ValueError(
                f'{place}: occurs twice in clip {record["clip_id"]}. Keep one of them.'
            )
        keys.add(key)
        if not (record['query'] or '').strip():
            counts['no_text'] += 1
            continue
        record['gt'] = {}
        if record['window'] is not None:
            row = (*record['window'], 0)
            segments, _ = fit_segments([row], record['duration'], policy, counts, place)
            record['gt'] = {'query': {'segments': segments}}
        kept.append(record)
    return Annotations(kept, dict(counts))


def record_key(record: dict) -> tuple[str, str, int]:
    """Clip, annotation and index of a query, by which submissions know it."""
    return record['clip_id'], record['annotation_id'], record['query_index']


def _official(content: dict, path: str | Path):
    for clip, facts, place in official_clips(content, path):
        for annotation in field(clip, 'annotations', place, list):
            annotation_id = field(annotation, 'annotation_uid', place, str)
            for index, query in enumerate(field(annotation, 'language_queries', place, list)):
                ends = [_maybe(query, f'clip_{end}_sec', place) for end in ('start', 'end')]
                yield {
                    **facts,
                    'annotation_id': annotation_id,
                    'query_index': index,
                    'query': _maybe(query, 'query', place, str),
                    'window': None if None in ends else ends,
                }


def _maybe(query: Any, key: str, place: str, kind: Any = NUMBER) -> Any:
    """A value that test queries and empty ones lack."""
    if isinstance(query, dict) and query.get(key) is None:
        return None
    return field(query, key, place, kind)


def _lines(rows: list, path: str | Path):
    for row in rows:
        name = field(row, 'query_id', str(path), str)
        place = f'{path}, query {name}'
        annotation_id, _, index = name.rpartition('_')
        if not (annotation_id and index.isdecimal()):
            raise ValueError(
                f'{path}: a query_id <annotation_uid>_<index> is expected; got {name!r}.'
            )
        windows = entries(row, 'timestamps', place)
        if len(windows) > 1:
            raise ValueError(
                f'{place}: one window is expected; got {len(windows)}. Split the line.'
            )
        yield {
            'clip_id': field(row, 'video_id', place, str),
            'annotation_id': annotation_id,
            'query_index': int(index),
            'query': field(row, 'query', place, (str, type(None))),
            'split': None,
            'video_id': None,
            'video_start_seconds': None,
            'duration': clip_seconds(field(row, 'duration', place, NUMBER), place),
            'window': [*times(windows[0], place)] if windows else None,
        }
