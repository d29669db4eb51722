"""Which parameters decay, and how fast each learns.

MMEngine's default constructor lets only the first key that fits a name count, so a bias of an
encoder cannot get both its own learning rate and no decay; mmaction2's for Swin goes by names
alone, which misses a norm that is called ``ffn.0``, and logs two lines a parameter.
"""

from mmengine.logging import print_log
from mmengine.optim import DefaultOptimWrapperConstructor
from torch import nn

from egomm.registry import OPTIM_WRAPPER_CONSTRUCTORS


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class GroupedOptimWrapperConstructor(DefaultOptimWrapperConstructor):
    """Few groups of parameters by two rules, each logged in one line.

    Decay: vectors and scalars (biases, norms) have none, nor have the parameters that
    ``no_decay`` names. Learning rate: the factor of the longest entry of ``lr_mult`` that begins
    the name. Parameters without gradient are left out.

    It is chosen in ``optim_wrapper`` by ``constructor`` and reads there ``paramwise_cfg``, a dict
    with

    * ``no_decay``: last parts of names, for example ``('task_tokens',)``;
    * ``lr_mult``: factors by module, for example ``{'backbones': 0.1}``.

    Raises:
        ValueError: If ``paramwise_cfg`` has other keys, or the model lacks a module that
            ``lr_mult`` names.
    """

    def _validate_cfg(self) -> None:
        unknown = self.paramwise_cfg.keys() - {'no_decay', 'lr_mult'}
        if unknown:
            raise ValueError(
                'GroupedOptimWrapperConstructor wants paramwise_cfg=dict(no_decay=(...), '
                f'lr_mult={{...}}); got {sorted(unknown)} as well. Remove them, or choose the '
                "constructor 'DefaultOptimWrapperConstructor' in optim_wrapper."
            )
        # MMEngine skips `add_params` if it is empty.
        self.paramwise_cfg = dict(no_decay=(), lr_mult={}) | self.paramwise_cfg

    def add_params(self, params: list[dict], module: nn.Module, **_: object) -> None:
        """Append the groups of all parameters of ``module`` to ``params``."""
        no_decay = set(self.paramwise_cfg['no_decay'])
        factors = self.paramwise_cfg['lr_mult']
        _check_modules(module, factors)
        groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
        for name, parameter in module.named_parameters():
            if parameter.requires_grad:
                decays = parameter.dim() > 1 and name.rpartition('.')[2] not in no_decay
                groups.setdefault((_factor(name, factors), decays), []).append(parameter)
        for (factor, decays), members in groups.items():
            options = dict(lr=self.base_lr * factor)
            if self.base_wd is not None:
                options['weight_decay'] = self.base_wd if decays else 0.0
            params.append(dict(params=members, **options))
            count = sum(parameter.numel() for parameter in members)
            print_log(
                f'{len(members)} parameters of {count:,} numbers: {options}', logger='current'
            )


def _factor(name: str, factors: dict[str, float]) -> float:
    fitting = [start for start in factors if f'{name}.'.startswith(f'{start}.')]
    return factors[max(fitting, key=len)] if fitting else 1.0


def _check_modules(model: nn.Module, names: dict[str, float]) -> None:
    for name in names:
        try:
            model.get_submodule(name)
        except AttributeError as error:
            raise ValueError(
                f'paramwise_cfg.lr_mult names {name!r}, which the model does not have ({error}). '
                f'Name one of {[child for child, _ in model.named_children()]} or a part of it.'
            ) from error
