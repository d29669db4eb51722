"""The image encoder of a CLIP model in a local folder, as a source of features.

Shapes: B = images, C = channels, H, W = height and width.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from mmengine.device import get_device
from PIL import Image
from torch import Tensor

if TYPE_CHECKING:
    from egomm.apis.clip_models import Clip


class ClipImages:
    """The projected image features of a `transformers.CLIPModel`, of the middle frame of a clip.

    Args:
        checkpoint: ``model.safetensors`` in a folder that ``transformers`` saved. Nothing is
            downloaded.

    Raises:
        ValueError: If ``transformers`` is not installed or the folder is not whole.
    """

    modalities = ('rgb',)
    features = ('image',)

    def __init__(self, checkpoint: str | Path) -> None:
        folder = Path(checkpoint).parent
        settings = folder / 'preprocessor_config.json'
        for path in (Path(checkpoint), folder / 'config.json', settings):
            if not path.is_file() or Path(checkpoint).suffix != '.safetensors':
                raise ValueError(
                    f'{path}: CLIP wants model.safetensors, config.json and '
                    'preprocessor_config.json in one folder, such as a copy of '
                    'openai/clip-vit-base-patch16. Give its model.safetensors as the checkpoint.'
                )
        try:
            from transformers import CLIPModel
        except ImportError as error:
            raise ValueError(
                'CLIP comes from transformers, which is not installed: pip install "egomm[text]".'
            ) from error
        given = json.loads(settings.read_text(encoding='utf-8'))
        self.size = _side(given['size'], 'shortest_edge')
        self.crop = _side(given['crop_size'], 'height')
        self.mean, self.std = (np.array(given[key]) for key in ('image_mean', 'image_std'))
        model = CLIPModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
        self.model = model.to(get_device()).eval()

    def frames_needed(self) -> int:
        """One frame."""
        return 1

    def pack(self, clip: 'Clip') -> Tensor:
        """The middle frame ``(3, H, W)``, resized (bicubic), cropped and normalised."""
        image = Image.fromarray(np.asarray(clip.images[len(clip.images) // 2]))
        scale = self.size / min(image.size)
        # As in transformers: the long side is cut down to whole pixels.
        image = image.resize(
            [max(self.size, int(side * scale)) for side in image.size], Image.Resampling.BICUBIC
        )
        left, top = ((side - self.crop) // 2 for side in image.size)
        image = image.crop((left, top, left + self.crop, top + self.crop))
        values = (np.asarray(image) / 255 - self.mean) / self.std
        return torch.from_numpy(values.transpose(2, 0, 1).astype(np.float32))

    def present(self, item: Tensor) -> dict[str, bool]:
        """Which of the modalities a packed clip ``(3, H, W)`` has: RGB."""
        return dict(rgb=True)

    @torch.no_grad()
    def encode(self, items: Sequence[Tensor]) -> Tensor:
        """One vector an image ``(B, C)``, float32 on the CPU; not normalised to length 1."""
        pixels = torch.stack(list(items)).to(self.model.device)
        pooled = self.model.vision_model(pixel_values=pixels).pooler_output
        return self.model.visual_projection(pooled).float().cpu()

    def predict(self, items: Sequence[Tensor]) -> Any:
        """CLIP has no classes.

        Raises:
            ValueError: Always.
        """
        raise ValueError(
            'CLIP has no classes to recognise; it makes features (tools/extract_features.py).'
        )


def _side(given: Any, name: str) -> int:
    return int(given[name] if isinstance(given, dict) else given)
