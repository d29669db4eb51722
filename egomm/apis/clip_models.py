"""A trained recognizer, egomm's or mmaction2's, for clips that are decoded already.

Shapes: B = clips, N = frames of a clip, H, W = height and width, C = channels, S = samples.
"""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from torch import Tensor

from egomm.apis.clip_images import ClipImages
from egomm.apis.load import load_model
from egomm.datasets.flow import FlowEngine, FlowSettings
from egomm.datasets.media import AudioPart
from egomm.models import MultiIOModel
from egomm.models.heads.classification import ClassificationHead
from egomm.models.layers.pooling import mean_pool
from egomm.registry import TRANSFORMS
from egomm.structures import EgoSample

_MODALITY_OF_LOADER = {'LoadRGB': 'rgb', 'LoadFlow': 'flow', 'LoadAudio': 'audio'}
_OPENERS = ('DecordInit', 'PyAVInit', 'OpenCVInit', 'PIMSInit')
_DECODERS = ('DecordDecode', 'PyAVDecode', 'OpenCVDecode', 'PIMSDecode', 'RawFrameDecode')


class Sound(Protocol):
    """What gives a stretch of sound."""

    def read(self, first: int, count: int, sample_rate: int) -> AudioPart | None:
        """See `egomm.datasets.media.read_audio`."""


class Clip(NamedTuple):
    """A clip in memory.

    Attributes:
        images: ``(N, H, W, 3)`` uint8 RGB, or what gives them for an array of indices.
        fps: Images per second.
        sound: Of the file that the clip is from; None where there is none.
        start: Second of that file at which the clip starts.
        name: For messages and ``metainfo``.
    """

    images: np.ndarray
    fps: float
    sound: Sound | None = None
    start: float = 0.0
    name: str = 'clip'


class EgoClips:
    """A `MultiIOModel` with the pipeline that its config evaluates with.

    Args:
        config: Of the model, with a ``test_dataloader`` or ``val_dataloader``.
        checkpoint: Its weights; None for random ones.
        flow: Compute flow like this, where the pipeline loads it; None masks it.

    Attributes:
        modalities: What the pipeline loads.
        features: Names of the neck outputs that `encode` gives: what classification heads read.

    Raises:
        ValueError: If the config has no pipeline of evaluation or another model, or the checkpoint
            does not fit.
    """

    def __init__(
        self, config: Config, checkpoint: str | None, flow: FlowSettings | None = None
    ) -> None:
        loader = config.get('test_dataloader') or config.get('val_dataloader') or {}
        steps = loader.get('dataset', {}).get('pipeline')
        if not steps:
            raise ValueError(
                f'{config.filename} has no pipeline in test_dataloader.dataset: clips are prepared '
                'as it says. Give the config of a recognizer that reads video.'
            )
        self.model = load_model(config, checkpoint)
        if not isinstance(self.model, MultiIOModel):
            raise ValueError(
                f'{config.filename} has a {type(self.model).__name__}; clips go to a MultiIOModel '
                'or to a recognizer of mmaction2. Give the config of one.'
            )
        steps = [step for step in (steps.values() if isinstance(steps, Mapping) else steps) if step]
        self.modalities = tuple(
            _MODALITY_OF_LOADER[step['type']]
            for step in steps
            if step['type'] in _MODALITY_OF_LOADER
        )
        self.pipeline = Compose([TRANSFORMS.build(copy.deepcopy(step)) for step in steps])
        self._flow = None if flow is None else FlowEngine(flow)
        heads = self.model.heads.values()
        read = [head.source for head in heads if isinstance(head, ClassificationHead)]
        self.features = tuple(dict.fromkeys(read or [head.source for head in heads]))

    def frames_needed(self) -> int:
        """Shortest clip that is not looped: any is spread over its length."""
        return 1

    def pack(self, clip: Clip) -> dict | list[dict]:
        """What the pipeline makes of a clip: an item of a batch, or one a view."""
        count = len(clip.images)
        sound = None if clip.sound is None else dict(type='memory', sound=clip.sound)
        rgb = dict(type='memory', images=clip.images)
        flow = None
        if self._flow is not None and count > 1:
            flow = dict(type='memory', images=clip.images, engine=self._flow)
        results = dict(
            **dict(narration_id=clip.name, participant_id='', video_id=clip.name, gt={}),
            **dict(start_frame=1, stop_frame=count, padding=False),
            **dict(start_seconds=clip.start, stop_seconds=clip.start + count / clip.fps),
            sources=dict(rgb=rgb, audio=sound, flow=flow, hands=None, gaze=None),
            rng=np.random.default_rng(0),
            present={},
            conditions={},
        )
        item = self.pipeline(results)
        for view in item if isinstance(item, list) else [item]:
            box = results.get('crop_box', (0.0, 0.0, 1.0, 1.0))
            view['data_samples'].set_metainfo(dict(crop_box=box))
        return item

    def present(self, item: dict | list[dict]) -> dict[str, bool]:
        """Which of the modalities a packed clip has."""
        view = item[0] if isinstance(item, list) else item
        return {name: bool(view['present'].get(name, False)) for name in self.modalities}

    @torch.no_grad()
    def encode(self, items: Sequence[dict | list[dict]]) -> Tensor:
        """One vector a clip ``(B, C)``, float32 on the CPU: means over time, space and views."""
        batch = pseudo_collate(items)
        views = batch if isinstance(batch, list) else [batch]
        return torch.stack([self._encode(view) for view in views]).mean(0).float().cpu()

    @torch.no_grad()
    def predict(self, items: Sequence[dict | list[dict]]) -> list[EgoSample]:
        """The clips with ``pred`` by task."""
        return self.model.test_step(pseudo_collate(items))

    def _encode(self, view: dict) -> Tensor:
        outputs = self.model.extract(self.model.data_preprocessor(view, training=False)['inputs'])
        return torch.cat([mean_pool(outputs[name]) for name in self.features], dim=1)


class MmactionClips:
    """A recognizer of mmaction2 for RGB with the pipeline that its config tests with.

    Attributes as in `EgoClips`; ``features`` is the backbone (with its neck).

    Args:
        config: Of the model, with a ``test_dataloader`` or ``test_pipeline``.
        checkpoint: Its weights.

    Raises:
        ValueError: If the pipeline decodes no RGB frames, or the checkpoint does
            not fit.
    """

    modalities = ('rgb',)
    features = ('backbone',)

    def __init__(self, config: Config, checkpoint: str) -> None:
        loader = config.get('test_dataloader') or config.get('val_dataloader') or {}
        steps = loader.get('dataset', {}).get('pipeline') or config.get('test_pipeline')
        kinds = [step['type'].rpartition('.')[2] for step in steps or ()]
        if not any(kind in _DECODERS for kind in kinds):
            raise ValueError(
                f'{config.filename}: its test pipeline {kinds} decodes no RGB frames (one of '
                f'{", ".join(_DECODERS)}). Give the config of a recognizer for RGB.'
            )
        config = copy.deepcopy(config)
        config.model.type = _scoped(config.model.type)
        (config.model.get('test_cfg') or {}).pop('max_testing_views', None)
        self.model = load_model(config, checkpoint)
        self._steps = [
            _take_images if kind in _DECODERS else {**step, 'type': _scoped(step['type'])}
            for step, kind in zip(steps, kinds, strict=True)
            if kind not in _OPENERS
        ]
        self.pipeline = Compose(
            [step if callable(step) else TRANSFORMS.build(dict(step)) for step in self._steps]
        )

    def frames_needed(self) -> int:
        """Frames that one clip of ``SampleFrames`` spans."""
        spans = [
            step['clip_len'] * step.get('frame_interval', 1)
            for step in self._steps
            if not callable(step) and 'clip_len' in step and step['type'].endswith('SampleFrames')
        ]
        return max(spans, default=1)

    def pack(self, clip: Clip) -> dict:
        """What the pipeline makes of a clip."""
        count = len(clip.images)
        return self.pipeline(
            dict(array=clip.images, total_frames=count, start_index=0, modality='RGB', label=-1)
        )

    def present(self, item: dict) -> dict[str, bool]:
        """Which of the modalities a packed clip has: RGB."""
        return dict(rgb=True)

    @torch.no_grad()
    def encode(self, items: Sequence[dict]) -> Tensor:
        """One vector a clip ``(B, C)``, see `EgoClips.encode`; several maps are concatenated."""
        inputs = self.model.data_preprocessor(pseudo_collate(items), False)['inputs']
        maps, _ = self.model.extract_feat(inputs, test_mode=True)
        pooled = [x.flatten(2).mean(2) if x.dim() > 2 else x for x in _tensors(maps)]
        vectors = torch.cat(pooled, dim=1)
        return vectors.unflatten(0, (len(items), -1)).mean(1).float().cpu()

    @torch.no_grad()
    def predict(self, items: Sequence[dict]) -> list[EgoSample]:
        """The clips with ``pred['action']``: probabilities, or what the config averages."""
        samples = self.model.test_step(pseudo_collate(items))
        return [EgoSample(pred=dict(action=sample.pred_score.cpu())) for sample in samples]


def load_clip_model(
    config: Config | str | Path, checkpoint: str, flow: FlowSettings | None = None
) -> EgoClips | MmactionClips | ClipImages:
    """A recognizer by its config and checkpoint.

    Args:
        config: Of it.
        checkpoint: Its weights.
        flow: How to compute flow, for a recognizer that loads it; None masks it.

    Raises:
        ValueError: If there is no model, the checkpoint does not fit, no pipeline to prepare
            clips with, or flow is wanted by a recognizer that does not load it.
    """
    if not isinstance(config, Config):
        config = Config.fromfile(config)
    kind = (config.get('model') or {}).get('type')
    if not kind:
        raise ValueError(f'{config.filename} has no `model`. Give the config of a recognizer.')
    model: EgoClips | MmactionClips | ClipImages
    if kind == 'transformers.CLIPModel':
        model = ClipImages(checkpoint)
    elif kind.startswith('mmaction.') or config.get('default_scope') == 'mmaction':
        model = MmactionClips(config, checkpoint)
    else:
        model = EgoClips(config, checkpoint, flow)
    if flow is not None and 'flow' not in model.modalities:
        raise ValueError(
            f'{config.filename} loads {", ".join(model.modalities)} and no flow. Leave it out.'
        )
    return model


def _take_images(results: dict) -> dict:
    """The step of mmaction2's pipelines that decodes, for images that are there."""
    images = results['array'][np.ravel(results['frame_inds'])]
    results['imgs'] = list(images)
    results['original_shape'] = results['img_shape'] = images[0].shape[:2]
    return results


def _scoped(kind: Any) -> Any:
    return kind if '.' in kind else f'mmaction.{kind}'


def _tensors(maps: Any) -> list[Tensor]:
    """All tensors of nested tuples, in order."""
    if isinstance(maps, Tensor):
        return [maps]
    return [tensor for part in maps for tensor in _tensors(part)]
