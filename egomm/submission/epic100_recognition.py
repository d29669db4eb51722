"""Submissions to the action recognition challenge of EPIC-KITCHENS-100 (C1), format 0.2.

A zip file with one member ``test.json`` (epic-kitchens/C1-Action-Recognition)::

    {"version": "0.2", "challenge": "action_recognition", "sls_pt": 2, "sls_tl": 3, "sls_td": 3,
     "results": {"P01_101_0": {"verb": {"0": 1.2, ..., "96": 0.1},
                               "noun": {"0": 0.8, ..., "299": 1.8}}, ...}}

In memory the scores of a clip and task are an array; what cannot be one stays as it was read.
"""

import json
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from egomm.functional.result_file import Results
from egomm.functional.segment_files import is_number
from egomm.functional.whole_files import written_beside
from egomm.functional.wording import first_names
from egomm.submission.challenges import EPIC100_RECOGNITION
from egomm.submission.documents import grouped_faults, id_faults
from egomm.submission.refusal import refuse_existing, refuse_faults
from egomm.submission.supervision import HEAD, SLS, Supervision, head_faults, kind_of

ADVICE = (
    'Write it from scores of exactly the clips of EPIC_100_test_timestamps.csv with '
    'tools/submit.py c1.'
)
MEMBER = 'test.json'
CHALLENGE = 'action_recognition'
CLASSES = {'verb': 97, 'noun': 300}
_KEYS = {count: [str(index) for index in range(count)] for count in CLASSES.values()}


def write_submission(
    path: str | Path,
    results: Results,
    narration_ids: Sequence[str],
    supervision: Supervision,
    force: bool = False,
) -> None:
    """Check scores and write them as a submission, which appears once it is complete.

    Args:
        path: Zip file to write.
        results: Logits, 97 verbs and 300 nouns.
        narration_ids: All ids of the official test file, in any order.
        supervision: What the model has learnt from.
        force: Overwrite an existing file.

    Raises:
        ValueError: If the file exists, its name does not end in ``.zip``, or the scores would be
            no valid submission; the text holds all faults.
    """
    path = Path(path)
    if path.suffix != '.zip':
        raise ValueError(f'A submission is a zip file; got {path}. Let the name end in .zip.')
    refuse_existing(path, force)
    rows = zip(*results, strict=True)
    clips = [(name, {'verb': verb, 'noun': noun}) for name, verb, noun in rows]
    document = {
        'version': EPIC100_RECOGNITION.version,
        'challenge': CHALLENGE,
        **supervision._asdict(),
        'results': _object(clips),
    }
    refuse_faults('These scores make', EPIC100_RECOGNITION, faults(document, narration_ids), ADVICE)
    with (
        written_beside(path) as file,
        zipfile.ZipFile(file, 'w', zipfile.ZIP_DEFLATED, compresslevel=5) as archive,
        archive.open(MEMBER, 'w') as member,
    ):
        for text in _text(document):
            member.write(text.encode())


def check_submission(path: str | Path, narration_ids: Sequence[str]) -> Supervision:
    """Check a submission against the clips of the official test file.

    Args:
        path: The zip file, or the JSON file alone.
        narration_ids: All ids of the official test file.

    Returns:
        The levels of supervision that it states.

    Raises:
        ValueError: If it is no valid submission; the text holds all faults.
    """
    document, found = _read(Path(path))
    if document is not None or not found:  # `null` is JSON, too
        found += faults(document, narration_ids)
    refuse_faults(f'{path} is', EPIC100_RECOGNITION, found, ADVICE)
    return Supervision(*(document[key] for key in SLS))


def faults(document: Any, narration_ids: Sequence[str]) -> list[str]:
    """Everything that is wrong with the content of a submission.

    Args:
        document: The JSON object.
        narration_ids: The ids that it has to have.

    Returns:
        One line a kind of fault, with the number of clips and the names of the first; empty if
        there is none.
    """
    if not isinstance(document, dict):
        return [f'an object is wanted as the whole, got {kind_of(document)}']
    found = list(head_faults(document, EPIC100_RECOGNITION, CHALLENGE))
    results = document.get('results')
    if not isinstance(results, dict):
        got = kind_of(results) if 'results' in document else 'none'
        return [*found, f"an object is wanted as 'results', got {got}"]
    found += id_faults('clips', [*results], narration_ids)
    if doubled := getattr(results, 'doubled', []):
        found.append(f'{len(doubled)} clips more than once: {first_names(doubled)}')
    entries = ((name, _entry_faults(entry)) for name, entry in results.items())
    return [*found, *grouped_faults('clips', entries)]


class _Object(dict):
    """A JSON object that remembers which keys its text had more than once."""

    doubled: Sequence[str] = ()


def _object(pairs: list[tuple[str, Any]]) -> Any:
    """What the JSON reader makes of an object.

    Complete scores become an array at once: the whole test split has 5 million of them.
    """
    content = _Object(pairs)
    if len(content) == len(pairs):
        keys = _KEYS.get(len(pairs))
        if keys and content.keys() == set(keys) and all(map(is_number, content.values())):
            return np.array([content[key] for key in keys], dtype=np.float64)
        return content
    counts = Counter(key for key, _ in pairs)
    content.doubled = [key for key, count in counts.items() if count > 1]
    return content


def _entry_faults(entry: Any) -> Iterator[str]:
    """What is wrong with the scores of one clip."""
    if not isinstance(entry, dict):
        yield 'without an object of verb and noun'
        return
    for task, count in CLASSES.items():
        if task not in entry:
            yield f'without {task} scores'
        else:
            yield from _score_faults(task, count, entry[task])
    if set(entry) - set(CLASSES):
        yield 'with further keys than verb and noun'
    if getattr(entry, 'doubled', []):
        yield 'with verb or noun more than once'


def _score_faults(task: str, count: int, scores: Any) -> Iterator[str]:
    if isinstance(scores, np.ndarray):
        if len(scores) != count:
            yield f'with {len(scores)} instead of {count} {task} scores'
        if not np.isfinite(scores).all():
            yield f'with {task} scores that are no finite numbers'
        return
    if not isinstance(scores, dict):
        yield f'with {task} scores that are no object'
        return
    if getattr(scores, 'doubled', []):
        yield f'with {task} classes more than once'
    if len(scores) != count:
        yield f'with {len(scores)} instead of {count} {task} scores'
    elif set(scores) != set(_KEYS[count]):
        yield f'with {task} classes other than "0".."{count - 1}"'
    if not all(map(is_number, scores.values())):
        yield f'with {task} scores that are no finite numbers'


def _read(path: Path) -> tuple[Any, list[str]]:
    """Content of a submission, None if there is none, and the faults of the file around it."""
    if not path.is_file():
        raise ValueError(f'There is no submission {path}. Correct the path.')
    with path.open('rb') as file:
        is_zip = file.read(2) == b'PK'
    found = []
    if is_zip:
        try:
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
                if names != [MEMBER]:
                    got = first_names(names) or 'none'
                    found.append(f'one member {MEMBER} is wanted, got {got}')
                if MEMBER not in names:
                    return None, found
                text = archive.read(MEMBER)
        # A zip that is cut short, damaged, encrypted or packed in a way that Python lacks.
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
            return None, [*found, f'the zip file cannot be read, it may be cut short: {error}']
    else:
        text = path.read_bytes()
    try:
        return json.loads(text, object_pairs_hook=_object), found
    except (ValueError, RecursionError) as error:
        what = MEMBER if is_zip else 'the file (neither zip nor JSON)'
        return None, [*found, f'{what} cannot be read as JSON: {error}']


def _text(document: dict) -> Iterator[str]:
    """The JSON text in pieces, equal to what ``json.dumps`` makes of the whole."""
    yield json.dumps({key: document[key] for key in HEAD})[:-1] + ', "results": {'
    separator = ''
    for name, entry in document['results'].items():
        scores = {
            task: dict(zip(_KEYS[count], entry[task].tolist(), strict=True))
            for task, count in CLASSES.items()
        }
        yield f'{separator}{json.dumps(name)}: {json.dumps(scores)}'
        separator = ', '
    yield '}}'
