"""Files of segments that a localizer found: moments of clips, or answers to queries.

JSON with one key, ``results``. Moments: by clip id a list of ``label``, ``score`` and ``segment``
[start, end]. Queries: a list of ``clip_uid``, ``annotation_uid``, ``query_idx``,
``predicted_times`` (windows [start, end]) and ``scores``, one for each window. Best first, times in
seconds of the clip. Actions are moments whose label is ``"verb,noun"``. The local evaluators of
Ego4D read the same ``results``.
"""

import json
import math
import re
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from egomm.functional.json_keys import unique_keys
from egomm.functional.whole_files import written_beside
from egomm.functional.wording import first_names

SUFFIX = '.json'
_PAIR = re.compile('(0|[1-9][0-9]{0,3}),(0|[1-9][0-9]{0,3})')
QUERY_KEYS = ('clip_uid', 'annotation_uid', 'query_idx', 'predicted_times')

Moments = dict[str, list[dict[str, Any]]]
Answers = list[dict[str, Any]]


def write_json(path: str | Path, content: Any) -> None:
    """Write a JSON file, which appears under its name once it is complete.

    Raises:
        ValueError: If the name does not end in ``.json``, or a number is NaN or infinite.
    """
    path = Path(path)
    if path.suffix != SUFFIX:
        raise ValueError(f'A file of segments is JSON; got {path}. Let its name end in {SUFFIX}.')
    try:
        text = json.dumps(content, allow_nan=False)
    except ValueError as error:
        raise ValueError(
            f'{path} is to hold finite numbers only: {error}. Look for a diverged model.'
        ) from error
    with written_beside(path) as file:
        file.write(text.encode())


def read_moments_found(path: str | Path) -> Moments:
    """Moments of a file, by clip id.

    Raises:
        ValueError: If the file is missing, no JSON or holds something else.
    """
    results = _results(path, dict, 'moments, lists by clip id')
    for clip, rows in results.items():
        if not (isinstance(rows, list) and all(map(is_moment, rows))):
            raise ValueError(
                f'{path}, clip {clip}: a list of moments with label, score and segment '
                '[start, end] of finite numbers is wanted. Write the file anew.'
            )
    return results


def read_answers(path: str | Path) -> Answers:
    """Answers of a file; ``scores`` may be absent.

    Raises:
        ValueError: If the file is missing, no JSON or holds something else.
    """
    results = _results(path, list, 'answers to queries, a list')
    for number, row in enumerate(results):
        if not is_answer(row):
            raise ValueError(
                f'{path}, answer {number}: {", ".join(QUERY_KEYS)} are wanted, two texts, a whole '
                'number, windows [start, end] of finite numbers and, if there are any, as many '
                'scores. Write the file anew.'
            )
    return results


def is_number(value: Any) -> bool:
    """Whether it is a finite number of a JSON file."""
    try:
        return type(value) in (int, float) and math.isfinite(value)
    except OverflowError:  # an integer of over 300 digits
        return False


def is_window(value: Any) -> bool:
    """Whether it is [start, end] with finite numbers."""
    return is_list_of(is_number, value) and len(value) == 2


def is_moment(value: Any) -> bool:
    """Whether it has a label, a score and a segment."""
    return (
        isinstance(value, Mapping)
        and isinstance(value.get('label'), str)
        and is_number(value.get('score'))
        and is_window(value.get('segment'))
    )


def is_answer(value: Any) -> bool:
    """Whether it tells its query and has windows and, if any, a score for each."""
    if not isinstance(value, Mapping) or any(key not in value for key in QUERY_KEYS):
        return False
    clip, annotation, index = query_key(value)
    if not (isinstance(clip, str) and isinstance(annotation, str) and type(index) is int):
        return False
    times = value['predicted_times']
    scores = value.get('scores', [0] * len(times) if isinstance(times, list) else None)
    return (
        is_list_of(is_window, times) and is_list_of(is_number, scores) and len(scores) == len(times)
    )


def is_list_of(test: Any, value: Any) -> bool:
    """Whether it is a list all of whose items pass the test."""
    return isinstance(value, list) and all(map(test, value))


def query_key(row: Mapping[str, Any]) -> tuple[str, str, int]:
    """What tells queries apart: clip, annotation and index there."""
    return row['clip_uid'], row['annotation_uid'], row['query_idx']


def action_pair(label: str) -> tuple[int, int]:
    """Verb and noun of an action, whose label is ``"verb,noun"``.

    Raises:
        ValueError: If it is none.
    """
    if not _PAIR.fullmatch(label):
        raise ValueError(
            f'The label of an action is wanted as "verb,noun", such as "3,12"; got {label!r}. Give '
            'a file that tools/test.py --results wrote for a model with a head of actions.'
        )
    verb, noun = map(int, label.split(','))
    return verb, noun


def refuse_unknown(
    known: Iterable[Hashable], found: Collection[Hashable], what: str, path: str | Path
) -> None:
    """Refuse predictions without truth.

    Args:
        known: What the annotations have.
        found: What was predicted.
        what: ``'clips'`` or ``'queries'``.
        path: The annotations.

    Raises:
        ValueError: If something was predicted that the annotations do not have.
    """
    there = dict.fromkeys(known)
    unknown = [name for name in found if name not in there]
    if unknown:
        raise ValueError(
            f'{path} has no labels for {len(unknown)} of the {len(found)} {what}: '
            f'{first_names([*map(str, unknown)])}. It has {first_names([*map(str, there)], 3)}. '
            'Give the annotations of the split that was predicted.'
        )


def _results(path: str | Path, kind: type, wanted: str) -> Any:
    if not Path(path).is_file():
        raise ValueError(f'There is no file {path} of segments. Correct the path.')
    try:
        content = json.loads(Path(path).read_text(encoding='utf-8'), object_pairs_hook=unique_keys)
    except (ValueError, RecursionError) as error:
        raise ValueError(f'{path} cannot be read as JSON: {error}. Write the file anew.') from error
    results = content.get('results') if isinstance(content, dict) else None
    if not isinstance(results, kind):
        raise ValueError(
            f"{path} wants {wanted}, under 'results'; got {type(results).__name__}. Give a file "
            'of tools/test.py --results.'
        )
    return results


def best_first(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Moments by descending score; of equal ones the first listed comes first."""
    return sorted(rows, key=lambda row: -row['score'])
