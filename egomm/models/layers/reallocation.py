"""Attention re-allocating of MIMO (Hou et al., 2023, section 2.3): weights of modalities.

A part of `QueryFusion` in evaluation, without training and without parameters, so it goes with
any checkpoint. How the paper chose its weights is not written; `tools/search_reallocation.py`
chooses fixed ones on validation data.

Shapes: B = batch, T = tasks, M = modalities, K = classes.
"""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from egomm.functional.attention import check_weights, normalised_entropy
from egomm.models.layers.unimodal import unimodal_predictions
from egomm.registry import MODELS
from egomm.structures import Stream


@MODELS.register_module()
class FixedReallocation(nn.Module):
    """The same weights for every sample.

    Args:
        weights: By modality, ``dict(rgb=1.0, flow=2.0)``, or by task and modality,
            ``dict(verb=dict(flow=2.0), noun=dict(rgb=1.5))``. What is not named has weight 1, like
            the task tokens; 0 removes a modality.
        modalities: Names of the neck's modalities, in order. The neck passes them.
        tasks: Names of its tasks, in order. The neck passes them.

    Raises:
        ValueError: If a name is unknown, or a weight is no number, negative, not finite, or 0 for
            all modalities.
    """

    def __init__(
        self, *, weights: Mapping, modalities: Sequence[str], tasks: Sequence[str]
    ) -> None:
        super().__init__()
        is_dict = isinstance(weights, Mapping)
        nested = {isinstance(value, Mapping) for value in weights.values()} if is_dict else set()
        if not is_dict or len(nested) > 1:
            raise ValueError(
                'FixedReallocation wants a dict of weights by modality, or a dict of such dicts '
                f'by task; got {weights!r}.'
            )
        by_task = any(nested)
        unknown = set(weights) - set(tasks) if by_task else set()
        rows = [weights.get(task, {}) if by_task else weights for task in tasks]
        unknown |= {name for row in rows for name in row} - set(modalities)
        if unknown:
            raise ValueError(
                f'FixedReallocation wants weights of the modalities {list(modalities)}, or of the '
                f'tasks {list(tasks)} with such a dict each; got {weights!r}: {sorted(unknown)} '
                'unknown. Correct the names.'
            )
        odd = [value for row in rows for value in row.values() if type(value) not in (int, float)]
        if odd:
            raise ValueError(
                f'FixedReallocation wants numbers as weights; got {weights!r}, with {odd[0]!r}.'
            )
        table = torch.tensor([[float(row.get(name, 1.0)) for name in modalities] for row in rows])
        check_weights(table)
        empty = [task for task, row in zip(tasks, table) if not row.any()]
        if empty:
            raise ValueError(
                f'FixedReallocation got weight 0 for every modality of {empty}, which leaves '
                'nothing to recognise. Keep one modality above 0.'
            )
        self.register_buffer('weights', table, persistent=False)

    def forward(self, streams: dict[str, Stream]) -> Tensor:
        """Weights ``(1, T, M)``."""
        return self.weights[None]


@MODELS.register_module()
class UncertaintyReallocation(nn.Module):
    """Weights of each sample from how sure each modality is by itself: ``exp(-beta * u)``.

    They are divided by the largest of the modalities that the sample has, so that one of these
    has weight 1, as the task tokens have, whatever ``beta``; missing ones have weight 0. ``u`` is
    the entropy of the modality's own prediction of the task, divided by ``ln K``, so 0 for
    certainty and 1 for none. Negative ``beta`` looks at the uncertain modalities instead.

    Args:
        beta: How sharply; 0 changes nothing.
        modalities: Names of the neck's modalities, in order. The neck passes them.
        tasks: Names of its tasks, in order. The neck passes them.

    Raises:
        ValueError: If ``beta`` is not finite.
    """

    def __init__(self, *, beta: float, modalities: Sequence[str], tasks: Sequence[str]) -> None:
        super().__init__()
        if not isinstance(beta, (int, float)) or not math.isfinite(beta):
            raise ValueError(f'UncertaintyReallocation wants a finite beta; got {beta!r}.')
        self.beta = beta
        self.modalities = tuple(modalities)
        self.tasks = tuple(tasks)

    def forward(self, streams: dict[str, Stream]) -> Tensor:
        """Weights ``(B, T, M)``; reads ``'unimodal_<task>'`` of `UnimodalHeads`.

        Raises:
            ValueError: If there are no such predictions, or of other modalities.
        """
        weights = []
        for task in self.tasks:
            stream = unimodal_predictions(type(self).__name__, streams, task, self.modalities)
            exponents = -self.beta * normalised_entropy(stream.x.transpose(1, 2).float())
            if stream.mask is not None:
                exponents = exponents.masked_fill(~stream.mask, -torch.inf)
            # Nothing there at all: -inf would take itself away from itself.
            largest = exponents.amax(dim=1, keepdim=True).clamp(min=torch.finfo().min)
            weights.append((exponents - largest).exp())
        return torch.stack(weights, dim=1)
