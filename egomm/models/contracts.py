"""What a backbone, a part, a neck, a head and a loss promise each other. Read this first.

One batch: ``inputs`` (a ``Stream`` a modality) -> ``backbones`` (one a modality) -> ``parts``
(add what crosses heads) -> ``neck`` (adds what the heads read) -> ``heads`` (one a task) ->
``sample.pred``.

The names below are for readers and type checkers. A component needs no base class: anything
registered in ``egomm.registry.MODELS`` whose methods look like this can be named in a config.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from torch import Tensor

from egomm.structures import Stream


class Backbone(Protocol):
    """One modality's encoder."""

    def __call__(self, stream: Stream) -> Stream:
        """Encode ``(B, C_in, T, H, W)`` into ``(B, C, t, h, w)`` and keep the mask's meaning."""


class Part(Protocol):
    """What crosses modalities or heads: predictions of single modalities, a loss over several.

    Not every part adds streams, and not every one has a loss; both methods are there. A part
    whose loss has no meaning for mixed clips has an attribute ``hard_labels = True``. One that
    depends on names or sizes elsewhere in the model may have ``check(model)``, which raises
    ValueError where they do not fit; it is called once the model is built.
    """

    def __call__(self, streams: dict[str, Stream]) -> dict[str, Stream]:
        """Return the encoded ``streams`` with what the neck or a later part reads added."""

    def loss(self, outputs: dict[str, Stream], targets: dict[str, list]) -> dict[str, Tensor]:
        """Compute scalars from the neck's outputs; a key that contains ``loss`` is minimised.

        ``targets`` has a list by task, one entry a sample, None where the label is missing.
        """


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
        """Compute scalars; every key that contains ``loss`` is minimised, and one has to.

        ``targets`` has one entry a sample, None where the label is missing. Means are taken
        over the labelled samples of all processes (``functional.reduction.global_mean``).
        """

    def predict(self, stream: Stream, metas: list[dict]) -> list[Any]:
        """Return one CPU prediction a sample."""

    # A head whose answers about several views of a clip can be joined also has
    # ``average(answers: list) -> answer``, with predictions as ``predict`` gives them.


class SampleLoss(Protocol):
    """A classification loss that leaves the mean to its head."""

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Map logits ``(B, K)`` and labels ``(B,)`` to one loss a sample, ``(B,)``."""


class Weighting(Protocol):
    """How much each task counts in what is minimised."""

    def __call__(
        self, losses: dict[str, Tensor], shared: Sequence[Tensor]
    ) -> tuple[dict[str, Tensor | float], dict[str, Tensor]]:
        """Return a factor for each task's loss, and further scalars.

        ``losses`` has a scalar by task, 0 where no sample of the batch has the label. ``shared``
        are the trained parameters before the heads. Of the further scalars, which the log has as
        ``weighting/<name>``, one whose name contains ``loss`` is minimised.
        """
