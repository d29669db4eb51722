"""Features that another network has extracted, made narrower.

Source: Action Sensitivity Learning (arXiv:2306.09172), where each source of features gets one
linear layer of its own before the sources are joined.

Shapes: B = batch, C = channels, T = steps.
"""

from torch import nn

from egomm.models.layers.channels import check_channels
from egomm.models.layers.masked import masked, step_mask, zero_biases
from egomm.registry import MODELS
from egomm.structures import Stream


@MODELS.register_module()
class FeatureProjection(nn.Module):
    """One linear layer on every step.

    Args:
        in_channels: Channels of the features.
        out_channels: Channels that the neck gets.
    """

    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(in_channels, out_channels, 1)
        zero_biases(self)

    def forward(self, stream: Stream) -> Stream:
        """Map ``(B, C_in, T)`` to ``(B, C, T)``, zero where the mask ``(B, T)`` is False.

        Raises:
            ValueError: If the features have other channels, or are no sequences.
        """
        if stream.x.dim() != 3:
            raise ValueError(
                f'FeatureProjection wants features (B, C, T); got {tuple(stream.x.shape)}. Pool '
                'maps over space first.'
            )
        wanted = {'features': self.linear.in_channels}
        check_channels(type(self).__name__, wanted, {'features': stream})
        mask = step_mask(stream)
        # What stands at padding is not even read: NaN times 0 would still be NaN.
        return Stream(masked(self.linear(masked(stream.x, mask)), mask), mask)
