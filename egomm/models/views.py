"""Several views of a clip, answered one by one, joined into one answer."""

import torch
from mmengine.model import ModuleDict

from egomm.structures import EgoSample


def average_views(
    views: list[list[EgoSample]], heads: ModuleDict, keep: bool = False
) -> list[EgoSample]:
    """Join the predictions about the views of each clip.

    A head's answers are joined by its ``average`` (log-probabilities, for classes); what the model
    records of its neck by the mean.

    Args:
        views: By view, the predicted samples of the same clips in the same order.
        heads: The heads by task.
        keep: Leave the predictions of the single views, a list, in ``pred['views']``.

    Returns:
        The samples of the first view with the joint ``pred``; its metainfo (``times``) is that of
        the first view.

    Raises:
        ValueError: If a head has no ``average``, since its answers refer to what one view shows.
    """
    lacking = [task for task, head in heads.items() if not hasattr(head, 'average')]
    if lacking:
        raise ValueError(
            f'The batch has {len(views)} views a clip, but the heads of {lacking} cannot join '
            'answers about several views. Test with one view: SampleSegments(views=1) and '
            '`CentreCrop`.'
        )
    joined = []
    for samples in zip(*views, strict=True):
        answers = [sample.pred for sample in samples]
        pred = {}
        for name in answers[0]:
            values = [answer[name] for answer in answers]
            pred[name] = (
                heads[name].average(values) if name in heads else torch.stack(values).mean(dim=0)
            )
        if keep:
            pred['views'] = answers
        samples[0].pred = pred
        joined.append(samples[0])
    return joined
