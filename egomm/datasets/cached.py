"""Token maps that frozen encoders made once, as a data set to train necks and heads on.

`tools/extract_features.py --tokens` writes one folder a split (`egomm.datasets.token_writer`):

    manifest.json    what made the tokens, which clips they are of, shapes and dtype
    <modality>.npy   token maps of all clips, (N, C, t, h, w); zeros where a clip lacks the modality
    clips.jsonl      one line a clip: metainfo, labels by task, which modalities are real
"""

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from egomm.datasets import subset
from egomm.datasets.samplers import SampleIndex
from egomm.registry import DATASETS
from egomm.structures import EgoSample

MANIFEST = 'manifest.json'
CLIPS = 'clips.jsonl'
FORMAT = 1  # of the folder; a manifest says its own
_COMMAND = 'python tools/extract_features.py CONFIG CHECKPOINT --tokens --out DIR'


@DATASETS.register_module()
class CachedTokens(Dataset):
    """Clips as the encoders left them, in the layout of a pipeline's end.

    The config of the model has ``torch.nn.Identity`` as backbones and None as normalisation, see
    ``configs/toy/mimo_query_tokens.py``. Nothing is random here: the tokens are those of the
    evaluation pipeline. The arrays are memory-mapped, by each process for itself.

    Args:
        folder: One split, as the tool wrote it.
        modalities: Which to read; all there are unless given.
        keep: Use a part of the clips only, as in `ClipDataset`.

    Raises:
        ValueError: If the folder is missing, incomplete or damaged, or lacks a modality, or
            ``keep`` names clips that are not there.
    """

    def __init__(
        self,
        folder: str,
        modalities: Sequence[str] | None = None,
        keep: Mapping | str | None = None,
    ) -> None:
        self.folder = Path(folder)
        if not (self.folder / MANIFEST).is_file():
            raise ValueError(
                f'{folder} holds no tokens: it has no {MANIFEST}. Give the folder of a split that '
                f'`{_COMMAND}` wrote, for example DIR/train.'
            )
        self.manifest = read_manifest(self.folder)
        shapes = self.manifest['encoders']['shapes']
        self.modalities = tuple(shapes if modalities is None else modalities)
        unknown = [name for name in self.modalities if name not in shapes]
        if unknown:
            raise ValueError(
                f'{folder} holds tokens of {list(shapes)}; {unknown} is none of them. Remove it '
                'from `modalities`, or extract with a config that has a backbone for it.'
            )
        # Text and offsets: the workers would copy a list of dicts page by page.
        self._lines = (self.folder / CLIPS).read_bytes()
        self._ends = line_ends(self._lines)
        wanted = self.manifest['data']['clips']
        if len(self._ends) != wanted:
            raise ValueError(
                f'{folder} holds {len(self._ends)} of {wanted} clips: the extraction was '
                'interrupted. Run the same command again; it goes on where it stopped.'
            )
        assert self._arrays.keys() == set(self.modalities)  # opens them: damage is found now
        self._places = np.arange(wanted)
        if keep is not None:
            names = [self._record(place)['metainfo']['narration_id'] for place in range(wanted)]
            kept = subset.choose(names, keep)
            self._places = np.flatnonzero([name in kept for name in names])

    @property
    def metainfo(self) -> dict[str, Any]:
        """That of the data set whose clips these are."""
        return self.manifest['data']['metainfo']

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, where: SampleIndex | int) -> dict:
        """``inputs``, ``present`` and the sample of one clip.

        Args:
            where: Position, or what `EpochSampler` yields; a padding index gives no labels.
        """
        padding = isinstance(where, SampleIndex) and where.padding
        index = where.index if isinstance(where, SampleIndex) else where
        place = int(self._places[range(len(self))[index]])
        record = self._record(place)
        return {
            # A copy: the map is read-only, and the next step may write.
            'inputs': {
                name: torch.from_numpy(np.array(array[place]))
                for name, array in self._arrays.items()
            },
            'present': {name: record['present'][name] for name in self.modalities},
            'data_samples': EgoSample(
                metainfo=record['metainfo'], gt={} if padding else record['gt']
            ),
        }

    def _record(self, place: int) -> dict:
        start = self._ends[place - 1] if place else 0
        return json.loads(self._lines[start : self._ends[place]])

    def __getstate__(self) -> dict:
        """Without the maps, which pickle would copy into memory whole."""
        return {name: value for name, value in self.__dict__.items() if name != '_arrays'}

    @cached_property
    def _arrays(self) -> dict[str, np.ndarray]:
        return {name: self._open(name) for name in self.modalities}

    def _open(self, name: str) -> np.ndarray:
        path = self.folder / f'{name}.npy'
        encoders = self.manifest['encoders']
        shape = (self.manifest['data']['clips'], *encoders['shapes'][name])
        try:
            array = np.load(path, mmap_mode='r', allow_pickle=False)
        except Exception as error:  # what NumPy raises on a damaged header depends on its bytes
            raise ValueError(
                f'{path} is missing or cut short ({error}). Copy it again, or run the extraction '
                'again; it makes what is missing.'
            ) from error
        if array.shape != shape or array.dtype != encoders['dtype']:
            raise ValueError(
                f'{path} holds {array.shape} {array.dtype}, but {MANIFEST} says {shape} '
                f'{encoders["dtype"]}: they are not of one extraction. Extract into a new folder.'
            )
        return array


def read_manifest(folder: Path) -> Mapping[str, Any]:
    """What the folder says of itself.

    Raises:
        ValueError: If the file cannot be read or is of another format.
    """
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding='utf-8'))
        found = manifest['format']
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f'{path} is no manifest of tokens ({type(error).__name__}: {error}). Remove the folder '
            f'and write it again with `{_COMMAND}`.'
        ) from error
    if found != FORMAT:
        raise ValueError(
            f'{path} has format {found!r}, this egomm reads {FORMAT}. Extract the tokens again.'
        )
    return manifest


def line_ends(text: bytes) -> np.ndarray:
    """Where each complete line ends: positions ``(lines,)`` behind the line feeds."""
    return np.flatnonzero(np.frombuffer(text, np.uint8) == ord('\n')) + 1
