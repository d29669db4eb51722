"""What is measured: sides that do one work, by how much they should differ, how cost grows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

Work = Callable[[], Any]

# Module and function of every case; the second says in which suites it runs.
CASES: dict[str, tuple[str, tuple[str, ...]]] = {
    'fusion': ('fusion.query_fusion', ('cpu', 'gpu')),
    'mimo': ('recognition.mimo_step', ('cpu', 'gpu')),
    'mfnet': ('recognition.mfnet_step', ('cpu', 'gpu')),
    'asl': ('localization.asl_step', ('cpu', 'gpu')),
    'soft-nms': ('segments.soft_nms_case', ('cpu',)),
    'moment-scores': ('segments.moment_scores', ('cpu',)),
    'video': ('media.frames_of_clips', ('cpu',)),
    'windows': ('media.windows_of_video', ('cpu',)),
    'input': ('pipeline.input_pipeline', ('cpu',)),
    'start-up': ('startup.start_up', ('cpu',)),
}


class Settings(NamedTuple):
    """How to measure.

    Attributes:
        quick: Smaller work where the whole takes more than seconds, and fewer rounds.
        threads: Of torch, on all sides.
        device: ``'cpu'`` or ``'cuda'``.
    """

    quick: bool = False
    threads: int = 2
    device: str = 'cpu'


class Side(NamedTuple):
    """One way to do the work.

    Attributes:
        name: In the table.
        make: Prepares; what it returns does the work once, and gives what is compared.
        speed: At least so many times as fast as the peer; None is no target.
        memory: At most this share of the peer's memory; None is no target.
        tolerance: How far its result may be from the peer's, as `Contest.difference` measures it;
            None compares nothing.
    """

    name: str
    make: Callable[[], Work]
    speed: float | None = None
    memory: float | None = None
    tolerance: float | None = 0.0


class Growth(NamedTuple):
    """How the time of ours grows.

    Attributes:
        what: Name of the size.
        sizes: From small to large.
        make: The work of one size.
    """

    what: str
    sizes: Sequence[int]
    make: Callable[[int], Work]


@dataclass
class Contest:
    """One row group of the table.

    Args:
        work: What is done, with sizes.
        peer: What a user would otherwise run.
        sides: What egomm offers.
        difference: Distance of two results, 0 for equal ones; the first is of the peer.
        memory: ``'process'``: peak resident memory, each side in a process of its own.
            ``'saved'``: what autograd keeps for the backward pass. None measures none.
        limits: Seconds that a side may take at most, by its name: the fastest round counts.
        growth: Sizes to vary.
        notes: What a reader should know.
        facts: Further measured numbers, by name: called after the contest.
        flops: Whether to count floating point operations of ours and compare their rate with that
            of a matrix product.
    """

    work: str
    peer: Side
    sides: Sequence[Side]
    difference: Callable[[Any, Any], float] | None = None
    memory: str | None = None
    limits: Mapping[str, float] = field(default_factory=dict)
    growth: Sequence[Growth] = ()
    notes: Sequence[str] = ()
    facts: Mapping[str, Callable[[], float]] = field(default_factory=dict)
    flops: bool = False


def names_of(suite: str) -> list[str]:
    """Cases of a suite."""
    return [name for name, (_, suites) in CASES.items() if suite in suites]


def contests(name: str, settings: Settings) -> list[Contest]:
    """The contests of a case."""
    module, function = CASES[name][0].split('.')
    found = getattr(import_module(f'egomm.testing.benchmarks.{module}'), function)(settings)
    return found if isinstance(found, list) else [found]


@lru_cache
def scratch() -> TemporaryDirectory:
    """A folder for generated media; removed when the process ends."""
    return TemporaryDirectory(prefix='egomm-benchmark-')


def relative_difference(theirs: Any, ours: Any) -> float:
    """Largest difference of tensors, or sequences of them, relative to the peer's largest value."""
    import torch

    if isinstance(theirs, torch.Tensor):
        theirs, ours = [theirs], [ours]
    if len(theirs) != len(ours):
        raise ValueError(f'results of {len(theirs)} and {len(ours)} tensors cannot be compared')
    return max(
        float((a.double() - b.double()).abs().max() / a.double().abs().max().clamp(min=1e-12))
        for a, b in zip(theirs, ours)
    )
