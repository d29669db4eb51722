"""Weights for others: a file of safetensors, which holds tensors and text and cannot hold code."""

import json
from pathlib import Path

from safetensors.torch import save

import egomm
from egomm.compat import load_checkpoint, tensor_hash
from egomm.functional.whole_files import written_beside


def publish(checkpoint: str | Path, out: str | Path) -> str:
    """Write the weights of a checkpoint, without what a run needs to go on.

    `egomm.compat.load_checkpoint`, and with it ``load_from``, ``pretrained`` and tools/test.py,
    read the file as they read checkpoints. Its header holds the config, the names of classes, the
    licence of data and weights, the version of egomm and a hash of the tensors, which is compared
    when it is read.

    Args:
        checkpoint: Of a training run, or bare tensors by name. With a moving average, it is the
            average that is written.
        out: The file to write, ``.safetensors``.

    Returns:
        The hash.

    Raises:
        ValueError: If the checkpoint cannot be read or holds no weights, or ``out`` has another
            ending.
    """
    out = Path(out)
    if out.suffix != '.safetensors':
        raise ValueError(f'publish writes a .safetensors file; got {out}. Change its ending.')
    loaded = load_checkpoint(checkpoint)
    state = loaded.get('state_dict', loaded)
    tensors = {
        # Copies: safetensors refuses tensors that share memory.
        name: value.detach().contiguous().clone()
        for name, value in state.items()
        if hasattr(value, 'detach')
    }
    if not tensors:
        raise ValueError(f'{checkpoint} holds no weights. Give a checkpoint of a training run.')
    meta = loaded.get('meta', {})
    names = (meta.get('dataset_meta') or {}).get('classes')
    header = dict(egomm=egomm.__version__, config=str(meta.get('cfg', '')))
    if names is not None:
        header['classes'] = json.dumps(names)
    if meta.get('licence'):
        header['licence'] = meta['licence']
    digest = tensor_hash(save(tensors))
    with written_beside(out) as file:
        file.write(save(tensors, {**header, 'sha256': digest}))
    return digest
