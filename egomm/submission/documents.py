"""Submissions that are one JSON file: reading, writing, and whether they have the right ids."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from egomm.functional.json_keys import unique_keys
from egomm.functional.segment_files import write_json
from egomm.functional.wording import first_names
from egomm.submission.refusal import refuse_existing


def write_document(path: str | Path, document: dict, force: bool) -> None:
    """Write a submission, which appears once it is complete.

    Raises:
        ValueError: If the file exists and may not be overwritten, or as in `write_json`.
    """
    refuse_existing(path, force)
    write_json(path, document)


def read_document(path: str | Path) -> tuple[Any, list[str]]:
    """Content of a submission, None if there is none, and what is wrong with it as JSON.

    Raises:
        ValueError: If there is no such file.
    """
    if not Path(path).is_file():
        raise ValueError(f'There is no submission {path}. Correct the path.')
    try:
        text = Path(path).read_text(encoding='utf-8')
        return json.loads(text, object_pairs_hook=unique_keys), []
    except (ValueError, RecursionError) as error:
        return None, [f'it cannot be read as JSON of keys that occur once: {error}']


def id_faults(what: str, got: Sequence[str], wanted: Sequence[str]) -> Iterator[str]:
    """Which of the wanted ids are missing, and which others or repeated ones there are.

    Args:
        what: What has them, for complaints: ``'clips'``.
        got: Ids of the submission.
        wanted: All ids of the test split.
    """
    has, wants = Counter(got), set(wanted)
    missing = [name for name in wanted if name not in has]
    unknown = [name for name in has if name not in wants]
    doubled = [name for name, count in has.items() if count > 1]
    if missing:
        yield f'{len(missing)} of {len(wants)} {what} missing: {first_names(missing)}'
    if unknown:
        yield f'{len(unknown)} unknown {what}: {first_names(unknown)}'
    if doubled:
        yield f'{len(doubled)} {what} more than once: {first_names(doubled)}'


def plain_head_faults(
    document: Mapping[str, Any], head: Mapping[str, str], further: Sequence[str]
) -> Iterator[str]:
    """What is wrong with a submission beside what was found.

    Args:
        document: The JSON object.
        head: Values that it has to have, by key.
        further: Keys of what was found.
    """
    for key, wanted in head.items():
        if document.get(key) != wanted:
            yield f'{key!r} is to be {wanted!r}, got {document.get(key)!r}'
    if rest := [key for key in document if key not in (*head, *further)]:
        yield f'{len(rest)} further keys: {first_names(rest)}'


def grouped_faults(what: str, faults: Iterable[tuple[str, Iterable[str]]]) -> Iterator[str]:
    """One line a fault, with the number of those that have it and the names of the first.

    Args:
        what: What has them: ``'clips'``.
        faults: Pairs of a name and what is wrong with it.
    """
    names = defaultdict(list)
    for name, kinds in faults:
        for kind in dict.fromkeys(kinds):
            names[kind].append(name)
    for kind, found in names.items():
        yield f'{len(found)} {what} {kind}: {first_names(found)}'
