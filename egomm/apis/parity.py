"""How near extracted features are to those that somebody else stored.

Shapes: N = positions, C = channels.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from egomm.datasets.feature_store import FeatureStore

NEAR = 0.99  # cosine of features that are the same but for how images were resized


class Parity(NamedTuple):
    """Two sequences of features of one video.

    Attributes:
        name: Of the video.
        lengths: Positions here and there.
        mean_cosine: Over the positions that both have.
        least_cosine: The smallest of them.
        largest: Largest absolute difference of a value.
    """

    name: str
    lengths: tuple[int, int]
    mean_cosine: float
    least_cosine: float
    largest: float

    @property
    def near(self) -> bool:
        """Whether they are as many, but for one, and of one direction."""
        return abs(self.lengths[0] - self.lengths[1]) <= 1 and self.mean_cosine >= NEAR


def compare_features(
    made: str | Path,
    stored: str | Path,
    names: Iterable[str],
    dim: int,
    say: Callable[[str], None] = print,
) -> list[Parity]:
    """Compare features of the same videos; those that are not stored are told and left out.

    The last position that both have is left out: Ego4D moves its last window back to end with the
    video.

    Args:
        made: What `extract_windows` wrote.
        stored: Another source, see `FeatureStore`.
        names: Of the videos.
        dim: C.
        say: Takes what is to be told, a line a call.

    Raises:
        ValueError: If none of the videos is stored, or features have another width.
    """
    ours, theirs = FeatureStore(made, dim), FeatureStore(stored, dim)
    found = []
    for name in names:
        if name not in theirs:
            say(f'{name}: not in {stored}')
            continue
        one, other = (np.asarray(store.read(name), np.float64) for store in (ours, theirs))
        lengths = len(one), len(other)
        shared = max(1, min(lengths) - 1)
        one, other = one[:shared], other[:shared]
        scale = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
        cosine = (one * other).sum(1) / np.maximum(scale, 1e-12)
        parity = Parity(
            name,
            lengths,
            float(cosine.mean()),
            float(cosine.min()),
            float(np.abs(one - other).max()),
        )
        say(
            f'{name}: {lengths[0]} positions here, {lengths[1]} there; cosine '
            f'{parity.mean_cosine:.4f} on average, {parity.least_cosine:.4f} at least; values '
            f'differ by at most {parity.largest:.3g}: {"near" if parity.near else "NOT the same"}'
        )
        found.append(parity)
    if not found:
        raise ValueError(f'{stored} has features of none of these videos. Name files alike.')
    return found
