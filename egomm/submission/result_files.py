"""Reading saved scores of verb and noun, whoever wrote them.

Taken are the formats of the official scripts (epic-kitchens/C1-Action-Recognition), a list of
dicts a clip or a dict of stacked arrays, as ``.pkl`` or ``.pt``, and what ``tools/test.py --dump``
writes, a list of predictions by task.

Shapes: N = clips, C = classes.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from egomm.compat import load_checkpoint
from egomm.functional.result_file import KEYS, Results, check_suffix
from egomm.functional.wording import first_names
from egomm.submission.unpickle import load_pickle


def read_results(path: str | Path) -> Results:
    """Read a file of scores without running code that it may hold.

    Args:
        path: A ``.pkl`` or ``.pt`` file.

    Returns:
        The scores, in the order of the file; floating-point values keep their precision.

    Raises:
        ValueError: If there is no such file, it holds objects that could run code, is damaged, or
            holds something else than scores: lacks a key, has no clips, an id twice, a clip with
            another number of classes, or a score that is not finite.
    """
    path = Path(path)
    if path.suffix != '.pickle':  # a name that --dump allows
        check_suffix(path)
    if not path.is_file():
        raise ValueError(f'There is no result file {path}. Correct the path.')
    content = load_checkpoint(path) if path.suffix == '.pt' else load_pickle(path)
    ids, verb, noun = _columns(path, content)
    if not len(ids) == len(verb) == len(noun):
        raise ValueError(
            f'{path} holds {len(ids)} narration ids, {len(verb)} rows of verb scores and '
            f'{len(noun)} of noun scores; as many of each are wanted. Write the file anew.'
        )
    names = _names(path, ids)
    doubled = [name for name, count in Counter(names).items() if count > 1]
    if doubled:
        raise ValueError(
            f'{path} holds {len(doubled)} narration ids more than once: {first_names(doubled)}. '
            'Keep one row of scores for each clip.'
        )
    results = Results(names, _scores(path, 'verb', verb), _scores(path, 'noun', noun))
    finite = np.isfinite(results.verb).all(axis=1) & np.isfinite(results.noun).all(axis=1)
    if not finite.all():
        broken = [names[row] for row in np.flatnonzero(~finite)]
        raise ValueError(
            f'{path} holds NaN or infinity for {len(broken)} of {len(names)} clips: '
            f'{first_names(broken)}. Look for a diverged loss or a broken input of these clips.'
        )
    return results


def _columns(path: Path, content: Any) -> list[Any]:
    """Narration ids, verb scores and noun scores of any of the formats."""
    if isinstance(content, dict):
        missing = [key for key in KEYS if key not in content]
        columns = [content.get(key) for key in KEYS]
        if not missing and all(hasattr(column, '__len__') for column in columns):
            return columns
        found = sorted(map(str, content))[:8]
    elif isinstance(content, (list, tuple)) and content and isinstance(content[0], dict):
        rows = [_row(item) for item in content]
        if None not in rows:
            return list(map(list, zip(*rows, strict=True)))
        bad = content[rows.index(None)]
        found = sorted(map(str, bad))[:8] if isinstance(bad, dict) else f'a {type(bad).__name__}'
    else:
        found = 'no clips' if content == [] else f'a {type(content).__name__}'
    raise ValueError(
        f'{path} holds {found}; wanted are {", ".join(KEYS)} as a dict of stacked arrays or as a '
        'list of one dict a clip, or what tools/test.py --dump writes (narration_id, and pred with '
        'verb and noun). Save the scores in one of these ways.'
    )


def _row(item: Any) -> tuple[Any, Any, Any] | None:
    """Id, verb scores and noun scores of one clip; None if one is missing."""
    if not isinstance(item, dict):
        return None
    predicted = item.get('pred')
    if isinstance(predicted, dict):
        item = {
            'narration_id': item.get('narration_id'),
            'verb_output': predicted.get('verb'),
            'noun_output': predicted.get('noun'),
        }
    row = tuple(item.get(key) for key in KEYS)
    return None if any(value is None for value in row) else row


def _names(path: Path, ids: Sequence[Any]) -> list[str]:
    if not all(isinstance(name, str) and name for name in ids):
        raise ValueError(
            f'{path}: narration_id is wanted as text, such as P01_101_1, one for each clip; got '
            'something else. Save the ids as a list or an array of str.'
        )
    return [str(name) for name in ids]


def _scores(path: Path, task: str, values: Any) -> np.ndarray:
    """Scores ``(N, C)`` of a task as floating-point numbers."""
    try:
        array = _array(values) if hasattr(values, 'shape') else np.stack(list(map(_array, values)))
        if array.ndim != 2 or array.dtype.kind not in 'iuf' or 0 in array.shape:
            raise ValueError(f'{array.dtype} {array.shape}')
    except (ValueError, TypeError) as error:
        raise ValueError(
            f'{path}: {task}_output is wanted as numbers, N clips by as many classes for every '
            f'clip; got {error}. Write the file anew.'
        ) from error
    return array if array.dtype.kind == 'f' else array.astype(np.float64)


def _array(values: Any) -> np.ndarray:
    if hasattr(values, 'detach'):  # a tensor of a .pt file
        values = values.detach().cpu().float().numpy()
    return np.asarray(values)
