"""Submissions to the Ego4D challenges Moment Queries and Natural Language Queries, format 1.0.

JSON files (github.com/EGO4D/episodic-memory). Moments: ``detect_results`` and ``retrieve_results``,
both by clip id a list of ``label``, ``score`` and ``segment``; recall counts the first ones of a
list, so they come best first. Queries: ``results``, a list of ``clip_uid``, ``annotation_uid``,
``query_idx`` and up to five ``predicted_times``, best first.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from egomm.functional.segment_files import (
    QUERY_KEYS,
    Answers,
    Moments,
    best_first,
    is_list_of,
    is_moment,
    is_window,
    query_key,
)
from egomm.submission.challenges import EGO4D_MOMENTS, EGO4D_QUERIES, Challenge
from egomm.submission.documents import (
    grouped_faults,
    id_faults,
    plain_head_faults,
    read_document,
    write_document,
)
from egomm.submission.refusal import refuse_faults

LISTS = ('detect_results', 'retrieve_results')
NAMES = {EGO4D_MOMENTS: 'ego4d_moment_queries', EGO4D_QUERIES: 'ego4d_nlq_challenge'}
WINDOWS = 5
ADVICE = 'Write it with tools/submit.py from what was found in the test split.'

Key = tuple[str, str, int]


def write_moments(
    path: str | Path,
    moments: Moments,
    clips: Sequence[str],
    classes: Sequence[str],
    force: bool = False,
) -> None:
    """Check moments and write them as a submission; both lists are the same, best first.

    Args:
        path: File to write; its name ends in ``.json``.
        moments: By clip id, see `egomm.functional.segment_files`.
        clips: All ids of the test split.
        classes: Names of all classes.
        force: Overwrite an existing file.

    Raises:
        ValueError: If the file exists, its name has another end, or the moments would be no valid
            submission; the text holds all faults.
    """
    rows = {clip: best_first(found) for clip, found in moments.items()}
    document = {**_head(EGO4D_MOMENTS), **dict.fromkeys(LISTS, rows)}
    refuse_faults(
        'These moments make', EGO4D_MOMENTS, moment_faults(document, clips, classes), ADVICE
    )
    write_document(path, document, force)


def write_answers(
    path: str | Path, answers: Answers, queries: Sequence[Key], force: bool = False
) -> None:
    """Check answers and write them as a submission.

    Args:
        path: File to write; its name ends in ``.json``.
        answers: Best window first, see `egomm.functional.segment_files`; five of them are written.
        queries: Clip, annotation and index of all queries with a text, indices as in the official
            file, where queries without one count too.
        force: Overwrite an existing file.

    Raises:
        ValueError: As in `write_moments`.
    """
    rows = [{key: row[key] for key in QUERY_KEYS} for row in answers]
    for row in rows:
        row['predicted_times'] = row['predicted_times'][:WINDOWS]
    document = {**_head(EGO4D_QUERIES), 'results': rows}
    refuse_faults('These answers make', EGO4D_QUERIES, answer_faults(document, queries), ADVICE)
    write_document(path, document, force)


def check_moments(path: str | Path, clips: Sequence[str], classes: Sequence[str]) -> None:
    """Check a submission of moments.

    Raises:
        ValueError: If it is not valid; the text holds all faults.
    """
    document, found = read_document(path)
    refuse_faults(
        f'{path} is', EGO4D_MOMENTS, found or moment_faults(document, clips, classes), ADVICE
    )


def check_answers(path: str | Path, queries: Sequence[Key]) -> None:
    """Check a submission of answers to queries.

    Raises:
        ValueError: If it is not valid; the text holds all faults.
    """
    document, found = read_document(path)
    refuse_faults(f'{path} is', EGO4D_QUERIES, found or answer_faults(document, queries), ADVICE)


def moment_faults(document: Any, clips: Sequence[str], classes: Sequence[str]) -> list[str]:
    """Everything that is wrong with the content of a submission of moments, a line a kind."""
    found, names = _head_faults(document, EGO4D_MOMENTS, LISTS), set(classes)
    for key in LISTS if isinstance(document, dict) else ():
        lists = document.get(key)
        if not isinstance(lists, dict):
            found.append(f'an object of lists by clip id is wanted as {key!r}')
            continue
        found += [f'{key}: {fault}' for fault in id_faults('clips', list(lists), clips)]
        ordered = key == 'retrieve_results'
        entries = ((name, _moment_list_faults(lists[name], names, ordered)) for name in lists)
        found += [f'{key}: {fault}' for fault in grouped_faults('clips', entries)]
    return found


def answer_faults(document: Any, queries: Sequence[Key]) -> list[str]:
    """Everything that is wrong with the content of a submission of answers, a line a kind."""
    found = _head_faults(document, EGO4D_QUERIES, ('results',))
    rows = document.get('results') if isinstance(document, dict) else None
    if not isinstance(rows, list):
        return [*found, "a list is wanted as 'results'"]
    named = [row for row in rows if _is_named(row)]
    if len(named) < len(rows):
        found.append(
            f'{len(rows) - len(named)} answers without exactly {", ".join(QUERY_KEYS)}, names as '
            'text and the index as a whole number'
        )
    keys = [_name(query_key(row)) for row in named]
    found += id_faults('queries', keys, [_name(key) for key in queries])
    entries = ((key, _window_faults(row['predicted_times'])) for row, key in zip(named, keys))
    return [*found, *grouped_faults('queries', entries)]


def _moment_list_faults(rows: Any, names: set[str], ordered: bool) -> Iterator[str]:
    if not is_list_of(is_moment, rows):
        yield 'without a list of label, score and segment [start, end] of finite numbers'
        return
    if any(row['label'] not in names for row in rows):
        yield 'with labels that are no class'
    if any(not 0 <= row['segment'][0] < row['segment'][1] for row in rows):
        yield 'with segments that do not end after their start, or start before the clip'
    scores = [row['score'] for row in rows]
    if ordered and any(first < second for first, second in zip(scores, scores[1:])):
        yield 'whose moments are not best first'


def _window_faults(times: Any) -> Iterator[str]:
    if not (is_list_of(is_window, times) and 1 <= len(times) <= WINDOWS):
        yield f'without 1 to {WINDOWS} windows [start, end] of finite numbers'
    elif any(not 0 <= start < end for start, end in times):
        yield 'with windows that do not end after their start, or start before the clip'


def _is_named(row: Any) -> bool:
    return (
        isinstance(row, dict)
        and row.keys() == set(QUERY_KEYS)
        and isinstance(row['clip_uid'], str)
        and isinstance(row['annotation_uid'], str)
        and type(row['query_idx']) is int
    )


def _name(key: Key) -> str:
    return '{} {}_{}'.format(*key)


def _head(challenge: Challenge) -> dict[str, str]:
    return {'version': challenge.version, 'challenge': NAMES[challenge]}


def _head_faults(document: Any, challenge: Challenge, further: Sequence[str]) -> list[str]:
    if not isinstance(document, dict):
        return ['an object is wanted as the whole']
    return [*plain_head_faults(document, _head(challenge), further)]
