"""A loss that draws the frames of an answer towards the words of its query.

Source: Action Sensitivity Learning for queries (arXiv:2306.09172, 3.3).

Shapes: B = batch, T = frames, N = segments.
"""

import torch
from torch import Tensor, nn

from egomm.functional.contrast import frame_text_nce
from egomm.functional.reduction import global_mean
from egomm.models.layers.masked import step_mask
from egomm.registry import MODELS
from egomm.structures import Stream


@MODELS.register_module()
class FrameTextContrast(nn.Module):
    """Frames within the answer against those outside, with the query as the anchor.

    Reads ``'frames'`` and ``'encoded_words'`` of `TemporalPyramid`.

    Args:
        task: Whose targets hold the answer's ``segments`` in positions of the frames.
        weight: Of the loss.
        temperature: See `functional.contrast.frame_text_nce`.

    Raises:
        ValueError: If the weight is negative, or the temperature not above 0.
    """

    def __init__(self, *, task: str, weight: float = 1.0, temperature: float = 0.07) -> None:
        super().__init__()
        if not (weight >= 0 and temperature > 0):
            raise ValueError(
                f'FrameTextContrast wants weight >= 0 and temperature > 0; got {weight} and '
                f'{temperature}.'
            )
        self.task = task
        self.weight = weight
        self.temperature = temperature

    def forward(self, streams: dict[str, Stream]) -> dict[str, Stream]:
        """Adds nothing."""
        return streams

    def loss(self, outputs: dict[str, Stream], targets: dict[str, list]) -> dict[str, Tensor]:
        """``loss``, the mean over clips with an answer that covers a frame.

        Raises:
            ValueError: If the neck gives no frames or no words, or nothing has the task.
        """
        missing = [name for name in ('frames', 'encoded_words') if name not in outputs]
        if missing or self.task not in targets:
            raise ValueError(
                f"FrameTextContrast wants 'frames', 'encoded_words' and targets of {self.task!r}; "
                f'got {sorted(outputs)} and targets of {sorted(targets)}. Use TemporalPyramid with '
                '`words`, and the name of its head as `task`.'
            )
        frames, words = outputs['frames'], outputs['encoded_words']
        mask = step_mask(frames)
        place = torch.arange(mask.shape[1], device=mask.device)
        positive = torch.zeros_like(mask)
        for row, target in enumerate(targets[self.task]):
            if target is not None:
                segments = torch.as_tensor(target['segments']).to(mask.device)
                inside = (segments[:, :1] <= place) & (place <= segments[:, 1:])
                positive[row] = inside.any(dim=0)
        loss = frame_text_nce(frames.x, mask, words.x, step_mask(words), positive, self.temperature)
        counts = (positive & mask).any(dim=1)
        return dict(loss=self.weight * global_mean(loss, counts))
