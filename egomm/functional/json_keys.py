"""JSON of which nothing is lost: an object that has a key twice is refused."""

from collections import Counter
from typing import Any

from egomm.functional.wording import first_names


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, for ``object_pairs_hook`` of `json.loads`, which else keeps the last.

    Raises:
        ValueError: If a key occurs more than once.
    """
    content = dict(pairs)
    if len(content) < len(pairs):
        doubled = [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]
        raise ValueError(f'{first_names([*map(repr, doubled)])} occurs more than once in an object')
    return content
