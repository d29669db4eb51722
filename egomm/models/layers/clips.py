"""Does a stream hold whole clips?"""

from egomm.structures import Stream


def check_whole_clips(reader: str, stream: Stream) -> None:
    """Refuse a mask of steps in a network that would mix real steps with padding.

    Args:
        reader: How the error calls the network.
        stream: ``(B, C, T, H, W)``.

    Raises:
        ValueError: If the mask is a step's, ``(B, T)``.
    """
    if stream.mask is not None and stream.mask.dim() > 1:
        raise ValueError(
            f'{reader} takes whole clips (mask of shape (B,)); got a mask of shape '
            f'{tuple(stream.mask.shape)}. Use a backbone that reads padding.'
        )
