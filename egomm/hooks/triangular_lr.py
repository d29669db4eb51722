"""A learning rate that goes up and down in straight lines, one step an iteration.

Source: Smith (2017, arXiv:1506.01186); Kapidis et al. (2019) train with it.
"""

from typing import Any

from mmengine.optim import _ParamScheduler
from mmengine.optim.scheduler.lr_scheduler import LRSchedulerMixin
from mmengine.optim.scheduler.param_scheduler import INF

from egomm.functional.cyclic import triangular
from egomm.registry import PARAM_SCHEDULERS


@PARAM_SCHEDULERS.register_module()
class TriangularLR(LRSchedulerMixin, _ParamScheduler):
    """Cycle between each parameter group's own learning rate and a multiple of it.

    With epochs as the unit, and steps by iteration::

        param_scheduler=dict(
            type='TriangularLR', up=10, down=10, peak_factor=10, convert_to_iter_based=True)

    Args:
        optimizer: Whose learning rate is the lowest of the cycle.
        up: Steps (epochs, or iterations if not ``by_epoch``) of the rise.
        down: Steps of the fall.
        peak_factor: Highest learning rate over the lowest.
        halving: Whether each cycle reaches half as far above the lowest as the one before.
        **kwargs: ``begin``, ``end``, ``last_step``, ``by_epoch`` and ``verbose`` as MMEngine's
            schedulers have them.

    Raises:
        ValueError: If ``peak_factor`` is not above 1.
    """

    def __init__(
        self,
        optimizer: Any,
        *,
        up: float,
        down: float,
        peak_factor: float,
        halving: bool = False,
        **kwargs: Any,
    ) -> None:
        if not peak_factor > 1:
            raise ValueError(
                f'TriangularLR wants peak_factor > 1; got {peak_factor}. The learning rate of the '
                'optimizer is the lowest of the cycle.'
            )
        self.up = up
        self.down = down
        self.peak_factor = peak_factor
        self.halving = halving
        super().__init__(optimizer, **kwargs)

    @classmethod
    def build_iter_from_epoch(
        cls,
        *args: Any,
        up: float,
        down: float,
        epoch_length: int,
        begin: int = 0,
        end: int = INF,
        by_epoch: bool = True,
        **kwargs: Any,
    ) -> 'TriangularLR':
        """Build the scheduler in iterations from its config in epochs, as MMEngine calls it."""
        return cls(
            *args,
            up=up * epoch_length,
            down=down * epoch_length,
            begin=int(begin * epoch_length),
            end=end if end == INF else int(end * epoch_length),
            by_epoch=False,
            **kwargs,
        )

    def _get_value(self) -> list[float]:
        height = triangular(self.last_step, self.up, self.down, self.halving)
        return [base * (1 + (self.peak_factor - 1) * height) for base in self.base_values]
