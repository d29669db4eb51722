"""Submissions that are one JSON file: reading, writing, and whether they have the right ids."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
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
