"""The toy kitchen's long videos in the layout of Ego4D: moments, questions, media, truth.

``annotations/moments_{train,val}.json``, ``nlq_{train,val}.json``   official layout
``annotations/{moments,nlq}_test_unannotated.json``                  without the answers
``annotations/moment_classes.txt``                                   label map, by number
``annotations/ego4d.json``                                           how long each video is
``videos/{video}.mp4``                                               images and sound
``truth/...``                                                        what no loader reads
``toy_moments.json``                                                 settings of all this
"""

import dataclasses
import json
import multiprocessing
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from egomm.testing.drawing import Artist
from egomm.testing.media import MovieWriter
from egomm.testing.motion import track_video
from egomm.testing.questions import ask
from egomm.testing.sound import synthesize
from egomm.testing.spec import KitchenSpec
from egomm.testing.timeline import (
    Moment,
    Timeline,
    TimelineSpec,
    class_name,
    class_pairs,
    draw_cores,
    plan_timelines,
)

STAMP = 'toy_moments.json'
SHORTEST = 0.1  # seconds that an annotated moment lasts at least


def write_moments(
    out: Path,
    spec: TimelineSpec,
    look: KitchenSpec,
    progress: Callable[[int, int], None] = lambda done, total: None,
    sound: bool = True,
    processes: int = 1,
) -> list[Timeline]:
    """Write everything, or what an interrupted run of the same settings has left to do.

    Args:
        out: Folder to write into.
        spec: The long videos.
        look: Knobs of what the kitchen looks and sounds like.
        progress: Called with (videos done, videos in all).
        sound: Whether videos have any; it takes longer than the images.
        processes: Processes that draw.

    Returns:
        The plan that was written.
    """
    timelines = plan_timelines(spec)
    kitchen, videos, stamp = spec.kitchen(look), out / 'videos', out / STAMP
    settings = dict(spec=dataclasses.asdict(spec), kitchen=kitchen.digest(), sound=sound)
    settings = json.loads(json.dumps(settings))
    if not stamp.is_file() or json.loads(stamp.read_text(encoding='utf-8')) != settings:
        shutil.rmtree(videos, ignore_errors=True)
        stamp.unlink(missing_ok=True)
        write_moment_annotations(out, spec, timelines)
        _write(stamp, settings)
    videos.mkdir(exist_ok=True)
    jobs = [
        (videos / f'{timeline.video_id}.mp4', kitchen, timeline, sound) for timeline in timelines
    ]
    jobs = [job for job in jobs if not job[0].is_file()]
    before = len(timelines) - len(jobs)
    progress(before, len(timelines))
    if processes == 1 or len(jobs) < 2:
        for done, job in enumerate(jobs, start=before + 1):
            _write_movie_whole(*job)
            progress(done, len(timelines))
        return timelines
    # Spawned, not forked: the caller may hold threads (torch).
    context = multiprocessing.get_context('spawn')
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        for done, _ in enumerate(pool.map(_write_movie_whole, *zip(*jobs)), start=before + 1):
            progress(done, len(timelines))
    return timelines


def _write_movie_whole(path: Path, kitchen: KitchenSpec, timeline: Timeline, sound: bool) -> None:
    partial = path.with_name(f'partial_{path.name}')
    write_movie(partial, kitchen, timeline, sound)
    partial.replace(path)


def write_movie(path: Path, kitchen: KitchenSpec, timeline: Timeline, sound: bool) -> None:
    """Draw one video, with its sound if wanted."""
    video = timeline.video
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        artist = Artist(kitchen, video, track_video(kitchen, video))
        wave = synthesize(kitchen, video) if sound else None
        with MovieWriter(path, kitchen.width, kitchen.height, video.fps, wave) as movie:
            for frame in artist.frames():
                movie.add(frame)
    finally:
        cv2.setNumThreads(threads)


def write_moment_annotations(out: Path, spec: TimelineSpec, timelines: Sequence[Timeline]) -> None:
    """Write annotations and truth, no media."""
    home, truth = out / 'annotations', out / 'truth'
    for folder in (home, truth / 'timelines'):
        folder.mkdir(parents=True, exist_ok=True)
    pairs = class_pairs(spec)
    names = [class_name(pair) for pair in pairs]
    lines = [f'{number:03d}\t{name}\n' for number, name in enumerate(names)]
    (home / 'moment_classes.txt').write_text(''.join(lines), encoding='utf-8')
    durations = [
        dict(video_uid=row.video_id, duration_sec=row.video.frames / row.video.fps)
        for row in timelines
    ]
    _write(home / 'ego4d.json', dict(videos=durations))
    for split in ('train', 'val', 'test'):
        own = [timeline for timeline in timelines if timeline.split == split]
        moments = [(row, moment_annotations(spec, row, names)) for row in own]
        queries = [(row, query_annotations(spec, row, pairs)) for row in own]
        for kind, rows in (('moments', moments), ('nlq', queries)):
            labelled = home if split != 'test' else truth
            _write(labelled / f'{kind}_{split}.json', _envelope(split, rows))
            if split == 'test':
                hidden = [(row, _without_answers(kind, found)) for row, found in rows]
                _write(home / f'{kind}_test_unannotated.json', _envelope(split, hidden))
    cores = {name: core._asdict() for name, core in zip(names, draw_cores(spec), strict=True)}
    _write(truth / 'cores.json', cores)
    for timeline in timelines:
        _write(truth / f'timelines/{timeline.video_id}.json', _record(timeline, names))


def annotated_times(spec: TimelineSpec, timeline: Timeline, annotator: int) -> list[Moment]:
    """Moments in seconds of the clip as an annotator marks them: exact but in training."""
    rng = np.random.default_rng([timeline.video.seed, 21, annotator])
    begin, end = timeline.clip
    noise = spec.boundary_noise if timeline.split == 'train' else 0.0
    marked = []
    for start, stop, label in timeline.moments:
        errors = noise * (stop - start) * rng.uniform(-1, 1, size=2)
        first = float(np.clip(start + errors[0] - begin, 0, end - begin - SHORTEST))
        last = float(np.clip(stop + errors[1] - begin, first + SHORTEST, end - begin))
        marked.append(Moment(round(first, 3), round(last, 3), label))
    return marked


def moment_annotations(
    spec: TimelineSpec, timeline: Timeline, names: Sequence[str]
) -> list[dict[str, Any]]:
    """What each annotator of a clip says of its moments."""
    fps, begin = timeline.video.fps, timeline.clip[0]
    people = spec.annotators if timeline.split == 'train' else 1
    return [
        dict(
            annotator_uid=f'annotator_{person}',
            labels=[
                dict(
                    start_time=start,
                    end_time=stop,
                    label=names[label],
                    video_start_time=round(start + begin, 3),
                    video_end_time=round(stop + begin, 3),
                    video_start_frame=int((start + begin) * fps),
                    video_end_frame=int((stop + begin) * fps),
                    primary=True,
                )
                for start, stop, label in annotated_times(spec, timeline, person)
            ],
        )
        for person in range(people)
    ]


def query_annotations(
    spec: TimelineSpec, timeline: Timeline, pairs: Sequence[tuple[int, int]]
) -> list[dict[str, Any]]:
    """The questions about a clip, with the windows that its first annotator gives."""
    fps, begin = timeline.video.fps, timeline.clip[0]
    marked = annotated_times(spec, timeline, 0)
    asked = []
    for question in ask(timeline.moments, pairs):
        if question.template not in spec.questions:
            continue
        start, stop, _ = marked[question.answer]
        (noun_x, noun_y), (verb_x, verb_y) = (
            (*words, None, None)[:2] for words in (question.nouns, question.verbs)
        )
        asked.append(
            dict(
                clip_start_sec=start,
                clip_end_sec=stop,
                video_start_sec=round(start + begin, 3),
                video_end_sec=round(stop + begin, 3),
                video_start_frame=int((start + begin) * fps),
                video_end_frame=int((stop + begin) * fps),
                template=question.template,
                query=question.text,
                slot_x=noun_x,
                verb_x=verb_x,
                slot_y=noun_y,
                verb_y=verb_y,
                raw_tags=[question.template, question.text],
            )
        )
    return [dict(annotation_uid=f'{timeline.video_id}_questions', language_queries=asked)]


def _without_answers(kind: str, annotations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if kind == 'moments':
        return []
    kept = ('template', 'query', 'slot_x', 'verb_x', 'slot_y', 'verb_y')
    return [
        dict(
            annotation,
            language_queries=[
                {key: query[key] for key in kept} for query in annotation['language_queries']
            ],
        )
        for annotation in annotations
    ]


def _envelope(split: str, rows: Sequence[tuple[Timeline, list[dict[str, Any]]]]) -> dict[str, Any]:
    videos = []
    for timeline, annotations in rows:
        fps, (begin, end) = timeline.video.fps, timeline.clip
        clip = dict(
            clip_uid=timeline.clip_id,
            source_clip_uid=timeline.clip_id,
            video_start_sec=begin,
            video_end_sec=end,
            video_start_frame=int(begin * fps),
            video_end_frame=int(end * fps),
            clip_start_sec=0.0,
            clip_end_sec=end - begin,
            clip_start_frame=0,
            clip_end_frame=int((end - begin) * fps),
            annotations=annotations,
        )
        videos.append(dict(video_uid=timeline.video_id, split=split, clips=[clip]))
    return dict(version='1.0', date='', description='toy kitchen', manifest='', videos=videos)


def _record(timeline: Timeline, names: Sequence[str]) -> dict[str, Any]:
    """What really happens in a video, in its seconds."""
    pairs_shown = [
        [segment.verb, segment.noun] if segment.shown and segment.is_action else None
        for segment in timeline.video.segments
    ]
    return dict(
        video_uid=timeline.video_id,
        split=timeline.split,
        clip=timeline.clip,
        moments=[
            dict(start=round(start, 4), stop=round(stop, 4), label=names[label])
            for start, stop, label in timeline.moments
        ],
        handlings=[
            dict(
                start=round(segment.start, 4),
                stop=round(segment.stop, 4),
                moment=None if owner < 0 else owner,
                shows=shown,
            )
            for segment, owner, shown in zip(
                timeline.video.segments, timeline.owners, pairs_shown, strict=True
            )
        ],
    )


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content), encoding='utf-8')
