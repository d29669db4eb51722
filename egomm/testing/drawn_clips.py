"""Clips of the toy kitchen as feature maps and points, drawn without any media in between.

A study needs eight frames of a clip; to draw only these takes a small part of the time of a world
in files. What is kept is the map that the first layers of a trained encoder make of them, in the
format of `egomm.datasets.cached`, so that a run can train the rest of the network within seconds.

Shapes: N = clips of a video, F = frames of a clip, T = steps of the map.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from torch import Tensor, nn

from egomm.apis.extract import load_encoders
from egomm.datasets.token_writer import TokenWriter
from egomm.functional.points import follow_crop, inside, pixel_to_relative
from egomm.functional.whole_files import sha256_of_file
from egomm.structures import EgoSample
from egomm.testing.annotations import narration_id
from egomm.testing.drawing import Artist
from egomm.testing.motion import Tracks, track_video
from egomm.testing.plan import Video, choose_pairs, plan_world
from egomm.testing.spec import KitchenSpec
from egomm.testing.truth import gaze_record, hand_record

FRAMES = 8
EVERY = 2  # frames of one step of the map
LAYERS = 3  # of the encoder, each of a convolution, a normalisation and an activation
SPLITS = {'train': 'train', 'val': 'validation', 'test': 'test'}


def frames_of_clips(video: Video) -> np.ndarray:
    """Numbers ``(N, F)`` of the images in the middle of F equal parts of every action."""
    shares = (np.arange(FRAMES) + 0.5) / FRAMES
    seconds = [a.start + shares * (a.stop - a.start) for a in video.actions]
    return (np.stack(seconds) * video.fps).astype(int)


def draw_clips(spec: KitchenSpec, video: Video, tracks: Tracks) -> np.ndarray:
    """The square in the middle of these images, ``(N, F, height, height, 3)`` uint8."""
    artist = Artist(spec, video, tracks)
    left = (spec.width - spec.height) // 2
    return np.stack(
        [
            [artist.frame(number)[:, left : left + spec.height] for number in clip]
            for clip in frames_of_clips(video)
        ]
    )


def point_labels(spec: KitchenSpec, video: Video, tracks: Tracks) -> dict[str, np.ndarray]:
    """Points of every step within the square of `draw_clips`, and the same without information.

    ``hands`` ``(N, T, 2, 3)`` and ``gaze`` ``(N, T, 1, 3)`` as of `PointTargets`;
    ``hands_other`` and ``gaze_other`` are those of the clip half a video away, ``gaze_away`` is
    gaze that never rests on the object that is handled (``gaze_info`` 0).
    """
    away = dataclasses.replace(spec, gaze_info=0.0)
    record = hand_record(spec, tracks)
    sides = [record[side] for side in ('left', 'right')]
    hands = _labels(
        spec, video, [side['xy'] for side in sides], [side['visible'] for side in sides]
    )
    gazes = {}
    for name, seen in (('gaze', tracks), ('gaze_away', track_video(away, video))):
        found = gaze_record(spec, seen)
        gazes[name] = _labels(spec, video, [found['xy']], [found['tracked']])
    half = len(hands) // 2
    return {
        'hands': hands,
        'hands_other': np.roll(hands, half, axis=0),
        **gazes,
        'gaze_other': np.roll(gazes['gaze'], half, axis=0),
    }


def write_tokens(
    spec: KitchenSpec,
    encoder: tuple[Config, Path],
    out: Path,
    say: Callable[[str], None],
) -> None:
    """Write ``out/train``, ``out/val`` and ``out/test``, or what of them is not there yet.

    Labels are ``verb``, ``noun``, the points of `point_labels`, and ``action``: the number of the
    pair among those of the training split, left out where the pair is not among them.

    Args:
        spec: The world.
        encoder: Config and checkpoint of a recognizer whose RGB encoder is a `SmallConvNet`.
        out: Folder of the tokens.
        say: Takes a line about what is going on.
    """
    config, checkpoint = encoder
    layers, normalise = _first_layers(config, checkpoint)
    pairs = np.argwhere(choose_pairs(spec)[0]).tolist()
    videos = plan_world(spec)
    side = spec.height // 2**LAYERS
    about = {
        'dtype': 'float16',
        'shapes': {'rgb': [_channels(layers), FRAMES // EVERY, side, side]},
        'checkpoint': sha256_of_file(checkpoint),
        'layers': LAYERS,
    }
    for split, name in SPLITS.items():
        chosen = [video for video in videos if video.split == name]
        clips = sum(len(video.actions) for video in chosen)
        data = {'split': split, 'clips': clips, 'metainfo': {}, 'spec': spec.to_dict()}
        writer = TokenWriter(out / split, about, data)
        begun, first = writer.done, 0
        if begun < clips:
            writer.start()
        for video in chosen:
            skipped = max(0, begun - first)
            first += len(video.actions)
            if skipped >= len(video.actions):
                continue
            tracks = track_video(spec, video)
            images = torch.from_numpy(draw_clips(spec, video, tracks)[skipped:])
            with torch.no_grad():
                maps = layers(normalise(images.movedim(-1, 1)))
            samples = _samples(video, pairs, point_labels(spec, video, tracks))[skipped:]
            writer.write({'rgb': maps}, {'rgb': [True] * len(maps)}, samples)
        say(f'{split}: {writer.done} clips in {out / split}')


def _labels(spec: KitchenSpec, video: Video, xy: list, seen: list) -> np.ndarray:
    """Targets ``(N, T, L, 3)`` of L points, each with a place and visibility an image."""
    numbers = frames_of_clips(video)[:, ::EVERY]
    pixels = np.stack([np.asarray(places)[numbers] for places in xy], axis=2)
    margin = (spec.width - spec.height) // 2 / spec.width
    relative = pixel_to_relative(pixels, (spec.width, spec.height))
    points = follow_crop(relative, (margin, 0.0, 1 - margin, 1.0))
    visible = np.stack([np.asarray(values)[numbers] for values in seen], axis=2) & inside(points)
    return np.concatenate([points, visible[..., None]], axis=-1)


def _samples(video: Video, pairs: list, points: dict[str, np.ndarray]) -> list[EgoSample]:
    samples = []
    for index, action in enumerate(video.actions):
        verb, noun = action.annotated
        gt = {'verb': verb, 'noun': noun}
        if [verb, noun] in pairs:
            gt['action'] = pairs.index([verb, noun])
        gt |= {task: np.round(values[index], 4).tolist() for task, values in points.items()}
        metainfo = {
            'narration_id': narration_id(video, index),
            'participant_id': video.participant_id,
            'video_id': video.video_id,
        }
        samples.append(EgoSample(metainfo=metainfo, gt=gt))
    return samples


def _first_layers(
    config: Config, checkpoint: Path
) -> tuple[nn.Sequential, Callable[[Tensor], Tensor]]:
    model = load_encoders(config, str(checkpoint))
    scale = config.model.data_preprocessor.modalities.rgb
    mean, std = (torch.tensor(scale[name]).view(3, 1, 1, 1) for name in ('mean', 'std'))
    # A layer is a convolution, a normalisation and an activation.
    return model.backbones['rgb'].layers[: 3 * LAYERS].cpu(), lambda x: (x.float() - mean) / std


def _channels(layers: nn.Sequential) -> int:
    return [layer for layer in layers if isinstance(layer, nn.Conv3d)][-1].out_channels
