"""Pictures of what a trained model sees: points with their heat maps, and saliency tubes.

    python tools/visualize.py configs/toy/multitask_vh.py work_dirs/multitask_vh/epoch_7.pth OUT

writes <clip>.png and <clip>.mp4 for some clips of the test part: frames; for each head of points
its heat map, predicted (cross) and true point (ring); for each head that classifies from the
backbone's map the saliency tube of the class it answers.

    python tools/visualize.py configs/toy/multitask_vh.py VH.pth OUT \\
        --against configs/toy/multitask_v.py V.pth

also measures how much of the mass of both models' tubes lies in the boxes of the hands, on all
clips of the first config, whose labels of hands both are measured with: OUT/hand_mass.json has the
shares and the difference, paired by clip, with its 95 % interval. A track has no boxes; a square
of --box of the image's side around each point stands for one.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# `projects/` of this checkout can be imported from any folder; an installed egomm comes first.
sys.path.append(str(Path(__file__).resolve().parents[1]))

import numpy as np  # noqa: E402

from egomm.apis import launch  # noqa: E402
from egomm.functional.saliency import boxes_around, mass_in_boxes  # noqa: E402

FPS = 8  # of the film; the clips are a few sampled frames
POINTS = {'hands': ('left hand', 'right hand'), 'gaze': ('gaze',)}


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Pictures of what a trained model sees.')
    launch.add_common_arguments(parser)
    parser.add_argument('checkpoint', help='path of the checkpoint')
    parser.add_argument('out', help='folder to write into')
    parser.add_argument('--clips', type=int, default=6, help='how many clips to draw')
    parser.add_argument(
        '--against',
        nargs=2,
        metavar=('CONFIG', 'CHECKPOINT'),
        help='another model; compare the mass that both give to the hands',
    )
    parser.add_argument('--task', default='verb', help='whose tubes to compare')
    parser.add_argument(
        '--box', type=float, default=0.4, help="side of a hand's box, as a share of the image's"
    )
    args = parser.parse_args(arguments)
    if not 0 < args.box <= 1:
        parser.error(f'--box wants a share of the side of the image, 0 to 1; got {args.box}')
    return args


def clips_of(batch: Any) -> list:
    """RGB of the clips of a batch."""
    if isinstance(batch, list) or 'rgb' not in batch['inputs']:
        got = 'several views' if isinstance(batch, list) else sorted(batch['inputs'])
        raise ValueError(
            f'Pictures want RGB of one view a clip; got {got}. Take a config that tests like that.'
        )
    return batch['inputs']['rgb']


def encode(model: Any, batch: dict) -> dict:
    """What the neck gives for a batch, by name."""
    import torch

    with torch.no_grad():
        return model.extract(model.data_preprocessor(batch, False)['inputs'])


def tubes(model: Any, outputs: dict, task: str, size: tuple[int, int, int]) -> tuple[list, list]:
    """Class and saliency tube of each sample, in the size of the clip."""
    from egomm.apis.saliency import class_activations
    from egomm.visualization.saliency import saliency_tube

    classes, activations = class_activations(model, outputs, task)
    return classes, [saliency_tube(cells, size) for cells in activations]


def clip_rows(config: Any, model: Any, loader: Any, place: int) -> tuple[str, list]:
    """Name of one clip, and the rows of its picture: frames, then points, then saliency."""
    import torch

    from egomm.models import ClassificationHead, CoordinateHead
    from egomm.visualization.points import frame_row, point_row, saliency_row

    batch = loader.collate_fn([loader.dataset[place]])
    [clip], [sample] = clips_of(batch), batch['data_samples']
    frames = clip.permute(1, 2, 3, 0).numpy()
    outputs = encode(model, batch)
    points, saliency = [], []
    for task, head in model.heads.items():
        truth = sample.gt.get(task)
        if isinstance(head, CoordinateHead):
            with torch.no_grad():
                [answer] = head.predict(outputs[head.source], [sample.metainfo])
            maps, predicted = answer['heatmaps'].numpy(), answer['points'].numpy()
            names = POINTS.get(task, [f'{task} {number}' for number in range(maps.shape[1])])
            for number, name in enumerate(names):
                true = None if truth is None else np.asarray(truth)[:, number]
                row = point_row(name, frames, maps[:, number], predicted[:, number], true)
                points.append(row)
        elif isinstance(head, ClassificationHead) and outputs[head.source].x.dim() == 5:
            [answer], [tube] = tubes(model, outputs, task, frames.shape[:3])
            title = f'{task}: {class_name(config, loader.dataset, task, answer)}'
            if truth is not None:
                title += f' (true: {class_name(config, loader.dataset, task, truth)})'
            saliency.append(saliency_row(title, frames, tube))
    return sample.narration_id, [frame_row(frames), *points, *saliency]


def class_name(config: Any, dataset: Any, task: str, number: int) -> str:
    """From ``<task>_idx.txt`` beside the annotations, or else the number."""
    wanted = config.test_dataloader.dataset
    path = Path(wanted.get('data_root', ''), wanted.ann_file).parent / f'{task}_idx.txt'
    names = dataset.read_class_names(str(path)) if path.is_file() else []
    return names[number] if number < len(names) else str(number)


def draw(config: Any, model: Any, loader: Any, out: Path, count: int) -> list[str]:
    """Pictures and films of ``count`` clips, evenly spaced over the data set; their names."""
    from PIL import Image

    from egomm.testing.media import MovieWriter
    from egomm.visualization.points import movie, sheet

    size, written = len(loader.dataset), []
    for place in np.linspace(0, size - 1, min(count, size)).round().astype(int).tolist():
        name, rows = clip_rows(config, model, loader, place)
        name = str(name).replace('/', '_')
        Image.fromarray(sheet(rows)).save(out / f'{name}.png')
        images = movie(rows)
        height, width = images[0].shape[:2]
        with MovieWriter(out / f'{name}.mp4', width, height, FPS, None) as film:
            for image in images:
                film.add(image)
        written += [f'{name}.png', f'{name}.mp4']
    return written


def hand_mass(models: dict[str, Any], loader: Any, task: str, side: float) -> dict[str, Any]:
    """Share of each model's mass in the boxes of hands, and what lies between the two models."""
    from egomm.testing.statistics import paired

    shares: dict[str, list[float]] = {name: [] for name in models}
    areas, clips = [], 0
    for batch in loader:
        sizes = [tuple(clip.shape[1:]) for clip in clips_of(batch)]
        answers = {}
        for name, model in models.items():
            answers[name] = tubes(model, encode(model, batch), task, sizes[0])[1]
        for number, sample in enumerate(batch['data_samples']):
            clips += 1
            hands = sample.gt.get('hands')
            if hands is None:
                continue
            steps = np.arange(sizes[number][0]) * len(hands) // sizes[number][0]
            hands = np.asarray(hands)[steps]
            boxes, visible = boxes_around(hands[..., :2], side), hands[..., 2] > 0
            found = {n: mass_in_boxes(answers[n][number], boxes, visible) for n in models}
            if np.isfinite(list(found.values())).all():
                areas.append(found[next(iter(models))][1])
                for name, (share, _) in found.items():
                    shares[name].append(share)
    if len(areas) < 2:
        raise ValueError(
            f'Only {len(areas)} of {clips} clips have visible hands. Give first the config whose '
            'data has hands, such as configs/toy/multitask_vh.py.'
        )
    first, other = shares.values()
    difference = paired(first, other)
    return dict(
        clips=len(areas),
        share={name: float(np.mean(values)) for name, values in shares.items()},
        share_of_pixels=float(np.mean(areas)),
        difference=dict(mean=difference.mean, low95=difference.low, high95=difference.high),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    args = parse_arguments(arguments)
    config = launch.load_config(args)
    config.merge_from_dict(args.cfg_options)
    from mmengine.config import Config
    from mmengine.registry import init_default_scope
    from mmengine.runner import Runner

    from egomm.apis.load import load_model

    init_default_scope(config.get('default_scope', 'egomm'))
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    model = load_model(config, args.checkpoint)
    loader = Runner.build_dataloader(config.test_dataloader, seed=0)
    written = draw(config, model, loader, out, args.clips)
    if args.against:
        other = load_model(Config.fromfile(args.against[0]), args.against[1])
        result = hand_mass({'first': model, 'other': other}, loader, args.task, args.box)
        files = dict(first=[args.config, args.checkpoint], other=list(args.against))
        report = dict(task=args.task, box=args.box, models=files, **result)
        (out / 'hand_mass.json').write_text(json.dumps(report, indent=2) + '\n', encoding='utf-8')
        written.append('hand_mass.json')
        print(
            f'mass of {args.task} in the boxes of hands, {result["clips"]} clips: '
            f'{100 * result["share"]["first"]:.1f} % against {100 * result["share"]["other"]:.1f} '
            f'% (pixels: {100 * result["share_of_pixels"]:.1f} %); difference '
            f'{100 * result["difference"]["mean"]:+.1f} points '
            f'[{100 * result["difference"]["low95"]:+.1f}, '
            f'{100 * result["difference"]["high95"]:+.1f}] (95 %, paired by clip)'
        )
    print(f'written to {out}: {", ".join(written)}')


if __name__ == '__main__':
    launch.run(main)
