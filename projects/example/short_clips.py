"""A data set: the short clips of EPIC-KITCHENS-100."""

from typing import Any

from egomm.datasets import EpicKitchens
from egomm.registry import DATASETS


@DATASETS.register_module()
class ShortClips(EpicKitchens):
    """Clips that last at most ``seconds``."""

    def __init__(self, seconds: float, **kwargs: Any) -> None:
        self.seconds = seconds  # before the parent, which reads the records
        super().__init__(**kwargs)

    def read_records(self) -> list[dict]:
        """Records of the clips that are short enough."""
        records = super().read_records()
        return [r for r in records if r['stop_seconds'] - r['start_seconds'] <= self.seconds]
