"""Do the backbones give what the config of a neck or a head says?"""

from collections.abc import Mapping

from egomm.structures import Stream


def check_in_channels(reader: str, in_channels: Mapping[str, int]) -> None:
    """Refuse a neck or part without any modality.

    Raises:
        ValueError: If ``in_channels`` names none.
    """
    if not in_channels:
        raise ValueError(
            f'{reader} wants in_channels with at least one modality; got {in_channels!r}. Name '
            'the backbones with their channels, as in dict(rgb=768).'
        )


def check_channels(reader: str, wanted: Mapping[str, int], streams: Mapping[str, Stream]) -> None:
    """Compare streams with the ``in_channels`` of who reads them.

    Args:
        reader: How the error calls the neck or head.
        wanted: Channels by name of the stream.
        streams: ``(B, C, ...)`` each.

    Raises:
        ValueError: If a stream is missing or has another number of channels.
    """
    missing = [name for name in wanted if name not in streams]
    if missing:
        raise ValueError(
            f'{reader} has in_channels for {list(wanted)} but gets {sorted(streams)}: {missing} '
            'missing. Add a backbone of that name, or remove it from `in_channels`.'
        )
    given = {name: streams[name].x.shape[1] for name in wanted}
    if given != dict(wanted):
        raise ValueError(
            f'{reader} wants in_channels={dict(wanted)}, but gets streams of {given} channels. '
            'Set `in_channels` to these numbers, or change the backbone.'
        )
