"""Submissions to the action detection challenge of EPIC-KITCHENS-100 (C2), format 0.2.

A JSON file (epic-kitchens/C2-Action-Detection, EvaluationCode)::

    {"version": "0.2", "challenge": "action_detection", "sls_pt": 2, "sls_tl": 3, "sls_td": 3,
     "results": {"P01_101": [{"verb": 3, "noun": 12, "action": "3,12", "score": 0.9,
                              "segment": [1.5, 4.0]}, ...], ...}}

Times in seconds of the video.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from egomm.functional.segment_files import Moments, action_pair, best_first, is_number, is_window
from egomm.submission.challenges import EPIC100_DETECTION
from egomm.submission.documents import grouped_faults, id_faults, read_document, write_document
from egomm.submission.epic100_recognition import CLASSES
from egomm.submission.refusal import refuse_faults
from egomm.submission.supervision import SLS, Supervision, head_faults, kind_of

ADVICE = (
    'Write it with tools/submit.py c2 from the actions that were found in the videos of '
    'EPIC_100_test_timestamps.csv.'
)
CHALLENGE = 'action_detection'
KEYS = {'verb', 'noun', 'action', 'score', 'segment'}


def write_detections(
    path: str | Path,
    found: Moments,
    videos: Sequence[str],
    supervision: Supervision,
    force: bool = False,
) -> None:
    """Check actions and write them as a submission, best first.

    Args:
        path: File to write; its name ends in ``.json``.
        found: By video, see `egomm.functional.segment_files`; labels are ``"verb,noun"``.
        videos: All ids of the official test file.
        supervision: What the model has learnt from.
        force: Overwrite an existing file.

    Raises:
        ValueError: If the file exists, its name has another end, a label is no action, or the
            actions would be no valid submission; the text holds all faults.
    """
    document = {
        'version': EPIC100_DETECTION.version,
        'challenge': CHALLENGE,
        **supervision._asdict(),
        'results': {video: [*map(_entry, best_first(rows))] for video, rows in found.items()},
    }
    refuse_faults(
        'These actions make', EPIC100_DETECTION, detection_faults(document, videos), ADVICE
    )
    write_document(path, document, force)


def check_detections(path: str | Path, videos: Sequence[str]) -> Supervision:
    """Check a submission against the videos of the official test file.

    Returns:
        The levels of supervision that it states.

    Raises:
        ValueError: If it is not valid; the text holds all faults.
    """
    document, found = read_document(path)
    refuse_faults(
        f'{path} is', EPIC100_DETECTION, found or detection_faults(document, videos), ADVICE
    )
    return Supervision(*(document[key] for key in SLS))


def detection_faults(document: Any, videos: Sequence[str]) -> list[str]:
    """Everything that is wrong with the content of a submission, a line a kind.

    The official evaluation lets videos be absent and counts what is found in others as wrong; here
    both are faults. A video without any action has an empty list.
    """
    if not isinstance(document, dict):
        return [f'an object is wanted as the whole, got {kind_of(document)}']
    found = list(head_faults(document, EPIC100_DETECTION, CHALLENGE))
    results = document.get('results')
    if not isinstance(results, dict):
        return [*found, "an object of lists by video is wanted as 'results'"]
    found += id_faults('videos', list(results), videos)
    entries = ((video, _list_faults(rows)) for video, rows in results.items())
    return [*found, *grouped_faults('videos', entries)]


def _entry(row: dict[str, Any]) -> dict[str, Any]:
    verb, noun = action_pair(row['label'])
    return dict(
        verb=verb, noun=noun, action=row['label'], score=row['score'], segment=row['segment']
    )


def _list_faults(rows: Any) -> Iterator[str]:
    """What is wrong with the actions of one video, an item a fault."""
    if not isinstance(rows, list):
        yield 'without a list of actions'
        return
    for row in rows:
        if not isinstance(row, dict) or row.keys() != KEYS:
            yield f'with actions that have not exactly {", ".join(sorted(KEYS))}'
            continue
        for task, count in CLASSES.items():
            if type(row[task]) is not int or not 0 <= row[task] < count:
                yield f'with a {task} that is no whole number within 0..{count - 1}'
        if row['action'] != f'{row["verb"]},{row["noun"]}':
            yield 'with an action that is not "verb,noun" of its verb and noun'
        if not is_number(row['score']):
            yield 'with scores that are no finite numbers'
        if not is_window(row['segment']):
            yield 'with segments that are not [start, end] in finite numbers'
        elif not 0 <= row['segment'][0] < row['segment'][1]:
            yield 'with segments that do not end after their start, or start before the video'
