"""How lists of names are said in a message."""

from collections.abc import Sequence


def first_names(names: Sequence[str], count: int = 5) -> str:
    """The first names of a list, and how many more there are."""
    shown = ', '.join(names[:count])
    return shown if len(names) <= count else f'{shown} and {len(names) - count} more'
