"""Generates the toy kitchen: a small egocentric world in the layout of EPIC-KITCHENS-100."""

import csv
import json
import multiprocessing
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2

from egomm.testing.annotations import write_annotations
from egomm.testing.drawing import Artist
from egomm.testing.media import write_media
from egomm.testing.motion import track_video
from egomm.testing.plan import Video, plan_world
from egomm.testing.sound import synthesize
from egomm.testing.spec import PRESETS, KitchenSpec
from egomm.testing.truth import write_video_truth, write_world_truth

STAMP = 'toy_kitchen.json'
MOST_PROCESSES = 8


def make_toy_kitchen(
    out: str | os.PathLike,
    spec: KitchenSpec | None = None,
    processes: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict:
    """Writes a world, or finds the same one already there.

    The files do not depend on the number of processes. A folder whose generation was
    interrupted is emptied of its remains and written again.

    Args:
        out: Root of the data set, a folder that is new, empty or an earlier toy kitchen.
        spec: The world; default is the ``quick`` preset.
        processes: Processes that draw; default is one per available core, at most 8. With
            more than one, a script that calls this needs its ``__main__`` guard.
        progress: Called with (videos done, videos in all).

    Returns:
        Summary: counts of clips and videos, majority classes, bytes, seconds, ``reused``.

    Raises:
        ValueError: If the folder holds a world of another spec, or other people's files.
    """
    root, spec = Path(out), spec or PRESETS['quick']
    found = _inspect(root, spec)
    if found is not None:
        return {**found, 'reused': True}
    begin = time.perf_counter()
    root.mkdir(parents=True, exist_ok=True)
    stamp = {
        'made_by': 'egomm toy kitchen',
        'digest': spec.digest(),
        'complete': False,
        'spec': spec.to_dict(),
    }
    _write_stamp(root, stamp)
    videos = plan_world(spec)
    write_annotations(root, spec, videos)
    write_world_truth(root, spec, videos)
    size = _draw_all(root, spec, videos, processes or cores(), progress or (lambda a, b: None))
    summary = _summary(videos, size, time.perf_counter() - begin)
    _write_stamp(root, {**stamp, 'complete': True, 'summary': summary})
    return {**summary, 'reused': False}


def true_labels(root: str | os.PathLike) -> dict[str, tuple[int, int]]:
    """True (verb, noun) of every clip by narration id, test clips included."""
    with (Path(root) / 'truth' / 'labels.csv').open(newline='', encoding='utf-8') as file:
        return {
            row['narration_id']: (int(row['verb_class']), int(row['noun_class']))
            for row in csv.DictReader(file)
        }


def _inspect(root: Path, spec: KitchenSpec) -> dict | None:
    """Summary of a complete equal world, None where one may be written."""
    if not root.exists() or not any(root.iterdir()):
        return None
    if not (root / STAMP).is_file():
        raise ValueError(
            f'The toy kitchen needs a new or empty folder, but {root} holds other '
            'files. Choose another folder.'
        )
    stamp = json.loads((root / STAMP).read_text(encoding='utf-8'))
    if not stamp['complete']:
        for entry in root.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        return None
    if stamp['digest'] != spec.digest():
        wanted = spec.to_dict()
        other = [
            f'{key} is {value!r} there and {wanted.get(key)!r} here'
            for key, value in stamp['spec'].items()
            if wanted.get(key) != value
        ]
        raise ValueError(
            f'{root} holds a toy kitchen of another spec: '
            f'{"; ".join(other) or "made by another version of the generator"}. '
            'Delete that folder or choose another one.'
        )
    return stamp['summary']


def _write_stamp(root: Path, stamp: dict) -> None:
    partial = root / f'{STAMP}.partial'
    partial.write_text(json.dumps(stamp, indent=1) + '\n', encoding='utf-8')
    partial.replace(root / STAMP)


def cores() -> int:
    """Cores that this process may use, at most 8."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # only Linux tells
        cores = os.cpu_count() or 1
    return min(cores, MOST_PROCESSES)


def _draw_all(
    root: Path,
    spec: KitchenSpec,
    videos: list[Video],
    processes: int,
    progress: Callable[[int, int], None],
) -> int:
    jobs = [(root, spec, video) for video in videos]
    size = 0
    progress(0, len(videos))
    if min(processes, len(videos)) == 1:
        for done, job in enumerate(jobs, start=1):
            size += _draw(job)
            progress(done, len(videos))
        return size
    # Spawned, not forked: the caller may hold threads (torch).
    context = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(min(processes, len(videos)), mp_context=context) as pool:
        for done, written in enumerate(pool.map(_draw, jobs), start=1):
            size += written
            progress(done, len(videos))
    return size


def _draw(job: tuple[Path, KitchenSpec, Video]) -> int:
    root, spec, video = job
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        tracks = track_video(spec, video)
        size = write_media(
            root, spec, video, Artist(spec, video, tracks).frames(), synthesize(spec, video)
        )
        write_video_truth(root, spec, video, tracks)
    finally:
        cv2.setNumThreads(threads)
    return size


def _summary(videos: list[Video], size: int, seconds: float) -> dict:
    summary: dict = {
        'videos': len(videos),
        'frames': sum(v.frames for v in videos),
        'participants': len({v.participant for v in videos}),
        'splits': {},
    }
    for split in ('train', 'validation', 'test'):
        labels = [a.annotated for v in videos if v.split == split for a in v.actions]
        majority = {
            task: Counter(label[k] for label in labels).most_common(1)[0][1] / len(labels)
            for k, task in enumerate(('verb', 'noun'))
        }
        summary['splits'][split] = {
            'videos': sum(v.split == split for v in videos),
            'clips': len(labels),
            'majority': majority,
        }
    return {**summary, 'bytes': size, 'seconds': round(seconds, 2)}


def print_progress(done: int, total: int) -> None:
    """One line that is written over on a terminal, a line now and then elsewhere."""
    if sys.stderr.isatty():
        end = '\n' if done == total else ''
        sys.stderr.write(f'\rtoy kitchen: video {done} of {total}{end}')
    elif done == total or done % max(1, total // 6) == 0:
        sys.stderr.write(f'toy kitchen: video {done} of {total}\n')
    sys.stderr.flush()
