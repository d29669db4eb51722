"""Weights by name: how two networks differ, and a first layer for other inputs.

Source: the mean over input channels is the cross-modality initialisation of temporal segment
networks (Wang et al., 2016, arXiv:1608.00859, section 3.2).
"""

from collections.abc import Mapping

from torch import Tensor

_SHOWN = 4  # names of each kind in an error


def differences(
    wanted: Mapping[str, Tensor], got: Mapping[str, Tensor], allow: tuple[str, ...] = ()
) -> list[str]:
    """Compare two state dicts by name and shape.

    ``num_batches_tracked`` may be missing: PyTorch before 0.4.1 did not write it, and only
    batch norm without momentum reads it.

    Args:
        wanted: The state dict of a network.
        got: What is to be loaded into it.
        allow: Beginnings of names that are not compared.

    Returns:
        One phrase for each kind of difference; none if ``got`` fits.
    """

    def first(names: list[str]) -> str:
        more = f' and {len(names) - _SHOWN} more' if len(names) > _SHOWN else ''
        return ', '.join(names[:_SHOWN]) + more

    missing = [
        name
        for name in wanted
        if name not in got
        and not name.startswith(allow)
        and not name.endswith('num_batches_tracked')
    ]
    unexpected = [name for name in got if name not in wanted and not name.startswith(allow)]
    misshaped = [
        f'{name} {tuple(got[name].shape)} instead of {tuple(wanted[name].shape)}'
        for name in wanted
        if name in got and got[name].shape != wanted[name].shape and not name.startswith(allow)
    ]
    kinds = {'missing': missing, 'unexpected': unexpected, 'of another shape': misshaped}
    return [f'{len(names)} {kind}: {first(names)}' for kind, names in kinds.items() if names]


def with_input_channels(kernel: Tensor, channels: int) -> Tensor:
    """The kernel of a convolution for another number of input channels.

    Every channel gets the mean over the old ones, so flow or a spectrogram starts from what an
    RGB network has learned about grey images.

    Args:
        kernel: ``(C_out, C_in, ...)``.
        channels: The new number of input channels.

    Returns:
        ``(C_out, channels, ...)``.
    """
    return kernel.mean(dim=1, keepdim=True).repeat_interleave(channels, dim=1)
