"""Weights that are learnt as the tasks' uncertainties.

Source: Kendall, Gal and Cipolla, "Multi-Task Learning Using Uncertainty to Weigh Losses for Scene
Geometry and Semantics" (CVPR 2018, arXiv:1705.07115).
"""

from collections.abc import Sequence

import torch
from mmengine import dist
from torch import Tensor, nn

from egomm.registry import MODELS


@MODELS.register_module()
class UncertaintyWeights(nn.Module):
    """Minimise ``loss / variance + log(variance) / 2`` with a variance a task, learnt along.

    Each starts from 1. A batch in which a task has no labels leaves its variance alone. Spare the
    variances weight decay, which would pull the weights towards 1::

        optim_wrapper=dict(paramwise_cfg=dict(custom_keys=dict(weighting=dict(decay_mult=0.0))))

    Args:
        tasks: The tasks by name.
        regression: Those of them that regress, for which the paper has half the weight,
            ``loss / (2 variance)``.

    Raises:
        ValueError: If ``tasks`` is no list, or ``regression`` has others.
    """

    def __init__(self, tasks: Sequence[str], regression: Sequence[str] = ()) -> None:
        super().__init__()
        if not tasks or not set(regression) <= set(tasks) or isinstance(tasks, str):
            raise ValueError(
                f'UncertaintyWeights wants a list of tasks, and `regression` out of it; got '
                f'{tasks!r} and {regression!r}.'
            )
        self.shares = {task: 0.5 if task in regression else 1.0 for task in tasks}
        self.log_variances = nn.ParameterDict(
            {task: nn.Parameter(torch.zeros(())) for task in tasks}
        )

    def forward(
        self, losses: dict[str, Tensor], shared: Sequence[Tensor]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The factors, which the log has as well, and the sum of the logarithms as ``loss``.

        Args:
            losses: Scalars by task.
            shared: Not needed.

        Raises:
            ValueError: If the tasks with a loss are others than those with a variance.
        """
        if losses.keys() != self.shares.keys():
            raise ValueError(
                f'UncertaintyWeights has tasks={list(self.shares)}, but the heads are for '
                f'{list(losses)}. Name these.'
            )
        # Only a task without labels has a loss of exactly 0. Processes agree on it: one that has
        # labels is enough.
        labelled = torch.stack([loss.detach() != 0 for loss in losses.values()]).float()
        dist.all_reduce(labelled, op='max')
        factors, penalties = {}, []
        for task, counts in zip(losses, labelled):
            log_variance = self.log_variances[task]
            factors[task] = self.shares[task] * torch.exp(-log_variance)
            penalties.append(counts * log_variance / 2)
        scalars = {task: factor.detach() for task, factor in factors.items()}
        return factors, dict(loss=torch.stack(penalties).sum(), **scalars)
