"""Features of the long videos from a recognizer that learned on other people's short clips."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

from mmengine.config import Config

from egomm.apis.launch import build_runner
from egomm.apis.windows import extract_windows
from egomm.testing.moments import write_movie
from egomm.testing.spec import PRESETS, KitchenSpec
from egomm.testing.timeline import TimelineSpec, plan_timelines
from egomm.testing.timeline_features import STRIDE, WINDOW
from egomm.testing.toy_kitchen import make_toy_kitchen, print_progress

CONFIG = 'moments_recognizer.py'


def recognizer_world(spec: TimelineSpec) -> KitchenSpec:
    """Short clips for the recognizer: the same words and pairs, another seed and other people.

    All evidence is in RGB and on the object: its kind, and what is done to it.
    """
    return dataclasses.replace(
        spec.kitchen(PRESETS['study']),
        seed=100,
        train_videos=18,
        validation_videos=3,
        test_videos=1,
        train_pairs=spec.verbs * spec.nouns,
        conflict=1.0,
        verb_signal=(0.9, 0.0, 0.0),
        noun_signal=(0.9, 0.0, 0.0),
        images='actions',
    )


def train_recognizer(
    spec: TimelineSpec, root: Path, configs: Path, say: Callable[[str], None]
) -> tuple[Config, Path]:
    """Train the recognizer on its world, or find its checkpoint.

    Args:
        spec: The long videos whose words it has to know.
        root: Folder for world and checkpoint.
        configs: Folder of the toy configs.
        say: Takes a line about what is going on.

    Returns:
        Its config and checkpoint.
    """
    world, out = root / 'recognizer', root / 'recognizer_run'
    config = Config.fromfile(configs / CONFIG)
    checkpoint = out / 'recognizer.pth'
    if checkpoint.is_file():
        return config, checkpoint
    make_toy_kitchen(world, recognizer_world(spec), progress=print_progress)
    for split in ('train', 'val', 'test'):
        loader = config[f'{split}_dataloader']
        loader.dataset.data_root = f'{world}/'
        loader.update(num_workers=0, persistent_workers=False)
    for key in ('tail_verbs', 'tail_nouns', 'unseen'):
        path = world / 'annotations' / Path(config.val_evaluator[key]).name
        config.val_evaluator[key] = str(path)
    config.test_evaluator = config.val_evaluator
    config.work_dir, config.launcher = str(out), 'none'
    say(f'training the recognizer, log in {out}')
    runner = build_runner(config)
    runner.train()
    scores = runner.val()
    say('recognizer: ' + ', '.join(f'{name} {value:.1f}' for name, value in scores.items()))
    (out / 'scores.json').write_text(json.dumps(scores), encoding='utf-8')
    shutil.copyfile(out / f'epoch_{runner.max_epochs}.pth', checkpoint.with_suffix('.partial'))
    checkpoint.with_suffix('.partial').replace(checkpoint)
    shutil.rmtree(world)
    return config, checkpoint


def recognizer_features(
    spec: TimelineSpec, root: Path, configs: Path, say: Callable[[str], None]
) -> tuple[Path, int]:
    """Draw the long videos one by one, keep what the recognizer sees in them, delete them again.

    Boundary noise is in the annotations alone, so worlds that differ in it share the features.

    Args:
        spec: The long videos.
        root: Folder for everything.
        configs: Folder of the toy configs.
        say: Takes a line about what is going on.

    Returns:
        Folder of the features and their channels.
    """
    out = root / f'features_{spec.core}'
    timelines = plan_timelines(spec)
    if not all((out / f'{timeline.video_id}.npy').is_file() for timeline in timelines):
        config, checkpoint = train_recognizer(spec, root, configs, say)
        videos = root / f'videos_{spec.core}'
        videos.mkdir(parents=True, exist_ok=True)
        kitchen = spec.kitchen(PRESETS['study'])
        paths = [videos / f'{timeline.video_id}.mp4' for timeline in timelines]
        for done, (path, timeline) in enumerate(zip(paths, timelines, strict=True), start=1):
            write_movie(path, kitchen, timeline, sound=False)
            if done % 20 == 0:
                say(f'{videos.name}: {done} of {len(paths)} drawn')
        failed = extract_windows(
            config,
            str(checkpoint),
            paths,
            out,
            window=WINDOW,
            stride=STRIDE,
            fps=spec.fps,
            batch_size=32,
            say=lambda line: None,
        )
        assert not failed, failed
        shutil.rmtree(videos)
    manifest = json.loads((out / 'manifest.json').read_text(encoding='utf-8'))
    return out, manifest['dim']
