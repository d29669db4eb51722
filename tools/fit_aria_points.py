"""Overfit hands and gaze on the frames of a Project Aria recording, with a coarse and a fine map.

    python tools/fit_aria_points.py FOLDER [--out PICTURES]

FOLDER has gen2_rgb_<n>_504x378.jpg and gen2_hand_gaze_pixels.json, points in pixels of the full
resolution, 2016 x 1512. A network of three convolutions (`PatchNet`, small enough for a CPU) makes
7 x 7 cells of a crop of 224. It learns the frames and shifted, cropped copies of them by heart,
with heat maps of 7 x 7 cells and with two deconvolutions, 28 x 28.

Printed are the distances between predicted and true points in pixels of the 224 that the whole
frame makes; points of copies are mapped back to it. A mean of 7 x 7 cells cannot reach the outer
15.5 pixels: points there are counted apart.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from egomm.apis import launch  # noqa: E402
from egomm.structures import Stream  # noqa: E402

SIZE = 224
FULL = (2016, 1512)  # width and height that the file's points refer to
POINTS = ('left hand', 'right hand', 'gaze')
COARSE, FINE = (), (32, 32)  # channels of the deconvolutions
CELLS = 7
CHANNELS = 96


class PatchNet(nn.Module):
    """Patches of 8 x 8 pixels, then two convolutions that halve height and width."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after, size, stride in ((3, 64, 8, 8), (64, 96, 3, 2), (96, CHANNELS, 3, 2)):
            conv = nn.Conv3d(
                before,
                after,
                (1, size, size),
                stride=(1, stride, stride),
                padding=(0, size % 2, size % 2),
                bias=False,
            )
            layers += [conv, nn.BatchNorm3d(after), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers)

    def forward(self, stream: Stream) -> Stream:
        return Stream(self.layers(stream.x), stream.mask)


class Copy(NamedTuple):
    """A frame, or a part of it.

    Attributes:
        image: ``(224, 224, 3)`` uint8.
        box: Of the part, relative to the frame.
        targets: ``(3, 3)``: x, y (normalised in the image) and visibility of `POINTS`.
        frame: Number of the frame.
    """

    image: np.ndarray
    box: tuple[float, float, float, float]
    targets: np.ndarray
    frame: int


class Fit(NamedTuple):
    """How well a network has learnt its copies; K = all visible points of all copies.

    Attributes:
        errors: Pixels of the frame's 224, ``(K,)``.
        whole: Whether the copy is the whole frame, ``(K,)``.
        reachable: Whether 7 x 7 cells reach the point in its copy, ``(K,)``.
        unreachable_logged: Percent that the head logs as out of reach of its own map.
        predicted: Normalised points of each copy, ``(copies, 3, 2)``.
        heatmaps: ``(copies, 3, h, w)``.
    """

    errors: np.ndarray
    whole: np.ndarray
    reachable: np.ndarray
    unreachable_logged: float
    predicted: np.ndarray
    heatmaps: np.ndarray


def read_copies(folder: Path, parts: int) -> list[Copy]:
    """Each frame whole and ``parts`` shifted and cropped copies of it, made by the transforms."""
    from mmengine.registry import DefaultScope
    from PIL import Image

    from egomm.functional.points import pixel_to_relative
    from egomm.registry import TRANSFORMS

    with DefaultScope.overwrite_default_scope('egomm'):
        crop = TRANSFORMS.build(dict(type='RandomResizedCrop', size=SIZE, scale=(0.6, 0.95)))
        resize = TRANSFORMS.build(dict(type='ResizeSquare', size=SIZE))
        targets = TRANSFORMS.build(dict(type='PointTargets'))
    rng, copies = np.random.default_rng(0), []
    for row in json.loads((folder / 'gen2_hand_gaze_pixels.json').read_text(encoding='utf-8')):
        path = folder / f'gen2_rgb_{row["frame"]}_504x378.jpg'
        frame = np.asarray(Image.open(path).convert('RGB'))[None]
        places = pixel_to_relative([row['left_hand'], row['right_hand'], row['gaze']], FULL)
        points = np.concatenate([places, np.ones((3, 1))], axis=1).astype(np.float32)
        for number in range(1 + parts):
            results: dict[str, Any] = dict(
                rgb=frame,
                present=dict(rgb=True),
                points=dict(all=points[None]),
                rng=rng,
                gt={},
            )
            results = targets((crop if number else resize)(results))
            box = results.get('crop_box', (0.0, 0.0, 1.0, 1.0))
            copies.append(Copy(results['rgb'][0], box, results['gt']['all'][0], row['frame']))
    return copies


def build(deconvolutions: Sequence[int]) -> Any:
    """The multi-task model with heads for hands and gaze on a map of 7 x 7 cells."""
    from mmengine.registry import DefaultScope

    from egomm.registry import MODELS

    def points(count: int) -> dict:
        return dict(
            type='CoordinateHead',
            in_channels=CHANNELS,
            num_points=count,
            source='rgb',
            deconvolutions=deconvolutions,
        )

    normalise = dict(rgb=dict(mean=[124.0, 117.0, 104.0], std=[58.4, 57.1, 57.4]))
    with DefaultScope.overwrite_default_scope('egomm'):
        return MODELS.build(
            dict(
                type='MultiIOModel',
                data_preprocessor=dict(type='EgoDataPreprocessor', modalities=normalise),
                backbones=dict(rgb=dict(type=PatchNet)),
                neck=dict(type='torch.nn.Identity'),
                heads=dict(hands=points(2), gaze=points(1)),
            )
        )


def fit(copies: Sequence[Copy], deconvolutions: Sequence[int], steps: int) -> Fit:
    """Train on all copies at once, ``steps`` times, and measure on the same ones."""
    from mmengine.optim import OptimWrapper

    from egomm.functional.points import undo_crop
    from egomm.structures import EgoSample

    torch.manual_seed(0)
    model = build(deconvolutions)
    truth = np.stack([copy.targets for copy in copies])
    batch = dict(
        inputs=dict(
            rgb=[torch.from_numpy(c.image.copy()).permute(2, 0, 1)[:, None] for c in copies]
        ),
        present=dict(rgb=[True] * len(copies)),
        data_samples=[
            EgoSample(gt=dict(hands=points[None, :2], gaze=points[None, 2:])) for points in truth
        ],
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    wrapper = OptimWrapper(optimizer)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    model.train()
    for _ in range(steps):
        logged = model.train_step(batch, wrapper)
        schedule.step()
    answers = [sample.pred for sample in model.eval().test_step(batch)]
    predicted, heatmaps = (
        np.stack([np.concatenate([a['hands'][key][0], a['gaze'][key][0]]) for a in answers])
        for key in ('points', 'heatmaps')
    )
    errors = np.stack(
        [
            np.linalg.norm(undo_crop(p, c.box) - undo_crop(c.targets[:, :2], c.box), axis=1) * SIZE
            for p, c in zip(predicted, copies)
        ]
    )
    visible = truth[..., 2] > 0
    reachable = (np.abs(truth[..., :2]) <= 1 - 1 / CELLS).all(axis=-1)
    whole = np.array([c.box == (0, 0, 1, 1) for c in copies])[:, None] & visible
    counts = visible[:, :2].sum(), visible[:, 2:].sum()
    out = [float(logged[f'{task}/unreachable']) for task in ('hands', 'gaze')]
    return Fit(
        errors[visible],
        whole[visible],
        reachable[visible],
        float(np.average(out, weights=counts)),
        predicted,
        heatmaps,
    )


def report(name: str, result: Fit) -> str:
    """A line with the numbers."""
    parts = []
    for words, where in (
        ('whole frames', result.whole & result.reachable),
        ('copies', ~result.whole & result.reachable),
        ('out of reach of 7 x 7', ~result.reachable),
    ):
        values = result.errors[where]
        parts.append(
            f'{words} ({len(values)} points): mean {values.mean():.2f}, largest {values.max():.2f}'
        )
    return f'{name}: {"; ".join(parts)} px; logged unreachable {result.unreachable_logged:.1f} %'


def draw(copies: Sequence[Copy], result: Fit, path: Path) -> None:
    """All copies with their heat maps and points."""
    from PIL import Image

    from egomm.visualization.points import point_row, sheet

    images = np.stack([copy.image for copy in copies])
    truth = np.stack([copy.targets for copy in copies])
    rows = [
        point_row(name, images, result.heatmaps[:, k], result.predicted[:, k], truth[:, k])
        for k, name in enumerate(POINTS)
    ]
    Image.fromarray(sheet(rows, len(copies))).save(path)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description='Overfit points on frames of Project Aria.')
    parser.add_argument('folder', type=Path, help='the folder with frames and points')
    parser.add_argument('--steps', type=int, default=250, help='training steps')
    parser.add_argument('--copies', type=int, default=3, help='shifted and cropped, a frame')
    parser.add_argument('--out', type=Path, help='folder for pictures')
    args = parser.parse_args(arguments)
    copies = read_copies(args.folder, args.copies)
    for name, deconvolutions in (('7 x 7', COARSE), ('28 x 28', FINE)):
        result = fit(copies, deconvolutions, args.steps)
        print(report(name, result), flush=True)
        if args.out:
            args.out.mkdir(parents=True, exist_ok=True)
            draw(copies, result, args.out / f'aria_{name.replace(" ", "")}.png')


if __name__ == '__main__':
    launch.run(main)
