"""One checkpoint of `LocalizationEnsemble` from those of its members."""

import re
from collections.abc import Sequence
from pathlib import Path

from egomm.apis.convert import save_checkpoint
from egomm.compat import load_checkpoint
from egomm.functional.weights import differences


def join_checkpoints(
    paths: Sequence[str | Path], destination: str | Path, overwrite: bool = False
) -> None:
    """Write the weights of several models of one architecture as those of an ensemble.

    Args:
        paths: Checkpoints of `tools/train.py`, one a member, in the order of the members.
        destination: File to write.
        overwrite: Replace ``destination`` where it exists.

    Raises:
        ValueError: If there are fewer than two, one cannot be read or differs from the first in
            its architecture, or ``destination`` exists or cannot be written.
    """
    target = Path(destination)
    if len(paths) < 2:
        raise ValueError(f'An ensemble wants at least two checkpoints; got {len(paths)}.')
    if target.exists() and not overwrite:
        raise ValueError(f'{target} exists. Give another name, or --force to replace it.')
    joined, first = {}, None
    for number, path in enumerate(paths):
        content = load_checkpoint(path)
        state = {
            re.sub(r'^module\.', '', name): value
            for name, value in content.get('state_dict', content).items()
        }
        first = state if first is None else first
        problems = differences(first, state)
        if problems:
            raise ValueError(
                f'{path} is of another architecture than {paths[0]}: {"; ".join(problems)}. '
                'Predict with each (tools/test.py --results FOUND.json) and merge what they found '
                'with tools/score.py or tools/submit.py.'
            )
        joined.update({f'members.{number}.{name}': value for name, value in state.items()})
    save_checkpoint(dict(state_dict=joined), target)
