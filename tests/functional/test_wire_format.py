"""Messages of Protocol Buffers: those of its documentation, and broken ones."""

import struct

import pytest

from egomm.functional.wire_format import read_fields


def test_examples_of_the_documentation():
    assert list(read_fields(bytes.fromhex('089601'))) == [(1, 150)]
    assert list(read_fields(bytes.fromhex('120774657374696e67'))) == [(2, b'testing')]
    assert list(read_fields(bytes.fromhex('1a03089601'))) == [(3, b'\x08\x96\x01')]
    assert list(read_fields(b'')) == []


def test_floats_of_either_width():
    message = b'\x0d' + struct.pack('<f', 0.25) + b'\x11' + struct.pack('<d', -3.5)
    assert list(read_fields(message)) == [(1, 0.25), (2, -3.5)]


@pytest.mark.parametrize(
    'message, words',
    [
        (b'\x08\xff', 'a number is expected at byte 1; the message ends within it'),
        (b'\x08' + b'\xff' * 11, 'a number is expected at byte 1'),
        (b'\x12\x07tes', '7 bytes are expected at byte 2; got 3'),
        (b'\x0d\x00', '4 bytes are expected at byte 1; got 1'),
        (b'\x0f', 'a field of a message is expected at byte 1; got type 7'),
    ],
)
def test_broken_messages_are_explained(message, words):
    with pytest.raises(ValueError, match=words):
        list(read_fields(message))
