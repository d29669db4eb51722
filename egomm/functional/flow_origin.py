"""How the optical flow was made that a model was trained on."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MEDIA_MANIFEST = 'media.json'  # of tools/prepare/media.py
_KEYS = ('algorithm', 'bound', 'fps', 'stride')


def flow_of_training(config: Mapping[str, Any]) -> dict[str, Any] | None:
    """Algorithm, bound, fps and stride of the training data's flow, as far as its source says.

    Args:
        config: A whole config as nested dicts; ``made`` of a flow source says how it was made, or
            else the manifest that tools/prepare/media.py left in ``data_root``.

    Returns:
        None if the training data has no flow.
    """
    dataset = (config.get('train_dataloader') or {}).get('dataset') or {}
    source = (dataset.get('sources') or {}).get('flow')
    if isinstance(source, (list, tuple)):
        source = source[0] if source else None
    if not source:
        return None
    made = source.get('made') or _prepared(Path(dataset.get('data_root') or '', MEDIA_MANIFEST))
    made = {'stride': source.get('stride', 'epic'), **made}
    return {key: made.get(key) for key in _KEYS}


def _prepared(manifest: Path) -> dict[str, Any]:
    """In what all videos of a folder of prepared media agree; nothing if that cannot be read."""
    try:
        videos = json.loads(manifest.read_text(encoding='utf-8'))['videos'].values()
        known = [video['flow']['settings'] for video in videos if 'flow' in video]
        same = {key: {one[key] for one in known} for key in ('algorithm', 'bound', 'fps')}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}
    return {key: values.pop() for key, values in same.items() if len(values) == 1}


def other_flow(trained: Mapping[str, Any] | None, used: Mapping[str, Any]) -> str | None:
    """A warning that names both, if flow is not as in training; None if it is.

    Args:
        trained: What `flow_of_training` says, from the checkpoint; None where it says nothing.
        used: The same of what the model gets now; what is None is not compared.
    """
    if trained is None:
        return f'the checkpoint does not say which flow it was trained on; this is {said(used)}'
    known = [key for key in _KEYS if trained.get(key) not in (None, 'epic') and used.get(key)]
    differing = [key for key in known if trained[key] != used[key]]
    unknown = trained.get('algorithm') is None
    if not differing and not unknown:
        return None
    return f'the model was trained on flow of {said(trained)}; this is {said(used)}'


def said(flow: Mapping[str, Any]) -> str:
    """``dis, bound 8.0, stride 1, fps 30``; what is not known is said to be."""
    first, *rest = (flow.get(key) for key in ('algorithm', 'bound', 'stride', 'fps'))
    parts = [first or 'an unknown algorithm']
    for name, value in zip(('bound', 'stride', 'fps'), rest):
        parts.append(f'{name} {"unknown" if value is None else value}')
    return ', '.join(parts)
