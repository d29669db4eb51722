"""What a user calls. Importing this package is cheap; its parts import what they need."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from egomm.apis.localizer import Localizer
    from egomm.apis.recognizer import Recognizer

__all__ = ['Localizer', 'Recognizer']


def __getattr__(name: str) -> Any:
    if name == 'Recognizer':
        from egomm.apis.recognizer import Recognizer

        return Recognizer
    if name == 'Localizer':
        from egomm.apis.localizer import Localizer

        return Localizer
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
