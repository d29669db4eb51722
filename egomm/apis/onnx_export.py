"""A trained model as an ONNX file, which other runtimes run without PyTorch.

The file goes from the values that the pipeline packs to what the heads compute. Preparing clips
(sampling, resizing, cropping, spectrograms) and turning outputs into answers (soft-NMS of segments,
means over views) stay with egomm. Shapes are fixed when it is written.
"""

import importlib.util
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import torch
from mmengine.config import Config
from torch import Tensor

import egomm
from egomm.apis.plain_model import PlainModel, plain_attention, plain_model
from egomm.compat import load_checkpoint
from egomm.functional.licences import licence_of
from egomm.functional.whole_files import sha256_of_file, written_beside

OPSET = 18
PACKAGES = ('onnx', 'onnxscript', 'onnxruntime')
# Which name operators that nobody uses here, and what they leave as it is.
_LOGGERS = ('torch.onnx._internal.exporter', 'onnxscript', 'onnx_ir')


class Difference(NamedTuple):
    """How far a file is from PyTorch in one output.

    Attributes:
        largest: Largest absolute difference.
        scale: Largest absolute value that PyTorch gave.
    """

    largest: float
    scale: float


def export_onnx(
    config: Config,
    checkpoint: str,
    out: str | Path,
    *,
    batch: int = 1,
    length: int | None = None,
) -> tuple[dict[str, tuple[int, ...]], dict[str, Difference]]:
    """Write a model and run the file beside PyTorch.

    Both get random inputs twice: all there, and, where there are several modalities, without the
    last one; of a localizer with half of the positions.

    Args:
        config: Of a recognizer that reads video, or of a model of moments or queries.
        checkpoint: Its weights.
        out: The file, ``.onnx``.
        batch: Clips that it takes at a time.
        length: Positions of a localizer's clip; by default those that its config trains with.

    Returns:
        Shapes of the inputs by name, and the difference by output.

    Raises:
        ValueError: If a package is missing, or config, checkpoint and arguments do not fit.
    """
    out = Path(out)
    if out.suffix != '.onnx':
        raise ValueError(f'ONNX files end in .onnx; got {out}. Change its ending.')
    lacking = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if lacking:
        raise ValueError(
            f'Export wants the packages {", ".join(PACKAGES)}; {", ".join(lacking)} missing. '
            "Install them: pip install 'egomm[onnx]'."
        )
    network, examples = plain_model(config, checkpoint, batch=batch, length=length)
    with torch.no_grad(), _exporting():
        program = torch.onnx.export(
            network,
            tuple(examples[0].values()),
            input_names=list(examples[0]),
            output_names=network.output_names(),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    program.model.metadata_props.update(
        egomm=egomm.__version__,
        config=Path(config.filename or '').name,
        checkpoint_sha256=sha256_of_file(checkpoint),
        licence=licence_of(load_checkpoint(checkpoint).get('meta') or {}, config.to_dict()),
    )
    with written_beside(out) as file:
        file.write(program.model_proto.SerializeToString())
    return {name: tuple(x.shape) for name, x in examples[0].items()}, compare(
        network, out, examples
    )


def compare(
    network: PlainModel, path: str | Path, examples: list[dict[str, Tensor]]
) -> dict[str, Difference]:
    """Run a file with onnxruntime on the CPU and the network with PyTorch.

    Args:
        network: What the file was made of.
        path: The file.
        examples: Inputs by name, of the shapes that the file was made with.

    Returns:
        By output, over all examples.
    """
    from onnxruntime import InferenceSession

    session = InferenceSession(str(path), providers=['CPUExecutionProvider'])
    wanted = {entry.name for entry in session.get_inputs()}  # a mask that nothing reads is gone
    found = {name: Difference(0.0, 0.0) for name in network.output_names()}
    for example in examples:
        with torch.no_grad():
            right = network(*example.values())
        given = {name: x.numpy() for name, x in example.items() if name in wanted}
        for (name, before), x, y in zip(found.items(), right, session.run(None, given)):
            here = torch.stack([(x - torch.from_numpy(y)).abs().max(), x.abs().max()])
            # Unlike max(), keeps NaN.
            known = torch.tensor(before, dtype=torch.float64)
            found[name] = Difference(*known.maximum(here.double()).tolist())
    return found


@contextmanager
def _exporting() -> Iterator[None]:
    """PyTorch's exporter without what it says of itself."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), plain_attention():
            warnings.simplefilter('ignore')  # of deprecations within PyTorch
            yield
    finally:
        for logger, level in zip(loggers, levels):
            logger.setLevel(level)
