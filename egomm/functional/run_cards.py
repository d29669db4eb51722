"""Where two runs differ, from the cards that `egomm.hooks.RunCardHook` wrote."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

NAME = 'run_card.json'  # in the log folder of a run

# What changes most numbers comes first, and paths, which change none, last.
ORDER = ('data', 'protocols', 'seed', 'deterministic', 'processes', 'config', 'versions', 'licence')
HARMLESS = ('work_dir', 'launcher', 'resume', 'visualizer', 'log_level', 'filename')


class Difference(NamedTuple):
    """One place where two cards differ; `ABSENT` where one has nothing there."""

    place: str
    first: Any
    second: Any


class Absent:
    """What a card does not have."""

    def __repr__(self) -> str:
        return 'nothing'


ABSENT = Absent()


def differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Difference]:
    """Every difference of two cards, in the order of `ORDER`.

    Settings of the config that change no number (`HARMLESS`, such as the work directory) are left
    out.
    """
    names = [*ORDER, *sorted((first.keys() | second.keys()) - {*ORDER})]
    return [
        one
        for name in names
        for one in _between(name, first.get(name, ABSENT), second.get(name, ABSENT))
        if not one.place.startswith(tuple(f'config.{key}' for key in HARMLESS))
    ]


def _between(place: str, first: Any, second: Any) -> Iterator[Difference]:
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        for key in [*first, *(key for key in second if key not in first)]:
            yield from _between(f'{place}.{key}', first.get(key, ABSENT), second.get(key, ABSENT))
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        for index, (one, other) in enumerate(zip(first, second)):
            yield from _between(f'{place}[{index}]', one, other)
    elif first != second:
        yield Difference(place, first, second)
