"""Reading what `UnimodalHeads` left."""

from collections.abc import Mapping, Sequence

from egomm.structures import Stream


def unimodal_predictions(
    reader: str, streams: Mapping[str, Stream], task: str, modalities: Sequence[str]
) -> Stream:
    """``'unimodal_<task>'``: logits ``(B, K, M)`` and which modalities are there ``(B, M)``.

    Args:
        reader: How the error calls who reads them.
        streams: What the parts and the neck have left.
        task: Whose predictions.
        modalities: The ``M`` names that the reader expects.

    Raises:
        ValueError: If there are no such predictions, or of another number of modalities.
    """
    stream = streams.get(f'unimodal_{task}')
    if stream is None or stream.x.shape[2] != len(modalities):
        found = 'none' if stream is None else f'{stream.x.shape[2]} modalities'
        raise ValueError(
            f'{reader} wants the predictions of each of {list(modalities)} for {task!r}; got '
            f"{found}. Give the model parts=dict(unimodal=dict(type='UnimodalHeads', ...), ...) "
            'with the same tasks and modalities.'
        )
    return stream
