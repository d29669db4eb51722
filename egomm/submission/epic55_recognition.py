"""Submissions to the action recognition challenge of EPIC-KITCHENS-55, format 0.1.

A zip file with two members, ``seen.json`` (test set S1) and ``unseen.json`` (S2)::

    {"version": "0.1", "challenge": "action_recognition",
     "results": {"1924": {"verb": {"0": 1.2, ..., "124": 0.1}, "noun": {"0": 0.8, ..., "351": 1.8},
                          "action": {"0,1": 2.0, ... 100 of them}}, ...}}

Scores of actions are the sums of the logits of verb and noun, which rank the pairs as the product
of their softmaxes does; the 100 best are given.
"""

import json
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from egomm.functional.json_keys import unique_keys
from egomm.functional.result_file import Results
from egomm.functional.scores import rank_actions
from egomm.functional.segment_files import is_number
from egomm.functional.whole_files import written_beside
from egomm.functional.wording import first_names
from egomm.submission.challenges import EPIC55_RECOGNITION
from egomm.submission.documents import grouped_faults, id_faults, plain_head_faults
from egomm.submission.refusal import refuse_existing, refuse_faults

ADVICE = (
    'Write it from scores of exactly the clips of EPIC_test_s1_timestamps.csv and '
    'EPIC_test_s2_timestamps.csv with tools/submit.py ek55.'
)
HEAD = {'version': EPIC55_RECOGNITION.version, 'challenge': 'action_recognition'}
CLASSES = {'verb': 125, 'noun': 352}
ACTIONS = 100
MEMBERS = {'s1': 'seen.json', 's2': 'unseen.json'}
_KEYS = {task: [str(index) for index in range(count)] for task, count in CLASSES.items()}
_PAIR = re.compile(r'(0|[1-9]\d*),(0|[1-9]\d*)')


def write_submission(
    path: str | Path, results: Results, ids: Mapping[str, Sequence[str]], force: bool = False
) -> None:
    """Check scores and write them as a submission, which appears once it is complete.

    Args:
        path: Zip file to write.
        results: Logits, 125 verbs and 352 nouns, of the clips of both test sets in any order.
        ids: All uids of the official test files, by test set ``s1`` and ``s2``.
        force: Overwrite an existing file.

    Raises:
        ValueError: If the file exists, its name does not end in ``.zip``, or the scores would be
            no valid submission; the text holds all faults.
    """
    path = Path(path)
    if path.suffix != '.zip':
        raise ValueError(f'A submission is a zip file; got {path}. Let the name end in .zip.')
    refuse_existing(path, force)
    known = {uid for uids in ids.values() for uid in uids}
    stray = [uid for uid in results.narration_ids if uid not in known]
    found = [f'{len(stray)} unknown clips: {first_names(stray)}'] if stray else []
    for task, scores in (('verb', results.verb), ('noun', results.noun)):
        if scores.shape[1] != CLASSES[task]:
            found.append(f'{scores.shape[1]} instead of {CLASSES[task]} {task} scores a clip')
    refuse_faults('These scores make', EPIC55_RECOGNITION, found, ADVICE)
    rows = {uid: row for row, uid in enumerate(results.narration_ids)}
    with written_beside(path) as file:
        with zipfile.ZipFile(file, 'w', zipfile.ZIP_DEFLATED, compresslevel=5) as archive:
            for test_set, member in MEMBERS.items():
                document = _document(results, rows, ids[test_set])
                found += [f'{member}: {fault}' for fault in faults(document, ids[test_set])]
                archive.writestr(member, json.dumps(document))
        refuse_faults('These scores make', EPIC55_RECOGNITION, found, ADVICE)


def check_submission(path: str | Path, ids: Mapping[str, Sequence[str]]) -> None:
    """Check a submission against the clips of the official test files.

    Args:
        path: The zip file.
        ids: All uids of the official test files, by test set ``s1`` and ``s2``.

    Raises:
        ValueError: If it is no valid submission; the text holds all faults.
    """
    if not Path(path).is_file():
        raise ValueError(f'There is no submission {path}. Correct the path.')
    found = []
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if sorted(names) != sorted(MEMBERS.values()):
                got = first_names(names) or 'none'
                found.append(f'the members {" and ".join(MEMBERS.values())} are wanted, got {got}')
            texts = {name: archive.read(name) for name in MEMBERS.values() if name in names}
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        found, texts = [f'the zip file cannot be read, it may be cut short: {error}'], {}
    for test_set, member in MEMBERS.items():
        if member not in texts:
            continue
        try:
            document = json.loads(texts[member], object_pairs_hook=unique_keys)
        except (ValueError, RecursionError) as error:
            found.append(f'{member}: no JSON of keys that occur once: {error}')
        else:
            found += [f'{member}: {fault}' for fault in faults(document, ids[test_set])]
    refuse_faults(f'{path} is', EPIC55_RECOGNITION, found, ADVICE)


def faults(document: Any, uids: Sequence[str]) -> list[str]:
    """Everything that is wrong with the content of one member.

    Args:
        document: The JSON object.
        uids: The uids that it has to have.

    Returns:
        One line a kind of fault, with the number of clips and the names of the first; empty if
        there is none.
    """
    if not isinstance(document, dict):
        return ['an object is wanted as the whole']
    found = [*plain_head_faults(document, HEAD, ('results',))]
    results = document.get('results')
    if not isinstance(results, dict):
        return [*found, "an object is wanted as 'results'"]
    found += id_faults('clips', [*results], uids)
    entries = ((uid, _entry_faults(entry)) for uid, entry in results.items())
    return [*found, *grouped_faults('clips', entries)]


def _entry_faults(entry: Any) -> Iterator[str]:
    """What is wrong with the scores of one clip."""
    if not isinstance(entry, dict):
        yield 'without an object of verb, noun and action'
        return
    for task, keys in _KEYS.items():
        scores = entry.get(task)
        if not isinstance(scores, dict):
            yield f'without {task} scores'
        elif scores.keys() != set(keys):
            yield f'without the {task} classes "0".."{len(keys) - 1}"'
        elif not all(map(is_number, scores.values())):
            yield f'with {task} scores that are no finite numbers'
    actions = entry.get('action')
    if not isinstance(actions, dict) or not 0 < len(actions) <= ACTIONS:
        yield f'without 1 to {ACTIONS} action scores'
    else:
        if not all(_is_pair(key) for key in actions):
            yield 'with actions other than "verb,noun" of these classes'
        if not all(map(is_number, actions.values())):
            yield 'with action scores that are no finite numbers'
    if entry.keys() - {*CLASSES, 'action'}:
        yield 'with further keys than verb, noun and action'


def _is_pair(key: str) -> bool:
    match = _PAIR.fullmatch(key)
    return match is not None and all(
        int(text) < count for text, count in zip(match.groups(), CLASSES.values())
    )


def _document(results: Results, rows: Mapping[str, int], uids: Sequence[str]) -> dict:
    """The content of one member; clips without scores are left out, which is a fault."""
    there = [uid for uid in uids if uid in rows]
    order = [rows[uid] for uid in there]
    verb = np.asarray(results.verb, np.float64)[order]
    noun = np.asarray(results.noun, np.float64)[order]
    content = {}
    for number, uid in enumerate(there):
        # Clip by clip: the sums of all pairs of all clips would be large.
        [pairs] = rank_actions(verb[number : number + 1], noun[number : number + 1], ACTIONS)
        sums = verb[number, pairs[:, 0]] + noun[number, pairs[:, 1]]
        names = (f'{v},{n}' for v, n in pairs.tolist())
        content[uid] = {
            'verb': dict(zip(_KEYS['verb'], verb[number].tolist())),
            'noun': dict(zip(_KEYS['noun'], noun[number].tolist())),
            'action': dict(zip(names, sums.tolist())),
        }
    return {**HEAD, 'results': content}
