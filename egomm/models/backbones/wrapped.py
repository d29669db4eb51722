"""Any network that maps a tensor to a feature map, as a backbone."""

import torch
from mmengine.model import BaseModule

from egomm.models.layers.clips import check_whole_clips
from egomm.models.pretrained import load_pretrained
from egomm.registry import MODELS
from egomm.structures import Stream


@MODELS.register_module()
class WrappedBackbone(BaseModule):
    """Let a registered network of another project encode one modality.

    Args:
        model: Config of the network, with its scope: ``mmaction.SwinTransformer3D``. It maps
            ``(B, C_in, T, H, W)`` to one feature map ``(B, C, t, h, w)`` or vector ``(B, C)``.
        pretrained: Path of a file with the network's weights, for RGB or for its own number of
            input channels. `init_weights` loads it.
        frozen: Never train it: no gradients, and evaluation mode (no drop path, fixed statistics)
            also while the rest trains.
    """

    def __init__(self, model: dict, pretrained: str | None = None, frozen: bool = False) -> None:
        super().__init__()
        self.model = MODELS.build(model)
        self.pretrained = pretrained
        self.frozen = frozen
        if frozen:
            self.requires_grad_(False)
            self.eval()

    def init_weights(self) -> None:
        """Initialise the network as it says itself, then load ``pretrained``."""
        super().init_weights()
        if self.pretrained is not None:
            load_pretrained(self.model, self.pretrained)

    def train(self, mode: bool = True) -> 'WrappedBackbone':
        """Enter training mode, or stay in evaluation mode if frozen."""
        return super().train(mode and not self.frozen)

    def forward(self, stream: Stream) -> Stream:
        """Encode ``(B, C_in, T, H, W)``; a mask a sample stays as it is.

        Raises:
            ValueError: If the network returns several maps, or the mask is a step's.
        """
        check_whole_clips('WrappedBackbone', stream)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            x = self.model(stream.x)
        if not isinstance(x, torch.Tensor):
            raise ValueError(
                f'{type(self.model).__name__} returned {type(x).__name__}, WrappedBackbone wants '
                'one tensor. Ask the network for its last map only (`out_indices`).'
            )
        return Stream(x, stream.mask)
