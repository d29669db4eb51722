"""From a sentence to numbers of its words, without a vocabulary file.

A word's number is a checksum of its letters, so it is the same in every run and data set. Two words
may share a number: of 3,000 words about one in six shares one with another at 2^14 numbers.
"""

import re
import zlib

_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")


def word_ids(text: str, num_tokens: int) -> list[int]:
    """Numbers within ``0 .. num_tokens - 1`` of the words of a sentence.

    Case and punctuation do not matter.

    Args:
        text: ``'Where did I put the cup?'``
        num_tokens: How many numbers there are.

    Raises:
        ValueError: If there is no word in the text.
    """
    words = _WORD.findall(text.lower())
    if not words:
        raise ValueError(f'A sentence wants at least one word of letters or digits; got {text!r}.')
    return [zlib.crc32(word.encode()) % num_tokens for word in words]
