"""Narrations of Ego4D as queries to train on first: windows from time stamps, no test video.

Source: Narrations-as-Queries (Ramakrishnan et al., arXiv:2301.00746) for the idea and for taking
the clips of the episodic memory files; EgoVLP (Lin et al., arXiv:2206.01670) for the windows: a
narration at ``t`` gets ``t - b / 2a .. t + b / 2a``, ``b`` the mean seconds between narrations of
its video and pass, ``a`` the mean of all ``b``; so windows last 1 s on average and are longer in
videos that are narrated sparsely. Its random widening in training is left out.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from egomm.datasets.windows import NUMBER, entries, field

PASSES = ('narration_pass_1', 'narration_pass_2')
_TAG = re.compile(r'#\w+')


def narration_queries(
    narrations: Mapping[str, Any], clips: Iterable[Mapping], held_out: Iterable[Mapping]
) -> tuple[dict, dict[str, int]]:
    """Queries of all narrations within clips.

    Args:
        narrations: Content of the official ``narration.json``.
        clips: Contents of official annotation files, such as ``nlq_train.json`` and
            ``moments_train.json``: their clips are taken.
        held_out: Contents of such files of validation and test; no video of theirs is taken.

    Returns:
        Content of an annotation file in the official layout of NLQ, with split ``train``, and
        counts: ``queries``, ``clips``, ``videos``; ``held_out`` videos among those of the clips;
        narrations that are ``unsure``, ``lone`` (the only one of their pass, without a length) or
        ``without_text``.

    Raises:
        ValueError: If a file is in another layout, or nothing is left.
    """
    # All videos: some of the real files are listed without clips.
    forbidden = {
        field(video, 'video_uid', 'held-out annotations', str)
        for content in held_out
        for video in field(content, 'videos', 'held-out annotations', list)
    }
    places: dict[str, dict[str, Mapping]] = {}
    for content in clips:
        for uid, clip in _clips(content):
            places.setdefault(uid, {})[field(clip, 'clip_uid', f'video {uid}', str)] = clip
    counts = Counter(held_out=len(places.keys() & forbidden), unsure=0, lone=0, without_text=0)
    narrated = narrations.get('videos', narrations) if isinstance(narrations, dict) else None
    if not isinstance(narrated, dict):
        raise ValueError(
            f'narrations by the id of their video are expected; got {type(narrations).__name__}. '
            'Give the official narration.json.'
        )
    told: dict[str, dict[str, list[tuple[float, str]]]] = {}
    gaps: dict[tuple[str, str], float] = {}
    for uid in places.keys() - forbidden:
        for name in PASSES:
            rows = sorted(_rows(narrated.get(uid), name, uid, counts))
            times = [time for time, _ in rows]
            if len(set(times)) < 2:
                counts['lone'] += len(rows)
                continue
            gaps[uid, name] = (times[-1] - times[0]) / (len(times) - 1)
            told.setdefault(uid, {})[name] = rows
    if not gaps:
        raise ValueError(
            f'none of the {len(places)} videos with clips has narrations to learn from '
            f'({dict(counts)}). Give narration.json, annotation files of train as clips, and other '
            'files as held out.'
        )
    mean_gap = sum(gaps.values()) / len(gaps)
    videos = []
    for uid in sorted(told):
        made = []
        for clip_uid, clip in sorted(places[uid].items()):
            begin, end = (
                field(clip, f'video_{side}_sec', clip_uid, NUMBER) for side in ('start', 'end')
            )
            annotations = []
            for name, rows in told[uid].items():
                reach = gaps[uid, name] / mean_gap / 2
                queries = [
                    dict(
                        query=text,
                        clip_start_sec=time - reach - begin,
                        clip_end_sec=time + reach - begin,
                    )
                    for time, text in rows
                    if begin <= time <= end
                ]
                if queries:
                    about = dict(annotation_uid=f'{clip_uid}_{name}', language_queries=queries)
                    annotations.append(about)
                    counts['queries'] += len(queries)
            if annotations:
                about = dict(clip_uid=clip_uid, video_start_sec=begin, video_end_sec=end)
                made.append(dict(about, annotations=annotations))
        counts.update(clips=len(made), videos=bool(made))
        if made:
            videos.append(dict(video_uid=uid, split='train', clips=made))
    return dict(version='1.0', videos=videos), dict(counts)


def _clips(content: Mapping) -> Iterable[tuple[str, Mapping]]:
    for video in field(content, 'videos', 'annotations', list):
        uid = field(video, 'video_uid', 'annotations', str)
        for clip in field(video, 'clips', f'video {uid}', list):
            yield uid, clip


def _rows(told: Any, name: str, uid: str, counts: Counter) -> Iterable[tuple[float, str]]:
    """Time and text of the narrations of a pass, without marks such as ``#C``."""
    place = f'narrations of video {uid}'
    if told is None or (isinstance(told, dict) and told.get(name) is None):
        return
    for row in entries(field(told, name, place, dict), 'narrations', place):
        text = field(row, 'narration_text', place, str)
        words = ' '.join(_TAG.sub(' ', text).split())
        if '#unsure' in text.lower():
            counts['unsure'] += 1
        elif not any(letter.isalnum() for letter in words):
            counts['without_text'] += 1
        else:
            yield field(row, 'timestamp_sec', place, NUMBER), words
