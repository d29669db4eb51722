"""Recorded subsets of clips, such as the quarter of EPIC-100 that MIMO trains on.

The clips with the lowest ``sha256('<seed>:<narration_id>')`` are taken, so that the subset does
not depend on the order of the file, and its list has a hash of its own that results can state.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

_KEEP = '`keep` wants dict(fraction=..., seed=...) or the path of a list of narration ids'
_STATED_HASH = re.compile(r'^# sha256 ([0-9a-f]{64})$', re.MULTILINE)


def lowest_share(narration_ids: Iterable[str], fraction: float, seed: int) -> set[str]:
    """Draw a share of the clips.

    Args:
        narration_ids: Ids, each once.
        fraction: Share to keep, within 0..1; ``floor(fraction * N)`` clips are, at least one.
        seed: Names the draw.

    Returns:
        The ids with the lowest sha256 of ``'<seed>:<narration_id>'``.

    Raises:
        ValueError: If ``fraction`` is not within 0..1.
    """
    if not 0 < fraction <= 1:
        raise ValueError(f'A subset wants 0 < fraction <= 1; got {fraction!r}.')
    ranked = sorted(
        narration_ids, key=lambda name: hashlib.sha256(f'{seed}:{name}'.encode()).digest()
    )
    return set(ranked[: max(1, int(fraction * len(ranked)))])


def list_hash(narration_ids: Iterable[str]) -> str:
    """Hash of a list of clips: sha256 of the sorted ids, each followed by a line feed."""
    return hashlib.sha256(
        ''.join(f'{name}\n' for name in sorted(narration_ids)).encode()
    ).hexdigest()


def write_list(path: str | Path, narration_ids: Iterable[str], comment: str) -> str:
    """Write a list of clips, sorted, one id a line, with its hash in the head.

    Args:
        path: The file to write.
        narration_ids: The clips.
        comment: One line that says how they were chosen.

    Returns:
        The hash.
    """
    names = sorted(narration_ids)
    stated = list_hash(names)
    Path(path).write_text(
        f'# {comment}\n# sha256 {stated}\n' + '\n'.join(names) + '\n', encoding='utf-8'
    )
    return stated


def read_list(path: str | Path) -> set[str]:
    """Read a list of clips.

    Raises:
        ValueError: If the file is missing or empty, or its ids do not have the hash that it
            states.
    """
    if not Path(path).is_file():
        raise ValueError(
            f'{path}: no such list of clips. Write it with '
            '`python tools/make_subset.py CSV --fraction 0.25 --seed 0 --out LIST`.'
        )
    text = Path(path).read_text(encoding='utf-8')
    names = {line.strip() for line in text.splitlines() if line.strip() and line[0] != '#'}
    if not names:
        raise ValueError(f'{path}: the list holds no narration id. Write it again.')
    stated = _STATED_HASH.search(text)
    if stated and stated[1] != list_hash(names):
        raise ValueError(
            f'{path}: its ids have the hash {list_hash(names)}, but it states '
            f'{stated[1]}: the list was changed. Write it again, or remove the line.'
        )
    return names


def choose(narration_ids: Iterable[str], keep: Mapping | str | Path) -> set[str]:
    """The clips that ``keep`` of a dataset names.

    Args:
        narration_ids: All clips of the annotation file.
        keep: ``dict(fraction=..., seed=...)`` or the path of a list.

    Raises:
        ValueError: If ``keep`` is neither, or the list names clips that the file lacks.
    """
    names = list(narration_ids)
    if isinstance(keep, Mapping):
        if set(keep) != {'fraction', 'seed'}:
            raise ValueError(f'{_KEEP}; got {dict(keep)!r}.')
        return lowest_share(names, keep['fraction'], keep['seed'])
    if not isinstance(keep, (str, Path)):
        raise ValueError(f'{_KEEP}; got {keep!r}.')
    kept = read_list(keep)
    unknown = sorted(kept - set(names))
    if unknown:
        raise ValueError(
            f'{keep}: {len(unknown)} of its {len(kept)} ids are not in the '
            f'annotation file, such as {unknown[:3]}. Take the list that was made '
            'from this file.'
        )
    return kept
