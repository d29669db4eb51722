"""One HTML file that shows what was found in a video: player, timeline, questions, numbers.

It opens from disk and loads nothing: its content security policy forbids it. Times are in seconds.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

TEMPLATE = Path(__file__).with_name('report.html')
KINDS = ('truth', 'segments', 'bars')


class Lane(NamedTuple):
    """A row of the timeline.

    Attributes:
        name: What it shows.
        kind: ``'truth'`` is hatched, ``'segments'`` fill the row, ``'bars'`` are as high as their
            score (0..1).
        items: Dicts with ``start``, ``stop``, ``name`` and, but for truth, ``score``.
    """

    name: str
    kind: str
    items: Sequence[Mapping[str, Any]]


class Query(NamedTuple):
    """A question.

    Attributes:
        query: Its text.
        answers: Dicts with ``start``, ``stop``, ``score``, best first.
        truth: Dicts with ``start``, ``stop``.
    """

    query: str
    answers: Sequence[Mapping[str, Any]]
    truth: Sequence[Mapping[str, Any]] = ()


def page(
    title: str,
    video: str,
    video_name: str,
    duration: float,
    lanes: Sequence[Lane] = (),
    queries: Sequence[Query] = (),
    metrics: Mapping[str, Any] | None = None,
    card: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
) -> str:
    """The text of the page.

    Args:
        title: Above all.
        video: Address of the video: ``data:`` with its bytes, or a path relative to the page.
        video_name: What to call it where it cannot be played.
        duration: Of the video.
        lanes: From top to bottom.
        queries: In order.
        metrics: Scores by name, as an evaluator wrote them.
        card: What made this page: config, checkpoint, versions, hashes.
        notes: A line each, below the title.

    Raises:
        ValueError: If the duration is not positive, a lane is of another kind, or a number is not
            finite.
    """
    if not duration > 0:
        raise ValueError(f'A report wants a video of some duration; got {duration} s.')
    for lane in lanes:
        if lane.kind not in KINDS:
            raise ValueError(f'A lane is one of {KINDS}; got {lane.kind!r} for {lane.name!r}.')
    content = dict(
        title=title,
        video=video,
        video_name=video_name,
        duration=duration,
        lanes=[lane._asdict() for lane in lanes],
        queries=[query._asdict() for query in queries],
        metrics=metrics or {},
        card=card or {},
        notes=list(notes),
    )
    try:
        text = json.dumps(content, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise ValueError(f'{title}: a report holds finite numbers only ({error}).') from error
    # A name may hold `</script>` or `<!--`, which would end the data.
    return TEMPLATE.read_text(encoding='utf-8').replace('/*DATA*/', text.replace('<', '\\u003c'))
