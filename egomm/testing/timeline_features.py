"""Features of the toy kitchen's long videos that need no pixels: what a handling shows, plus noise.

They stand for a recognizer that is right as often as ``signal`` lets it be, the same in every
world, so that worlds that differ in their cores or annotations can be compared.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from egomm.testing.timeline import Timeline, TimelineSpec

STRIDE, WINDOW = 5, 8  # frames
DIM = 32


def write_timeline_features(
    folder: Path, spec: TimelineSpec, timelines: Sequence[Timeline], signal: float = 4.0
) -> None:
    """Write ``<video>.npy`` ``(N, DIM)`` and the manifest.

    A position sees the handlings within its window, each as far as it fills it. A handling that
    shows a class adds the directions of verb and noun; any handling of a moment adds a direction
    of its own, as hands at work look like hands at work.

    Args:
        folder: Where to.
        spec: The long videos.
        timelines: Their plan.
        signal: Length of a direction, where noise has 1 in each channel.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([spec.seed, 31])
    directions = rng.normal(size=(spec.verbs + spec.nouns + 1, DIM))
    directions *= signal / np.linalg.norm(directions, axis=1, keepdims=True)
    about = dict(dim=DIM, fps=spec.fps, stride=STRIDE, window=WINDOW, per='video')
    (folder / 'manifest.json').write_text(json.dumps(about), encoding='utf-8')
    for timeline in timelines:
        video = timeline.video
        first = np.arange(0, video.frames - WINDOW + 1, STRIDE) / video.fps
        last = first + WINDOW / video.fps
        noise = np.random.default_rng([video.seed, 32])
        features = noise.normal(size=(len(first), DIM))
        for segment, owner in zip(video.segments, timeline.owners, strict=True):
            if owner < 0:
                continue
            shared = np.minimum(last, segment.stop) - np.maximum(first, segment.start)
            fills = (shared / (WINDOW / video.fps)).clip(0)
            seen = directions[-1] / 2
            if segment.shown:
                seen = seen + directions[segment.verb] + directions[spec.verbs + segment.noun]
            features += fills[:, None] * seen
        np.save(folder / f'{timeline.video_id}.npy', features.astype(np.float32))
