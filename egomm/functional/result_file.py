"""Result files of EPIC-KITCHENS-100: the scores of a recognizer, clip by clip.

The format is that of the official scripts (epic-kitchens/C1-Action-Recognition): a dict of
stacked arrays ``verb_output``, ``noun_output`` and ``narration_id``, pickled (``.pkl``) or saved by
torch (``.pt``).

Shapes: N = clips, V = verbs, U = nouns.
"""

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from egomm.functional.whole_files import written_beside

KEYS = ('narration_id', 'verb_output', 'noun_output')
SUFFIXES = ('.pkl', '.pt')


class Results(NamedTuple):
    """Scores of clips, in any order.

    Args:
        narration_ids: Official ids ``(N,)``.
        verb: Logits ``(N, V)``.
        noun: Logits ``(N, U)``.
    """

    narration_ids: Sequence[str]
    verb: NDArray[np.floating[Any]]
    noun: NDArray[np.floating[Any]]


def write_results(path: str | Path, results: Results) -> None:
    """Write a result file; it appears under its name once it is complete.

    Args:
        path: Its end says the format: ``.pkl``, or ``.pt``, which loads torch.
        results: What to write.

    Raises:
        ValueError: If the name has another end.
    """
    path = Path(path)
    check_suffix(path)
    arrays = (np.asarray(results.narration_ids, dtype=np.str_), results.verb, results.noun)
    content = dict(zip(KEYS, arrays, strict=True))
    with written_beside(path) as file:
        if path.suffix == '.pt':
            import torch

            torch.save(content, file)
        else:
            pickle.dump(content, file, protocol=4)


def check_suffix(path: str | Path) -> None:
    """Raise a ValueError unless the name ends in ``.pkl`` or ``.pt``."""
    if Path(path).suffix not in SUFFIXES:
        raise ValueError(
            f'A result file is wanted, whose name ends in {" or ".join(SUFFIXES)}; got {path}. '
            'Choose one of the two.'
        )
