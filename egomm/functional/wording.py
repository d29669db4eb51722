"""How lists of names are said in a message."""

from collections.abc import Sequence


def first_names(names: Sequence[str], count: int = 5) -> str:
    """The first names of a list, and how many more there are."""
    shown = ', '.join(names[:count])
    return shown if len(names) <= count else f'{shown} and {len(names) - count} more'


def column_names(header: Sequence[str], count: int = 20, longest: int = 40) -> str:
    """The columns of a table as a list, cut short where the file is none: any line may come."""
    shown = [name if len(name) <= longest else f'{name[:longest]}...' for name in header[:count]]
    return str(shown) if len(header) <= count else f'{shown} and {len(header) - count} more'
