"""Actions of one class lie close to each other and far from others and from background.

Source: the action sensitive contrastive loss of Action Sensitivity Learning (arXiv:2305.15701), by
its description: no published code runs it, so what that leaves open is our choice and unverified.

Shapes: B = batch, D = channels, T = frames, N = segments of a clip.
"""

import torch
from torch import Tensor, nn

from egomm.functional.contrast import class_nce
from egomm.functional.reduction import global_mean
from egomm.models.losses.sensitivity import ActionSensitivity
from egomm.registry import MODELS

TINY = 1e-6


@MODELS.register_module()
class ActionContrast(nn.Module):
    """InfoNCE of the segments of a batch.

    A segment gives two features, means of its frames weighed by the sensitivity of classification
    and by that of the offsets; positives are the features of its class, rivals those of other
    classes and, a clip, the mean of the frames in no segment.

    Args:
        weight: Of the loss.
        temperature: Of `functional.contrast.class_nce`.

    Raises:
        ValueError: If the weight is negative, or the temperature not above 0.
    """

    def __init__(self, *, weight: float = 0.3, temperature: float = 0.2) -> None:
        super().__init__()
        if not (weight >= 0 and temperature > 0):
            raise ValueError(
                f'ActionContrast wants weight >= 0 and temperature > 0; got {weight} and '
                f'{temperature}.'
            )
        self.weight = weight
        self.temperature = temperature

    def forward(
        self,
        frames: Tensor,
        mask: Tensor,
        targets: list[dict | None],
        sensitivity: ActionSensitivity,
    ) -> Tensor:
        """The weighed mean over features that are not alone in their class.

        Args:
            frames: ``(B, D, T)``.
            mask: True at real frames ``(B, T)``.
            targets: For each clip ``segments`` ``(N, 2)`` in frames and ``labels`` ``(N,)``, or
                None, which takes no part.
            sensitivity: How much a frame of an action counts; a constant here.
        """
        place = torch.arange(frames.shape[2], device=frames.device, dtype=torch.float32)
        features, labels, rivals = [], [], []
        for x, real, target in zip(frames.mT, mask, targets):
            if target is None:
                continue
            segments = torch.as_tensor(target['segments']).to(place)
            classes = torch.as_tensor(target['labels']).to(frames.device)
            inside = (segments[:, :1] <= place) & (place <= segments[:, 1:]) & real  # (N, T)
            outside = real & ~inside.any(dim=0)
            if outside.any():
                rivals.append(x[outside].mean(dim=0))
            for number in inside.any(dim=1).nonzero()[:, 0]:
                t = place[inside[number]]
                points = torch.stack([t, t, t, torch.ones_like(t)], dim=1)
                chosen = number.expand(len(t))
                with torch.no_grad():
                    weights = sensitivity(points, segments, classes, chosen)
                for weight in weights:
                    share = weight / weight.sum().clamp(min=TINY)
                    features.append(share.to(x) @ x[inside[number]])
                    labels.append(classes[number])
        none = frames.mT[0, :0]  # with a graph, as a loss has to have
        features, rivals = (torch.stack(rows) if rows else none for rows in (features, rivals))
        labels = torch.stack(labels) if labels else mask.new_zeros(0, dtype=torch.long)
        loss = class_nce(features, labels, rivals, self.temperature)
        # A segment alone in its class still has two features, so that every one counts.
        return self.weight * global_mean(loss, torch.ones_like(labels, dtype=torch.bool))
