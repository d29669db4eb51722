"""The last step of a pipeline: arrays to tensors, record to `EgoSample`.

Shapes: N = instants, H, W = height and width, F, S = frequencies and columns of a spectrogram.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from torch import Tensor

from egomm.datasets.media import MediaError
from egomm.registry import TRANSFORMS
from egomm.structures import EgoSample

META_KEYS = ('narration_id', 'participant_id', 'video_id', 'start_seconds', 'stop_seconds')
_MADE_BY = {'rgb': '`LoadRGB`', 'flow': '`LoadFlow`', 'audio': '`LoadAudio` and `LogPower`'}


@TRANSFORMS.register_module()
class PackSample(BaseTransform):
    """Give what the model reads: ``inputs``, ``present`` and the sample.

    ``inputs`` holds tensors by modality: ``rgb`` (3, N, H, W) and ``flow`` (2, N, H, W) uint8,
    ``audio`` (1, N, F, S) float32; any other name is passed on as it is. ``present`` says which
    of them are real. Of a block (`SampleBlocks`) the sample also has ``block`` and ``counted``.

    A clip in several views gives a list of such items, one a view, the crops of the first set of
    instants first; all modalities of a view have the same instants, and sound has no crops.
    `stack_clips` makes a list of batches of it, one a view, which `MultiIOModel` takes in tests.

    Args:
        inputs: Names of the modalities.
        tasks: Tasks whose labels are passed on. A clip may lack a label.

    Raises:
        ValueError: If ``inputs`` or ``tasks`` is one text and no list.
    """

    def __init__(
        self,
        inputs: Sequence[str] = ('rgb', 'flow', 'audio'),
        tasks: Sequence[str] = ('verb', 'noun'),
    ) -> None:
        for name, value in (('inputs', inputs), ('tasks', tasks)):
            if isinstance(value, str):
                raise ValueError(
                    f'PackSample wants a list of names as `{name}`; got {value!r}. Write '
                    f'{name}=[{value!r}].'
                )
        self.inputs = tuple(inputs)
        self.tasks = tuple(tasks)

    def transform(self, results: dict) -> dict | list[dict]:
        """Pack one clip.

        Returns:
            ``dict(inputs=..., present=..., data_samples=EgoSample)``, or one a view.

        Raises:
            ValueError: If no transform has made one of the inputs, or one cannot be dealt out
                to the views.
            MediaError: If none of the inputs is real.
        """
        for name in self.inputs:
            if name not in results:
                maker = _MADE_BY.get(name, 'the transform that makes it')
                raise ValueError(
                    f'PackSample(inputs={self.inputs}) wants {name!r}, which no transform has '
                    f'made. Add {maker} to the pipeline, or remove {name!r} from `inputs`.'
                )
        present = {name: results['present'].get(name, True) for name in self.inputs}
        if not any(present.values()):
            raise MediaError(
                results['video_id'],
                f'the clip has none of {list(self.inputs)}. '
                'Fetch at least one of them, or leave the clip out with `keep`.',
            )
        views = [
            self._pack(results, instants, crop, present)
            for instants in range(results.get('temporal_views', 1))
            for crop in range(results.get('crops', 1))
        ]
        return views if len(views) > 1 else views[0]

    def _pack(self, results: dict, instants: int, crop: int, present: dict[str, bool]) -> dict:
        """One view: the set of instants and the crop of these numbers."""
        step = results.get('temporal_views', 1)
        metainfo = {key: results[key] for key in META_KEYS}
        metainfo.update(times=results['times'][instants::step].tolist(), present=dict(present))
        if 'counted' in results:
            metainfo.update(block=results['block'], counted=results['counted'].tolist())
        gt = {task: results['gt'][task] for task in self.tasks if task in results['gt']}
        return {
            'inputs': {
                name: _to_tensor(name, _view(name, results, instants, crop)) for name in self.inputs
            },
            'present': dict(present),
            'data_samples': EgoSample(metainfo=metainfo, gt=gt),
        }


def _view(name: str, results: dict, instants: int, crop: int) -> np.ndarray:
    """What one view has of an input, whose first axis counts instants and then crops."""
    array, step = results[name], results.get('temporal_views', 1)
    crops = results.get('crops', 1) if name in ('rgb', 'flow') else 1
    if step * crops == 1:
        return array
    if len(array) != len(results['times']) * crops:
        raise ValueError(
            f'PackSample deals {name!r} out to the views by its first axis and wants '
            f'{len(results["times"]) * crops} entries there; got {len(array)}. Give it one entry '
            'for each instant, or test with one view.'
        )
    return array[instants * crops + crop % crops :: step * crops]


def _to_tensor(name: str, array: np.ndarray) -> Tensor:
    """Channels first."""
    if name in ('rgb', 'flow'):
        array = _channels_first(array)
    elif name == 'audio':
        array = array[None]
    return torch.from_numpy(np.ascontiguousarray(array))


def _channels_first(images: np.ndarray) -> np.ndarray:
    """``(N, H, W, C)`` -> ``(C, N, H, W)``."""
    if images.dtype != np.uint8:  # OpenCV, several times as fast, does not know every type
        return images.transpose(3, 0, 1, 2)
    frames, height, width, channels = images.shape
    planes = np.empty((channels, frames, height, width), images.dtype)
    for number, image in enumerate(images):
        cv2.split(image, list(planes[:, number]))
    return planes
