"""The head of submissions to the challenges of EPIC-KITCHENS-100: version, name, supervision."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from egomm.functional.wording import first_names
from egomm.submission.challenges import Challenge

SLS = ('sls_pt', 'sls_tl', 'sls_td')
HEAD = ('version', 'challenge', *SLS)


class Supervision(NamedTuple):
    """Levels of supervision, each 0..5 (github.com/epic-kitchens/sls).

    Args:
        sls_pt: Pretraining: 0 none, 1 public images, 2 public images and video, 3 self-supervision
            on public data, 4 the same with EPIC-KITCHENS, 5 private data.
        sls_tl: Training labels: 0 none, 1 weak (video), 2 weak (time stamps), 3 start and stop,
            4 the same with boxes or masks, 5 further knowledge.
        sls_td: Training data: 0 none, 1 at most 5 examples a class, 2 at most a random quarter,
            3 train, 4 train and validation, 5 further data.
    """

    sls_pt: int
    sls_tl: int
    sls_td: int

    def describe(self) -> str:
        """The levels for a person."""
        return ', '.join(f'{name} {level}' for name, level in self._asdict().items())


def head_faults(document: dict, challenge: Challenge, name: str) -> Iterator[str]:
    """What is wrong with a submission beside its ``results``.

    Args:
        document: The JSON object; ``doubled`` of it, if any, lists keys that its text repeats.
        challenge: Whose version it has to state.
        name: What it has to call the challenge.
    """
    wanted = {'version': challenge.version, 'challenge': name}
    for key in HEAD:
        value = document.get(key)
        if key not in document:
            yield f'{key!r} is missing'
        elif key in wanted:
            if not isinstance(value, str) or value != wanted[key]:
                yield f'{key!r} is to be {wanted[key]!r}, got {kind_of(value)}'
        elif type(value) is not int or not 0 <= value <= 5:
            yield f'{key!r} is to be a whole number within 0..5, got {kind_of(value)}'
    further = [key for key in document if key not in (*HEAD, 'results')]
    if further:
        yield f'{len(further)} further keys beside results: {first_names(further)}'
    if doubled := getattr(document, 'doubled', []):
        yield f'{len(doubled)} keys more than once: {first_names(doubled)}'


def kind_of(value: Any) -> str:
    """A value of a JSON file, short enough for a message."""
    if isinstance(value, (str, int, float)) or value is None:
        text = repr(value)
        return text if len(text) <= 40 else f'{text[:40]}...'
    return 'an object' if isinstance(value, (dict, np.ndarray)) else f'a {type(value).__name__}'
