"""Fields of a Protocol Buffers message, without its schema.

Source: protobuf.dev/programming-guides/encoding. A message is a row of fields, each a number that
the schema gives a name to, and a value.
"""

import struct
from collections.abc import Iterator

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5


def read_fields(message: bytes) -> Iterator[tuple[int, int | float | bytes]]:
    """Number and value of each field, in order.

    A value is an unsigned int, the float of four or eight bytes, or bytes, which hold a text, a
    message or a packed list. What has its default value is not in the message.

    Raises:
        ValueError: If the bytes are no message.
    """
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, kind = key >> 3, key & 7
        value: int | float | bytes
        if kind == _VARINT:
            value, place = _varint(message, place)
        else:
            if kind == _LENGTH:
                size, place = _varint(message, place)
            elif kind in (_FIXED32, _FIXED64):
                size = 4 if kind == _FIXED32 else 8
            else:
                raise ValueError(
                    f'a field of a message is expected at byte {place}; got type {kind}'
                )
            content = message[place : place + size]
            if len(content) < size:
                raise ValueError(f'{size} bytes are expected at byte {place}; got {len(content)}')
            place += size
            value = content
            if kind != _LENGTH:
                (value,) = struct.unpack('<f' if kind == _FIXED32 else '<d', content)
        yield number, value


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """A number in groups of seven bits, the lowest first, and where it ends."""
    value = 0
    for count, byte in enumerate(message[place : place + 10]):
        value |= (byte & 127) << 7 * count
        if byte < 128:
            return value, place + count + 1
    raise ValueError(f'a number is expected at byte {place}; the message ends within it')
