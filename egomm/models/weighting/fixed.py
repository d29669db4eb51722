"""Weights of the tasks that stay as they are."""

from collections.abc import Mapping, Sequence
from math import inf

from torch import Tensor, nn

from egomm.registry import MODELS


@MODELS.register_module()
class FixedWeights(nn.Module):
    """A factor for each task's loss; 1 where none is given, as in Kapidis et al. (2019).

    Args:
        weights: Factor by task.

    Raises:
        ValueError: If a weight is negative or not finite.
    """

    def __init__(self, weights: Mapping[str, float] | None = None) -> None:
        super().__init__()
        self.weights = dict(weights or {})
        wrong = {task: value for task, value in self.weights.items() if not 0 <= value < inf}
        if wrong:
            raise ValueError(f'FixedWeights wants finite weights of 0 or more; got {wrong}.')

    def forward(
        self, losses: dict[str, Tensor], shared: Sequence[Tensor]
    ) -> tuple[dict[str, float], dict[str, Tensor]]:
        """The factors as given.

        Args:
            losses: Scalars by task.
            shared: Not needed.

        Raises:
            ValueError: If a task has a weight but no loss.
        """
        unknown = self.weights.keys() - losses.keys()
        if unknown:
            raise ValueError(
                f'FixedWeights has weights for {sorted(self.weights)}, but the heads are for '
                f'{sorted(losses)}. Take {sorted(unknown)} out of `weights`.'
            )
        return {task: self.weights.get(task, 1.0) for task in losses}, {}
