"""Start a network from the weights of a file."""

from pathlib import Path

from mmengine.logging import print_log
from torch import Tensor, nn

from egomm.compat import load_checkpoint
from egomm.functional.weights import differences, with_input_channels


def load_pretrained(network: nn.Module, path: str | Path) -> None:
    """Copy the weights of a file into a network, all of them, and log it.

    The file may be for RGB and the network for another number of input channels: then the first
    convolution becomes the mean over the three, repeated.

    Args:
        network: Its parameters and buffers are changed in place.
        path: A file of ``dict(state_dict=...)`` or of tensors by name, with the names of
            ``network``. tools/convert_checkpoint.py writes such files.

    Raises:
        ValueError: If the file cannot be read safely, holds no tensors by name, or is of another
            architecture. The network is then as it was.
    """
    checkpoint = load_checkpoint(path)
    state = checkpoint.get('state_dict', checkpoint) if isinstance(checkpoint, dict) else None
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise ValueError(
            f'{path} holds no weights: tensors by name are expected, bare or under `state_dict`. '
            'Convert a file of another project with tools/convert_checkpoint.py.'
        )
    wanted = network.state_dict()
    weights, adapted = dict(state), ''
    for name in wanted:
        if _is_for_rgb(weights.get(name), wanted[name]):
            channels = wanted[name].shape[1]
            weights[name] = with_input_channels(weights[name], channels)
            adapted = f'; {name} is the mean over 3 input channels, {channels} times'
    name = type(network).__name__
    problems = differences(wanted, weights)
    if problems:
        raise ValueError(
            f'{path} does not fit {name}: {"; ".join(problems)}. Give `pretrained` a file for '
            'this network and these arguments; tools/convert_checkpoint.py makes one from a file '
            'of another project.'
        )
    network.load_state_dict(weights, strict=False)  # old files lack counters of batch norm
    print_log(f'{name} starts from {path}: {len(weights)} tensors{adapted}', logger='current')


def _is_for_rgb(got: Tensor | None, wanted: Tensor) -> bool:
    """Whether a kernel is the wanted one but for its three input channels."""
    if got is None or got.dim() < 4 or got.dim() != wanted.dim() or got.shape[1] != 3:
        return False
    return wanted.shape[1] != 3 and got[:, 0].shape == wanted[:, 0].shape
