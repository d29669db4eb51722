"""Writes what `egomm.datasets.cached` reads, so that an interruption loses no finished clip.

The arrays are appended to by ordinary writes, a clip's line comes last: what lies on disk at any
moment is a valid beginning, and a full disk is an error instead of a broken map.
"""

import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from egomm.datasets.cached import CLIPS, FORMAT, MANIFEST, line_ends, read_manifest
from egomm.structures import EgoSample

_SHOWN = 3  # differences in an error


class TokenWriter:
    """The token maps of one split, written clip by clip in the order of the data set.

    Args:
        folder: The split's folder; what is there of the same extraction is continued.
        encoders: What made the tokens, equal for all splits beside ``folder``: ``dtype``
            (``float32`` or ``float16``), ``shapes`` of one clip's map by modality, and whatever
            else identifies it.
        data: Which clips they are of: ``clips`` (their number), ``metainfo``, and whatever else
            identifies them.

    Attributes:
        done: Clips that are on disk.

    Raises:
        ValueError: If ``folder`` or one beside it holds tokens of other encoders or other data.
    """

    def __init__(self, folder: Path, encoders: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        self.folder = folder
        self.manifest = _plain({'format': FORMAT, 'encoders': encoders, 'data': data})
        self.clips = data['clips']
        self._dtype = getattr(torch, encoders['dtype'])
        self._headers = {}
        self._row_bytes = {}
        for name, shape in encoders['shapes'].items():
            self._headers[name] = _header((self.clips, *shape), encoders['dtype'])
            self._row_bytes[name] = int(np.prod(shape)) * self._dtype.itemsize
        self._check_beside()
        self.done = self._count_done() if (folder / MANIFEST).is_file() else 0

    @property
    def bytes_left(self) -> int:
        """What is still to be written of the arrays."""
        return (self.clips - self.done) * sum(self._row_bytes.values())

    def start(self) -> None:
        """Make the files, or cut those that are there to the clips that are complete."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, header in self._headers.items():
            path = self._path(name)
            path.touch()
            with open(path, 'r+b') as file:
                file.write(header)
                file.truncate(len(header) + self.done * self._row_bytes[name])
        lines = self.folder / CLIPS
        lines.touch()
        ends = [0, *line_ends(lines.read_bytes())]
        os.truncate(lines, ends[self.done])
        text = json.dumps(self.manifest, indent=1)
        (self.folder / MANIFEST).write_text(f'{text}\n', encoding='utf-8')

    def write(
        self,
        tokens: Mapping[str, Tensor],
        present: Mapping[str, Sequence[bool]],
        samples: Sequence[EgoSample],
    ) -> None:
        """Append clips.

        Args:
            tokens: Maps ``(B, C, t, h, w)`` by modality.
            present: By modality, which clips have it; the others are stored as zeros.
            samples: Their metainfo and labels.

        Raises:
            ValueError: If a value is not finite in the dtype, a map has another shape, or the
                metainfo or a label is nothing that JSON can hold.
        """
        names = [sample.metainfo.get('narration_id') for sample in samples]
        rows = {
            name: self._rows(name, tokens[name], present[name], names) for name in self._headers
        }
        lines = [
            _line(sample, {name: bool(present[name][row]) for name in self._headers})
            for row, sample in enumerate(samples)
        ]
        for name, values in rows.items():
            with open(self._path(name), 'ab') as file:
                file.write(values)
        with open(self.folder / CLIPS, 'ab') as file:
            file.write(b''.join(lines))
        self.done += len(samples)

    def _path(self, name: str) -> Path:
        return self.folder / f'{name}.npy'

    def _check_beside(self) -> None:
        for path in sorted(self.folder.parent.glob(f'*/{MANIFEST}')):
            found = read_manifest(path.parent)
            parts = self.manifest if path.parent == self.folder else ('encoders',)
            differing = _differences(
                {part: found.get(part) for part in parts},
                {part: self.manifest[part] for part in parts},
            )
            if differing:
                raise ValueError(
                    f'{path.parent} holds tokens of another extraction: {"; ".join(differing)}. '
                    'Give another folder with --out, or remove that one.'
                )

    def _count_done(self) -> int:
        """Clips of which the line and every map are whole."""
        lines = self.folder / CLIPS
        done = len(line_ends(lines.read_bytes())) if lines.is_file() else 0
        for name, header in self._headers.items():
            path = self._path(name)
            size = path.stat().st_size if path.is_file() else 0
            done = min(done, max(0, size - len(header)) // self._row_bytes[name])
        return done

    def _rows(
        self, name: str, maps: Tensor, present: Sequence[bool], names: Sequence[str]
    ) -> memoryview:
        shape = tuple(self.manifest['encoders']['shapes'][name])
        if maps.shape[1:] != shape:
            raise ValueError(
                f'{name} of {names} has maps of {tuple(maps.shape[1:])}, the first clip had '
                f'{shape}. Let the evaluation pipeline resize and crop every clip to one size.'
            )
        real = torch.tensor(present, device=maps.device)
        maps = maps.masked_fill(~real.view(-1, *(1,) * len(shape)), 0.0).to(self._dtype)
        finite = maps.flatten(1).isfinite().all(dim=1).tolist()
        if not all(finite):
            wrong = [clip for clip, fine in zip(names, finite) if not fine]
            raise ValueError(
                f'{name} of {wrong} is not finite in {self.manifest["encoders"]["dtype"]}. Use '
                '--dtype float32; if it is that, look at the checkpoint and these clips.'
            )
        return maps.cpu().contiguous().numpy().data


def _line(sample: EgoSample, present: Mapping[str, bool]) -> bytes:
    record = {'metainfo': sample.metainfo, 'gt': sample.gt, 'present': present}
    try:
        return f'{json.dumps(record, default=_number)}\n'.encode()
    except TypeError as error:
        raise ValueError(
            f'{sample.metainfo.get("narration_id")}: {CLIPS} keeps metainfo and labels as JSON; '
            f'{error}. Make it a number, a text or a list in the pipeline.'
        ) from error


def _number(value: Any) -> Any:
    """NumPy's numbers; anything else would come back as something else."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f'got a {type(value).__name__}')


def _header(shape: tuple[int, ...], dtype: str) -> bytes:
    """The beginning of a .npy file."""
    buffer = io.BytesIO()
    described = np.lib.format.dtype_to_descr(np.dtype(dtype))
    np.lib.format.write_array_header_1_0(
        buffer, {'descr': described, 'fortran_order': False, 'shape': shape}
    )
    return buffer.getvalue()


def _plain(value: Any) -> Any:
    """As it comes back from JSON; what JSON does not know as text."""

    def other(item: Any) -> Any:
        return item.tolist() if isinstance(item, (np.generic, np.ndarray)) else str(item)

    return json.loads(json.dumps(value, default=other))


def _differences(there: Any, here: Any, place: str = '') -> list[str]:
    """The first places where two JSON values differ, as text."""
    if isinstance(there, dict) and isinstance(here, dict):
        found: list[str] = []
        for key in here.keys() | there.keys():
            inner = f'{place}.{key}' if place else key
            found += _differences(there.get(key), here.get(key), inner)
        return sorted(found)[:_SHOWN]
    return [] if there == here else [f'{place} is {there!r:.80} there, {here!r:.80} here']
