"""Learned weights of the points of an action: where in an action of a class the model looks.

Source: Action Sensitivity Learning (arXiv:2305.15701, arXiv:2306.09172) and its code,
github.com/JonnyS1226/ego4d_asl.

Shapes: K = positive points, N = segments of the clip, C = classes.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from egomm.functional.sensitivity import boundary_weight, gaussian_sensitivity
from egomm.registry import MODELS

FORMS = {
    'paper': dict(distance='length', times_class=False),
    'official_repo': dict(distance='stride_length', times_class=True),
}
CENTRES = (0.0, -0.5, 0.5)  # of classification, and of the two ends


@MODELS.register_module()
class ActionSensitivity(nn.Module):
    """Three Gaussians a class: one weighs classification, two the offsets.

    Widths stay positive. Give the parameters (``sensitivity`` in their names) no weight decay,
    which would pull all Gaussians to the middle of the action.

    Args:
        num_classes: ``C``.
        form: ``'paper'``: distances are shares of the action, offsets weigh by the mean of the two
            Gaussians at the ends. ``'official_repo'``: distances are also divided by the stride,
            and the weight of offsets is multiplied by that of classification.
        mean_one: Scale the weights of a batch so that their mean over positive points is 1.
            Nothing else keeps a model from lowering its loss by lowering all weights.
        learnable: False keeps the Gaussians as they start.

    Raises:
        ValueError: If the form is unknown.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        form: str = 'paper',
        mean_one: bool = False,
        learnable: bool = True,
    ) -> None:
        super().__init__()
        if form not in FORMS:
            raise ValueError(
                f'ActionSensitivity wants form to be one of {list(FORMS)}; got {form!r}.'
            )
        self.distance = FORMS[form]['distance']
        self.times_class = FORMS[form]['times_class']
        self.mean_one = mean_one
        centres = torch.tensor(CENTRES)[:, None].repeat(1, num_classes)
        self.centres = nn.Parameter(centres, requires_grad=learnable)
        raw = math.log(math.expm1(1.0))  # softplus makes it a width of 1
        self.raw_widths = nn.Parameter(torch.full_like(centres, raw), requires_grad=learnable)

    @property
    def widths(self) -> Tensor:
        """Standard deviations ``(3, C)``: of classification and of the two ends."""
        return softplus(self.raw_widths)

    def forward(
        self, points: Tensor, segments: Tensor, labels: Tensor, chosen: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Weights of positive points for classification and for offsets.

        Args:
            points: ``(K, 4)`` of `pyramid_points`.
            segments: Of the clip, in the unit of the points, ``(N, 2)``.
            labels: Their classes ``(N,)``.
            chosen: The segment of each point ``(K,)``.

        Returns:
            Two tensors ``(K,)`` within 0..1.
        """
        whole, first, second = (
            gaussian_sensitivity(points, segments, labels, mu, sigma, self.distance)
            .gather(1, chosen[:, None])
            .squeeze(1)
            for mu, sigma in zip(self.centres, self.widths)
        )
        return whole, boundary_weight(first, second, whole if self.times_class else None)


@MODELS.register_module()
class ConstantSensitivity(nn.Module):
    """The same two weights at every positive point: the control for `ActionSensitivity`.

    Weights below 1 also make positive points count less against the background. What is left of a
    gain over weights of the same mean is due to where in an action they look.

    Args:
        num_classes: Not used; all classes weigh the same.
        whole: Weight of classification.
        ends: Weight of offsets.
    """

    mean_one = False

    def __init__(self, *, num_classes: int, whole: float, ends: float) -> None:
        super().__init__()
        self.whole, self.ends = whole, ends

    def forward(
        self, points: Tensor, segments: Tensor, labels: Tensor, chosen: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Two tensors ``(K,)`` for the positive points ``(K, 4)``."""
        one = torch.ones_like(points[:, 0])
        return self.whole * one, self.ends * one
