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


class Overlay(NamedTuple):
    """Points of a task that lie on the video, such as hands or gaze.

    Attributes:
        name: Of the task.
        labels: Of its points.
        steps: Dicts with ``start``, ``stop``, ``points`` ``(L, 2)`` as shares of the frame and, if
            known, ``heat``: ``rows``, ``columns``, ``values`` (base64 of a byte a cell) and the
            ``box`` (left, top, right, bottom) that it covers.
    """

    name: str
    labels: Sequence[str]
    steps: Sequence[Mapping[str, Any]]


class Shares(NamedTuple):
    """Parts of a whole, a strip a row.

    Attributes:
        title: What is shared.
        names: Of the parts.
        rows: By row a number a part, which add up to 1.
    """

    title: str
    names: Sequence[str]
    rows: Mapping[str, Sequence[float]]


class Matrix(NamedTuple):
    """How often a class (row) was taken for a class (column).

    Attributes:
        title: Of what.
        names: Of the classes.
        counts: ``(C, C)``.
    """

    title: str
    names: Sequence[str]
    counts: Sequence[Sequence[int]]


class Table(NamedTuple):
    """Numbers of an evaluated set, folded away.

    Attributes:
        title: Of what.
        columns: Names.
        rows: A value a column, the first a name.
        note: A line above.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    note: str = ''


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
    overlays: Sequence[Overlay] = (),
    shares: Sequence[Shares] = (),
    matrices: Sequence[Matrix] = (),
    tables: Sequence[Table] = (),
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
        overlays: What can be shown on the video.
        shares: Below the questions.
        matrices: Of an evaluated set.
        tables: Of an evaluated set.

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
        overlays=[overlay._asdict() for overlay in overlays],
        shares=[share._asdict() for share in shares],
        matrices=[matrix._asdict() for matrix in matrices],
        tables=[table._asdict() for table in tables],
    )
    try:
        text = json.dumps(content, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise ValueError(f'{title}: a report holds finite numbers only ({error}).') from error
    # A name may hold `</script>` or `<!--`, which would end the data.
    return TEMPLATE.read_text(encoding='utf-8').replace('/*DATA*/', text.replace('<', '\\u003c'))
