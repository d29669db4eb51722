"""What each task asks of the parameters that all share."""

from collections.abc import Sequence

import torch
from mmengine import dist
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor, nn

from egomm.functional.gradients import cosines, inner_products, task_gradients
from egomm.registry import HOOKS


@HOOKS.register_module()
class TaskGradientHook(Hook):
    """Log each task's loss, before weighting, and its gradient at the shared parameters.

    The log has ``tasks/<task>_loss``, ``tasks/<task>_gradient`` (the norm) and, for each pair,
    ``tasks/<task>_<task>_cosine``: below 0 the two want opposite things. Shared is what lies
    before the heads.

    Args:
        interval: Iterations from one measurement to the next; each costs a backward pass a task.

    Raises:
        ValueError: If ``interval`` is below 1.
    """

    def __init__(self, interval: int = 20) -> None:
        if interval < 1:
            raise ValueError(f'TaskGradientHook wants interval >= 1; got {interval!r}.')
        self.interval = interval

    def before_train(self, runner: Runner) -> None:
        """Attach to the model's weighting, which has the losses of all tasks in hand."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model

        def measure(module: nn.Module, args: tuple[dict[str, Tensor], Sequence[Tensor]]) -> None:
            if model.training and self.every_n_train_iters(runner, self.interval):
                self._log(runner, *args)

        self._handle = model.weighting.register_forward_pre_hook(measure)

    def after_train(self, runner: Runner) -> None:
        """Detach from the model."""
        self._handle.remove()

    def _log(self, runner: Runner, losses: dict[str, Tensor], shared: Sequence[Tensor]) -> None:
        gradients = task_gradients(list(losses.values()), shared)
        gram = inner_products(gradients).cpu()
        norms, angles = gram.diagonal().sqrt(), cosines(gram)
        means = torch.stack([loss.detach().float() for loss in losses.values()])
        dist.all_reduce(means, op='mean')  # a process has its share of the mean only
        write = runner.message_hub.update_scalar
        for number, task in enumerate(losses):
            write(f'train/tasks/{task}_loss', means[number].item())
            write(f'train/tasks/{task}_gradient', norms[number].item())
            for later, other in list(enumerate(losses))[number + 1 :]:
                write(f'train/tasks/{task}_{other}_cosine', angles[number, later].item())
