"""Which licence a model inherits from its training data and the weights it starts from.

As of November 2026; the terms themselves are with the data sets.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

GENERATED = 'none: generated data'
UNKNOWN = 'not known here'
# From the strictest on: agreements that one signs, then non-commercial use.
STRICTNESS = (
    'Ego4D licence agreement',
    'EGTEA Gaze+ terms of use',
    'CC BY-NC 4.0 (EPIC-KITCHENS)',
    GENERATED,
)
_DATA_SETS = {
    'MomentQueries': STRICTNESS[0],
    'LanguageQueries': STRICTNESS[0],
    'Egtea': STRICTNESS[1],
    'EpicKitchens': STRICTNESS[2],
    'EpicKitchens55': STRICTNESS[2],
    'EpicActionSegments': STRICTNESS[2],
    'EpicSoundSegments': STRICTNESS[2],
}
_WEIGHTS = ('pretrained', 'load_from')


def strictest(config: Mapping[str, Any]) -> str:
    """What the data sets and weights of a config oblige to, the strictest first.

    Agreements that do not contain one another are all named. Weights of others come under a licence
    that their file does not tell, so the file is named.

    Args:
        config: A whole config as nested dicts.
    """
    found = set()
    for name in ('train', 'val', 'test'):
        dataset = (config.get(f'{name}_dataloader') or {}).get('dataset')
        if dataset:
            found.add(_of_data(dataset))
    known = [one for one in STRICTNESS if one in found]
    if len(known) > 1 and GENERATED in known:
        known.remove(GENERATED)
    if UNKNOWN in found or not found:
        known.append(f'data: {UNKNOWN}')
    weights = sorted({PurePath(path).name for path in _weights(config)})
    return '; '.join([*known, *(f'weights {name}: {UNKNOWN}' for name in weights)])


def licence_of(meta: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """What a checkpoint says of itself, or else what its config obliges to.

    Args:
        meta: Of the checkpoint.
        config: A whole config as nested dicts.
    """
    return meta.get('licence') or strictest(config)


def _of_data(dataset: Mapping[str, Any]) -> str:
    inner = dataset.get('dataset')
    if isinstance(inner, Mapping):
        return _of_data(inner)
    parts = PurePath(dataset.get('data_root') or '').parts
    if any(part == 'toy' or part.startswith('toy_') for part in parts):
        return GENERATED
    return _DATA_SETS.get(str(dataset.get('type')).rpartition('.')[2], UNKNOWN)


def _weights(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key in _WEIGHTS and isinstance(value, str) and value:
                yield value
            elif key == 'checkpoint' and node.get('type') == 'Pretrained':
                yield str(value)
            else:
                yield from _weights(value)
    elif isinstance(node, Sequence) and not isinstance(node, str):
        for value in node:
            yield from _weights(value)
