"""A hook: how large the weights of each backbone are."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch.nn.utils import parameters_to_vector

from egomm.registry import HOOKS


@HOOKS.register_module()
class WeightNormHook(Hook):
    """Log ``norm_<modality>``, the length of all weights of a backbone, every ``interval``."""

    def __init__(self, interval: int = 10) -> None:
        self.interval = interval

    def after_train_iter(self, runner: Runner, *args: Any, **kwargs: Any) -> None:
        """Give the norms to the log."""
        if self.every_n_train_iters(runner, self.interval):
            model = runner.model.module if is_model_wrapper(runner.model) else runner.model
            for name, net in model.backbones.items():
                norm = parameters_to_vector(net.parameters()).norm().item()
                runner.message_hub.update_scalar(f'train/norm_{name}', norm)
