"""EPIC-KITCHENS-100 and whatever is written in its formats."""

from typing import Any

from egomm.datasets import annotations
from egomm.datasets.clips import ClipDataset
from egomm.registry import DATASETS


@DATASETS.register_module()
class EpicKitchens(ClipDataset):
    """Clips of EPIC-KITCHENS-100 with a verb and a noun each.

    Args:
        ann_file: Official CSV (train, validation, test) or C2-style CSV; told by its header.
        verb_classes: Number of verb classes, or the official class file.
        noun_classes: The same for nouns.
        **kwargs: Of `ClipDataset`.

    Raises:
        ValueError: For whatever is wrong with the annotation file or the sources; the text names
            the place.
    """

    METAINFO = {'dataset': 'EPIC-KITCHENS-100'}

    def __init__(
        self,
        ann_file: str,
        verb_classes: int | str = 97,
        noun_classes: int | str = 300,
        **kwargs: Any,
    ) -> None:
        super().__init__(ann_file, {'verb': verb_classes, 'noun': noun_classes}, **kwargs)

    def read_records(self) -> list[dict]:
        """Records of the clips, see `egomm.datasets.annotations.read_records`."""
        return annotations.read_records(self.ann_file, self.num_classes)

    @staticmethod
    def read_class_names(path: str) -> list[str]:
        """Keys of an official class file."""
        return annotations.read_class_names(path)
