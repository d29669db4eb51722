"""One clip's identity, truth and prediction."""

from typing import Any

from mmengine.structures import BaseDataElement


class EgoSample(BaseDataElement):
    """Metainfo of one clip, with truth and prediction apart and keyed by task.

    Args:
        metainfo: Where the clip comes from (``narration_id``, ``video_id``, times, ...); its
            values are kept as they are, not copied.
        gt: Truth by task. A task without a label is absent, never a made-up value.
        pred: Prediction by task, as the task's head returned it.

    Raises:
        ValueError: If ``gt`` or ``pred`` is set to something that is not keyed by task.
    """

    def __init__(
        self,
        *,
        metainfo: dict | None = None,
        gt: dict[str, Any] | None = None,
        pred: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(metainfo=metainfo)
        self.gt = {} if gt is None else gt
        self.pred = {} if pred is None else pred

    def set_metainfo(self, metainfo: dict) -> None:
        """Take over metainfo without MMEngine's deep copy, a third of a step on cached tokens."""
        for name, value in metainfo.items():
            self.set_field(value, name, field_type='metainfo')

    @property
    def gt(self) -> dict[str, Any]:
        """Truth by task."""
        return self._gt

    @gt.setter
    def gt(self, value: dict[str, Any]) -> None:
        self.set_field(_by_task('gt', value), '_gt', dict)

    @property
    def pred(self) -> dict[str, Any]:
        """Prediction by task."""
        return self._pred

    @pred.setter
    def pred(self, value: dict[str, Any]) -> None:
        self.set_field(_by_task('pred', value), '_pred', dict)


def _by_task(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise ValueError(
            f'EgoSample.{name} wants a dict keyed by task name; got {value!r}. '
            f"Write for example sample.{name} = {{'verb': 3}}."
        )
    return value
