"""Tokens of the toy kitchen's clips in all modalities, drawn without any media in between.

The clips go through the pipeline that the encoders are tested with, which is given the images, the
flow and the sound that the files of a world would hold before a codec. So a study pays for the
frames it looks at, not for a world in files.

Shapes: N = images asked for, H, W = height and width.
"""

import copy
from collections.abc import Callable
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate

from egomm.apis.extract import load_encoders, sha256_of_file
from egomm.datasets.flow import FlowEngine, FlowSettings
from egomm.datasets.media import AudioPart
from egomm.datasets.token_writer import TokenWriter
from egomm.registry import TRANSFORMS
from egomm.testing.annotations import image_number, narration_id
from egomm.testing.drawing import Artist
from egomm.testing.drawn_clips import SPLITS
from egomm.testing.media import flow_engine
from egomm.testing.motion import track_video
from egomm.testing.plan import Video, plan_world
from egomm.testing.sound import RATE, synthesize
from egomm.testing.spec import KitchenSpec


class DrawnImages:
    """``images[indices]`` of a video, ``(N, H, W, 3)``, drawn when they are asked for."""

    def __init__(self, spec: KitchenSpec, video: Video) -> None:
        artist = Artist(spec, video, track_video(spec, video))
        self._drawn = cache(artist.frame)  # flow and RGB ask for the same ones
        self._count, self._stride = video.frames, video.flow_stride

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        return np.stack([self._image(min(int(index), self._count - 1)) for index in indices])

    def _image(self, index: int) -> np.ndarray:
        """As `Artist.frames` has it: what flow skips is the mean of its neighbours."""
        if index % self._stride and index + 1 < self._count:
            return cv2.addWeighted(self._drawn(index - 1), 0.5, self._drawn(index + 1), 0.5, 0)
        return self._drawn(index)


class KitchenFlow(FlowEngine):
    """Flow between two images, computed as for the files of a world."""

    def __init__(self, spec: KitchenSpec, stride: int) -> None:
        super().__init__(FlowSettings('dis', spec.flow_bound, stride))
        self._calc = flow_engine().calc


class KitchenSound:
    """The sound of a video at any time."""

    def __init__(self, spec: KitchenSpec, video: Video) -> None:
        self._wave = synthesize(spec, video).astype(np.float32) / 32_768

    def read(self, first: int, count: int, sample_rate: int) -> AudioPart:
        """See `egomm.datasets.media.read_audio`."""
        assert sample_rate == RATE, sample_rate
        start, stop = max(0, -first), max(0, min(count, len(self._wave) - first))
        samples = np.zeros(count, np.float32)
        samples[start:stop] = self._wave[first + start : first + stop]
        return AudioPart(samples, start, stop)


def pack_video(spec: KitchenSpec, video: Video, pipeline: Callable[[dict], dict]) -> list[dict]:
    """What a pipeline makes of every action of a video."""
    images = DrawnImages(spec, video)
    engine = KitchenFlow(spec, video.flow_stride)
    sources = {
        'rgb': {'type': 'memory', 'images': images},
        'flow': {'type': 'memory', 'images': images, 'engine': engine},
        'audio': {'type': 'memory', 'sound': KitchenSound(spec, video)},
    }
    items = []
    for index, action in enumerate(video.actions):
        verb, noun = action.annotated
        record = {
            'narration_id': narration_id(video, index),
            'participant_id': video.participant_id,
            'video_id': video.video_id,
            'start_seconds': action.start,
            'stop_seconds': action.stop,
            'start_frame': image_number(action.start, video.fps),
            'stop_frame': image_number(action.stop, video.fps),
            'gt': {'verb': verb, 'noun': noun},
            'sources': sources,
            'present': {},
            'conditions': {},
            'padding': False,
            'rng': np.random.default_rng(0),  # nothing in a test is random
        }
        item = pipeline(record)
        item['data_samples'].set_metainfo({'shown': sorted(action.shown)})
        items.append(item)
    return items


def write_clip_tokens(
    spec: KitchenSpec,
    encoder: tuple[Config, Path],
    out: Path,
    say: Callable[[str], None],
) -> None:
    """Write ``out/train``, ``out/val`` and ``out/test``, or what of them is not there yet.

    Besides ids and labels a clip has ``shown`` in its ``metainfo``: the evidence that is in it, as
    of `Segment`.

    Args:
        spec: The world.
        encoder: Config and checkpoint of a recognizer of RGB, flow and sound.
        out: Folder of the tokens.
        say: Takes a line about what is going on.
    """
    config, checkpoint = encoder
    model = load_encoders(config, str(checkpoint))
    steps = config.test_dataloader.dataset.pipeline.values()
    pipeline = Compose([TRANSFORMS.build(copy.deepcopy(step)) for step in steps if step])
    about: dict = {'dtype': 'float16', 'checkpoint': sha256_of_file(checkpoint)}
    videos = plan_world(spec)
    for split, name in SPLITS.items():
        chosen = [video for video in videos if video.split == name]
        clips = sum(len(video.actions) for video in chosen)
        data = {'split': split, 'clips': clips, 'metainfo': {}, 'spec': spec.to_dict()}
        writer, first = None, 0
        for video in chosen:
            first += len(video.actions)
            if writer is not None and first <= writer.done:
                continue
            items = pack_video(spec, video, pipeline)
            batch = pseudo_collate(items)
            with torch.no_grad():
                streams = model.encode(model.data_preprocessor(batch, training=False)['inputs'])
            tokens = {modality: stream.x for modality, stream in streams.items()}
            if writer is None:
                about['shapes'] = {key: list(value.shape[1:]) for key, value in tokens.items()}
                writer = TokenWriter(out / split, about, data)
                if writer.done < clips:
                    writer.start()
            new = max(0, len(items) - max(0, first - writer.done))
            if new < len(items):
                writer.write(
                    {key: value[new:] for key, value in tokens.items()},
                    {key: value[new:] for key, value in batch['present'].items()},
                    batch['data_samples'][new:],
                )
        assert writer is not None
        say(f'{split}: {writer.done} clips in {out / split}')
