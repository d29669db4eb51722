"""Weights of other projects under the names that egomm's configs build.

Importing this file loads neither torch nor the networks, so ``--help`` answers at once.

Sources: facebookresearch/omnivore for the layout of the Swin trunks, cypw/PyTorch-MFNet and
georkap/hand_track_classification for that of MFNet-3D.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from egomm.compat import load_checkpoint

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Source:
    """A project's checkpoints.

    Args:
        title: What they hold, for errors.
        wrappers: Dotted places where the weights may lie, '' for bare ones. The first that holds
            ``landmark`` counts; what lies elsewhere in the file is dropped.
        landmark: Name of a weight that all of them have.
        dropped: Beginnings of names that the network does not have.
        renamed: New beginnings of names by old ones.
        networks: Configs of the networks, by the number of output channels of ``landmark``.
    """

    title: str
    wrappers: tuple[str, ...]
    landmark: str
    dropped: tuple[str, ...]
    renamed: Mapping[str, str]
    networks: Mapping[int, dict]


def _swin(arch: str, window_size: tuple[int, int, int]) -> dict:
    kind = 'mmaction.SwinTransformer3D'
    return dict(type=kind, arch=arch, window_size=window_size, pretrained2d=False)


SOURCES = dict(
    omnivore=Source(
        title='Omnivore Swin-T, Swin-B or Swin-L trunk',
        wrappers=('trunk.', '', 'classy_state_dict.base_model.model.trunk.'),
        landmark='patch_embed.proj.weight',
        dropped=('depth_patch_embed.',),
        renamed={'norm.': 'norm3.'},
        networks={
            96: _swin('tiny', (8, 7, 7)),
            128: _swin('base', (16, 7, 7)),
            192: _swin('large', (8, 7, 7)),
        },
    ),
    mfnet=Source(
        title='MFNet-3D',
        wrappers=('state_dict.module.', 'state_dict.', 'module.', ''),
        landmark='conv1.conv.weight',
        dropped=('classifier', 'coord_layers.'),
        renamed={},
        networks={16: dict(type='MFNet3D')},
    ),
)


@dataclass
class Conversion:
    """What became of the entries of a checkpoint.

    Args:
        state: The weights by their new names.
        taken: Names that stayed as they were.
        renamed: New names by old ones.
        dropped: Dotted names of what was left out.
        added: Names of what the file lacked.
    """

    state: 'dict[str, Tensor]' = field(default_factory=dict)
    taken: list[str] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)

    def report(self) -> str:
        """The names of each kind under their count."""
        kinds = {
            'taken': self.taken,
            'renamed': [f'{old} -> {new}' for old, new in self.renamed.items()],
            'dropped': self.dropped,
            'added': self.added,
        }
        lines = []
        for kind, names in kinds.items():
            lines += [f'{len(names)} {kind}', *(f'    {name}' for name in names)]
        return '\n'.join(lines)


def convert(source: Source, checkpoint: Any) -> Conversion:
    """Sort the entries of a checkpoint and name the weights as egomm does.

    Args:
        source: Which project the checkpoint is from.
        checkpoint: What the file holds.

    Raises:
        ValueError: If the checkpoint has the source's weights in none of the known places, or
            something among them is no tensor.
    """
    import torch

    entries = dict(_leaves(checkpoint)) if isinstance(checkpoint, Mapping) else {}
    wrapper = next((w for w in source.wrappers if f'{w}{source.landmark}' in entries), None)
    if wrapper is None:
        places = ', '.join(repr(f'{w}{source.landmark}') for w in source.wrappers)
        found = ', '.join(list(entries)[:4]) or f'a {type(checkpoint).__name__}'
        raise ValueError(
            f'it is no {source.title}: of {places} one is expected; it holds {found}. Give the '
            'file as its authors published it.'
        )
    conversion = Conversion()
    for place, value in entries.items():
        name = place.removeprefix(wrapper)
        if not place.startswith(wrapper) or name.startswith(source.dropped):
            conversion.dropped.append(place)
            continue
        if not isinstance(value, torch.Tensor):
            raise ValueError(
                f'it is no {source.title}: {place} is a {type(value).__name__}, a tensor is '
                'expected. Give the file as its authors published it.'
            )
        old = next((beginning for beginning in source.renamed if name.startswith(beginning)), None)
        if old is None:
            conversion.taken.append(name)
        else:
            conversion.renamed[name] = name = source.renamed[old] + name.removeprefix(old)
        # A copy of its own: a view would be saved with all that it is a view of.
        conversion.state[name] = value.detach().clone()
    return conversion


def check(source: Source, conversion: Conversion) -> dict:
    """Find the network that the weights are for; add the counters that old files lack.

    Args:
        source: Which project the weights are from.
        conversion: What `convert` returned. The counters of batch norm, which PyTorch before
            0.4.1 did not write, are added in place.

    Returns:
        The config of the network.

    Raises:
        ValueError: If names or shapes are not those of the network.
    """
    from egomm.functional.weights import differences
    from egomm.registry import MODELS

    channels = next(iter(conversion.state[source.landmark].shape), 0)
    if channels not in source.networks:
        raise ValueError(
            f'it is no {source.title}: {source.landmark} gives {channels} channels, '
            f'{" or ".join(map(str, source.networks))} are expected. Give a file of that size.'
        )
    config = source.networks[channels]
    wanted = MODELS.build(config).state_dict()
    problems = differences(wanted, conversion.state)
    if problems:
        raise ValueError(
            f'it is no {source.title}: {"; ".join(problems)}. Give the file as its authors '
            'published it.'
        )
    for name in wanted:
        if name not in conversion.state:
            conversion.state[name] = wanted[name]
            conversion.added.append(name)
    return config


def convert_file(
    name: str,
    path: str | Path,
    destination: str | Path,
    overwrite: bool = False,
    prefix: str = '',
) -> str:
    """Convert a checkpoint; ``destination`` is whole or not there.

    Args:
        name: A key of ``SOURCES``.
        path: The checkpoint of the other project.
        destination: Written as ``dict(state_dict=...)``, for `pretrained` of a backbone.
        overwrite: Replace ``destination`` where it exists.
        prefix: What to put before every name: ``backbone.`` for a whole recognizer of mmaction2.

    Returns:
        The report: the network that the weights are for, and what became of every entry.

    Raises:
        ValueError: If ``path`` cannot be read safely or is not of this source, or
            ``destination`` exists or cannot be written.
    """
    source, target = SOURCES[name], Path(destination).expanduser()
    if target.exists() and not overwrite:
        raise ValueError(f'{target} exists. Give another name, or --force to replace it.')
    checkpoint = load_checkpoint(path)
    try:
        conversion = convert(source, checkpoint)
        config = check(source, conversion)
    except ValueError as error:
        raise ValueError(f'{path} cannot be converted: {error}') from error
    state = {f'{prefix}{key}': value for key, value in conversion.state.items()}
    save_checkpoint(dict(state_dict=state), target)
    return f'{conversion.report()}\n{target} holds the weights of {config}'


def save_checkpoint(checkpoint: dict, target: Path) -> None:
    """Write a checkpoint, which is whole or not there.

    Raises:
        ValueError: If it cannot be written.
    """
    import torch

    beside = target.with_name(f'.{target.name}.{os.getpid()}')
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        torch.save(checkpoint, beside)
        beside.replace(target)
    except (OSError, RuntimeError) as error:  # torch says RuntimeError when the disk is full
        raise ValueError(f'{target} cannot be written: {error}. Give another place.') from error
    finally:
        if beside.exists():
            beside.unlink()


def _leaves(tree: Mapping, prefix: str = '') -> Iterator[tuple[str, Any]]:
    """Every value of nested dicts by its dotted name."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f'{prefix}{key}.')
        else:
            yield f'{prefix}{key}', value
