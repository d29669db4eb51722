"""What a backbone, a neck, a head and a loss promise each other. Read this first.

One batch: ``inputs`` (a ``Stream`` a modality) -> ``backbones`` (one a modality) -> ``neck``
(adds what the heads read) -> ``heads`` (one a task) -> ``sample.pred``.

The names below are for readers and type checkers. A component needs no base class: anything
registered in ``egomm.registry.MODELS`` whose methods look like this can be named in a config.
"""

from typing import Any, Protocol

from torch import Tensor

from egomm.structures import Stream


class Backbone(Protocol):
    """One modality's encoder."""

    def __call__(self, stream: Stream) -> Stream:
        """Encode ``(B, C_in, T, H, W)`` into ``(B, C, t, h, w)`` and keep the mask's meaning."""


class Neck(Protocol):
    """Joins the encoded modalities."""

    def __call__(self, streams: dict[str, Stream]) -> dict[str, Stream]:
        """Return ``streams`` with what heads read added under new names.

        A fusion that makes one vector adds ``'fused'``; one that makes a vector a task adds
        the tasks' names. A sample without a modality must get nothing from its stream: the
        mask decides, never the values.

        A linear fusion also adds ``'contributions'`` ``(B, D, M)``, whose sum over the modalities
        is ``'fused'``, with the mask ``(B, M)`` of what is there, and names the modalities in its
        attribute ``contributors``. Balancing reads them (``hooks.ModalityBalanceHook``).
        """


class Head(Protocol):
    """One task's answer. It knows neither its task's name nor the batch format.

    Attributes:
        source: Name of the neck output that it reads.
    """

    source: str

    def __call__(self, stream: Stream) -> Tensor:
        """Map the source stream to raw outputs, for example logits ``(B, K)``."""

    def loss(self, stream: Stream, targets: list) -> dict[str, Tensor]:
        """Compute scalars; every key that contains ``loss`` is minimised.

        ``targets`` has one entry a sample, None where the label is missing. Means are taken
        over the labelled samples of all processes (``functional.reduction.global_mean``).
        """

    def predict(self, stream: Stream, metas: list[dict]) -> list[Any]:
        """Return one CPU prediction a sample."""


class SampleLoss(Protocol):
    """A classification loss that leaves the mean to its head."""

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Map logits ``(B, K)`` and labels ``(B,)`` to one loss a sample, ``(B,)``."""
