"""Any network that maps a tensor to a feature map, as a backbone."""

import torch
from mmengine.model import BaseModule

from egomm.registry import MODELS
from egomm.structures import Stream


@MODELS.register_module()
class WrappedBackbone(BaseModule):
    """Let a registered network of another project encode one modality.

    Args:
        model: Config of the network, with its scope: ``mmaction.SwinTransformer3D``. It maps
            ``(B, C_in, T, H, W)`` to one feature map ``(B, C, t, h, w)`` or vector ``(B, C)``.
        frozen: Never train it: no gradients, and evaluation mode (no drop path, fixed statistics)
            also while the rest trains.
    """

    def __init__(self, model: dict, frozen: bool = False) -> None:
        super().__init__()
        self.model = MODELS.build(model)
        self.frozen = frozen
        if frozen:
            self.requires_grad_(False)
            self.eval()

    def train(self, mode: bool = True) -> 'WrappedBackbone':
        """Enter training mode, or stay in evaluation mode if frozen."""
        return super().train(mode and not self.frozen)

    def forward(self, stream: Stream) -> Stream:
        """Encode ``(B, C_in, T, H, W)``; a mask a sample stays as it is.

        Raises:
            ValueError: If the network returns several maps, or the mask is a step's.
        """
        if stream.mask is not None and stream.mask.dim() > 1:
            raise ValueError(
                'WrappedBackbone takes whole clips (mask of shape (B,)); got a mask of shape '
                f'{tuple(stream.mask.shape)}. Use a backbone that reads padding.'
            )
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            x = self.model(stream.x)
        if not isinstance(x, torch.Tensor):
            raise ValueError(
                f'{type(self.model).__name__} returned {type(x).__name__}, WrappedBackbone wants '
                'one tensor. Ask the network for its last map only (`out_indices`).'
            )
        return Stream(x, stream.mask)
