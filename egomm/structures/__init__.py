"""What travels between the parts: a tensor with its mask, and a sample with its answers."""

from egomm.structures.sample import EgoSample
from egomm.structures.stream import Stream

__all__ = ['EgoSample', 'Stream']
