"""Features of a clip: found, cut out of those of its video, resized and cached.

Shapes: N = positions in the file, T = positions of the clip, C = channels.
"""

import hashlib
import json
import math
from pathlib import Path

import numpy as np
import torch

from egomm.datasets.feature_store import FeatureStore, read_description
from egomm.functional.feature_grid import TimeGrid, resize_features
from egomm.functional.segment_files import is_number
from egomm.functional.whole_files import written_beside

LENGTH_SHARE = 0.02  # by which features may be shorter or longer than their clip, beside the ends
OWNERS = ('clip', 'video')


class FeatureSource:
    """One kind of features over time.

    Args:
        path: Where they are, see `egomm.datasets.feature_store`.
        dim: Channels ``C``. This and the following may stand in the manifest instead.
        fps: Frames per second of the videos they were computed from.
        stride: Frames between two positions.
        window: Frames that a position looks at.
        per: ``'clip'``: an entry is a clip. ``'video'``: it is a video, out of which clips are cut.
        cache: Folder for resized features in float16, which later epochs map into memory; None
            keeps none. It holds a folder of its own for these settings. Where the file of the
            features or the place of the clip has changed, they are resized anew.

    Raises:
        ValueError: If the features or what is said of them are missing or contradict.
    """

    def __init__(
        self,
        path: str,
        dim: int | None = None,
        fps: float | None = None,
        stride: float | None = None,
        window: float | None = None,
        per: str | None = None,
        cache: str | None = None,
    ) -> None:
        found = read_description(path, dim=dim, fps=fps, stride=stride, window=window, per=per)
        self.per = found.pop('per')
        self.store = FeatureStore(path, found.pop('dim'))
        self.grid = TimeGrid(**found)
        if self.per not in OWNERS or not all(is_number(n) and n > 0 for n in self.grid[:3]):
            raise ValueError(
                f"{path}: per='clip' or 'video' and fps, stride and window above 0 are expected; "
                f'got per={self.per!r} and {found}.'
            )
        self.cache = cache

    def has(self, record: dict) -> bool:
        """Whether there are features of a clip's file."""
        return self.owner(record) in self.store

    def owner(self, record: dict) -> str:
        """Name of the entry that has a clip's features: the clip or its video.

        Raises:
            ValueError: If the features are of videos, but the record does not tell where the clip
                lies.
        """
        if self.per == 'clip':
            return record['clip_id']
        if record.get('video_id') is None or record.get('video_start_seconds') is None:
            raise ValueError(
                f'{self.store.path} has features of videos, but the annotations of clip '
                f'{record["clip_id"]} do not tell where it lies in its video. Use the official '
                'annotation file, or features of clips.'
            )
        return record['video_id']

    def clip(self, record: dict, length: int | None) -> tuple[np.ndarray, TimeGrid]:
        """Features of one clip.

        Args:
            record: With ``clip_id``, ``duration`` and, for features of videos, ``video_id`` and
                ``video_start_seconds``.
            length: Positions to resize to; None keeps them as they are.

        Returns:
            ``(T, C)``, perhaps read-only, and where its positions lie in the time of the clip.

        Raises:
            ValueError: If there are none, or they are shorter or longer than the clip by more
                than 2 % and two positions; or what the cache holds cannot be read.
        """
        if self.cache is None:
            return self._resized(record, length)
        settings = [str(self.store.path.resolve()), self.store.dim, self.per, *self.grid, length]
        folder = Path(self.cache, _digest(settings))
        place = record.get('video_start_seconds'), record['duration']
        name = f'{record["clip_id"]}.{_digest([*self.store.stamp(self.owner(record)), *place])}'
        array, facts = folder / f'{name}.npy', folder / f'{name}.json'
        if not array.is_file():
            features, grid = self._resized(record, length)
            with np.errstate(over='ignore'):
                half = features.astype(np.float16)
            if not np.isfinite(half).all():
                raise ValueError(
                    f'{self.store.path}, {record["clip_id"]}: values up to {abs(features).max():g} '
                    'do not fit into float16. Use these features without `cache`.'
                )
            with written_beside(facts, synced=False) as file:
                file.write(json.dumps(grid).encode())
            with written_beside(array, synced=False) as file:
                np.save(file, half)
        try:
            grid = TimeGrid(*json.loads(facts.read_text(encoding='utf-8')))
            return np.load(array, mmap_mode='r', allow_pickle=False), grid
        except (ValueError, TypeError, EOFError) as error:
            raise ValueError(f'{array}: cannot be read ({error}). Remove {folder}.') from error

    def _resized(self, record: dict, length: int | None) -> tuple[np.ndarray, TimeGrid]:
        features, grid = self._cut(record)
        if length is None or length == len(features):
            return features, grid if length is None else grid.resized(length, length)
        resized = resize_features(torch.from_numpy(features.astype(np.float32)), length)
        return resized.numpy(), grid.resized(len(features), length)

    def _cut(self, record: dict) -> tuple[np.ndarray, TimeGrid]:
        """The positions of a clip, with their grid in its time."""
        features, grid = self.store.read(self.owner(record)), self.grid
        if self.per == 'video':
            rate = grid.fps / grid.stride
            begin = record['video_start_seconds']
            first = max(math.floor(begin * rate), 0)  # a clip may begin before its video
            features = features[first : math.floor((begin + record['duration']) * rate) + 1]
            grid = grid._replace(start=first / rate - begin)
        covered = ((len(features) - 1) * grid.stride + grid.window) / grid.fps
        allowed = LENGTH_SHARE * record['duration'] + (2 * grid.stride + grid.window) / grid.fps
        if not len(features) or abs(covered - record['duration']) > allowed:
            raise ValueError(
                f'{self.store.path}: {len(features)} positions cover {max(covered, 0):.1f} s, but '
                f'clip {record["clip_id"]} lasts {record["duration"]:.1f} s. Correct fps and '
                'stride of these features, or extract them again.'
            )
        return features, grid


def _digest(settings: list) -> str:
    return hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:16]
