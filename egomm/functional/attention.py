"""Attention over the tokens of several modalities, and the loss that steers it.

Source: "Towards Better Egocentric Action Understanding in a Multi-Input Multi-Output View":
the weighted softmax of Eq. (4) and the allocating loss of Eq. (1).

Shapes: B = batch, H = attention heads, T = task tokens, L = tokens, M = modalities, C = classes.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn.functional import pad


def weighted_softmax(logits: Tensor, weights: Tensor, dim: int = -1) -> Tensor:
    """Softmax in which every token counts ``weights`` times: Eq. (4).

    ``w_y exp(m_y) / sum_z w_z exp(m_z)``, computed as the softmax of ``m + ln w``. A factor common
    to all weights of a row changes nothing. Half-precision logits are computed in float32.

    Args:
        logits: Scores before the softmax, of any shape.
        weights: Plain weights (not logarithms), broadcast against ``logits``. 0 removes a token;
            a removed token passes no gradient, neither to its logit nor to its weight.
        dim: The axis of ``logits`` that holds the tokens.

    Returns:
        Probabilities that sum to 1 over ``dim``, in the dtype of ``logits``.

    Raises:
        ValueError: If a weight is negative, infinite or NaN, if all weights of a row are 0, or if
            the shapes do not broadcast.
    """
    exact = _at_least_float32(logits)
    dim = dim if dim < 0 else dim - logits.dim()
    try:
        _, row = torch.broadcast_tensors(logits, weights)
    except RuntimeError as error:
        raise ValueError(
            f'weighted_softmax wants weights that broadcast against logits {tuple(logits.shape)}; '
            f'got {tuple(weights.shape)}. Give one weight per token of axis {dim}.'
        ) from error
    if weights.dim() < -dim:
        weights = row
    return torch.softmax(logits.to(exact) + log_weights(weights.to(exact), dim), dim).to(logits)


def log_weights(weights: Tensor, dim: int = -1) -> Tensor:
    """Logarithms of weights of tokens, ``-inf`` for 0: what Eq. (4) adds to the logits.

    Args:
        weights: Plain weights ``(..., L)``.
        dim: The axis of the tokens.

    Returns:
        Of the same shape; a weight of 0 gets no gradient.

    Raises:
        ValueError: If a weight is negative, infinite or NaN, or all weights of a row are 0.
    """
    keep = weights > 0
    sound = ((weights >= 0) & weights.isfinite()).all() & keep.any(dim).all()
    # A graph cannot branch on values; whoever exports it has to give sound weights.
    if not torch.compiler.is_compiling() and not sound:
        raise ValueError(_weight_fault(weights))
    # where() twice: the logarithm never sees a 0, so its gradient stays finite.
    return torch.where(keep, torch.where(keep, weights, 1).log(), -torch.inf)


def read_tokens(
    queries: Tensor,
    offsets: Tensor,
    tokens: Sequence[Tensor],
    keep: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Attention of a few queries to many tokens that are keys and values at once.

    The same as products, softmax and products again, but the gradient of the tokens, which is
    most of what is written, comes from one product of twice as many rows instead of two products
    and their sum. Logits are computed in the dtype of the tokens, their softmax in float32.

    Args:
        queries: ``(B or 1, N, C)``, scaled already.
        offsets: Added to the logits, ``(B or 1, N or 1, L)``, at least in float32; ``-inf`` removes
            a token.
        tokens: Groups ``(B, C, L_g)`` of one dtype, ``L`` in all.
        keep: Factors on the attention when it reads, as of dropout, ``(B, N, L)``.

    Returns:
        The attention ``(B, N, L)``, without ``keep``, and what is read from each group
        ``(B, G, N, C)``.
    """
    if keep is not None:
        keep = keep.to(tokens[0].dtype)
    return _ReadTokens.apply(queries.to(tokens[0].dtype), offsets, keep, *tokens)


class _ReadTokens(Function):
    """See `read_tokens`. The backward pass is made of what autograd knows, so it has one too."""

    @staticmethod
    def forward(ctx, queries, offsets, keep, *tokens):  # type: ignore[no-untyped-def]
        batch = tokens[0].shape[0]
        rows = queries.expand(batch, -1, -1)
        logits = torch.cat([torch.bmm(rows, x) for x in tokens], dim=2)
        attention = torch.softmax(logits + offsets, dim=2).to(logits.dtype)
        parts = _groups(attention if keep is None else attention * keep, tokens)
        read = torch.stack([torch.bmm(part, x.mT) for part, x in zip(parts, tokens)], dim=1)
        ctx.save_for_backward(queries, attention, keep, *tokens)
        ctx.offsets = offsets.dtype, offsets.shape
        return attention, read

    @staticmethod
    def backward(ctx, d_attention, d_read):  # type: ignore[no-untyped-def]
        queries, attention, keep, *tokens = ctx.saved_tensors
        dtype, shape = ctx.offsets
        rows = queries.expand(len(attention), -1, -1)
        d_groups = d_read.unbind(1)
        d_used = torch.cat([torch.bmm(d, x) for d, x in zip(d_groups, tokens)], dim=2)
        used, total = attention, d_attention + d_used
        if keep is not None:
            used, total = attention * keep, d_attention + d_used * keep
        exact, total = attention.to(dtype), total.to(dtype)
        d_offsets = exact * (total - (exact * total).sum(2, keepdim=True))
        d_logits = d_offsets.to(attention)
        parts, weights = _groups(d_logits, tokens), _groups(used, tokens)
        d_rows = torch.stack([torch.bmm(part, x.mT) for part, x in zip(parts, tokens)]).sum(0)
        # In one product: what the token does as a key, and what it does as a value.
        d_tokens = [
            torch.bmm(torch.cat([rows, d], 1).mT, torch.cat([part, weight], 1)) if wanted else None
            for wanted, d, part, weight in zip(ctx.needs_input_grad[3:], d_groups, parts, weights)
        ]
        return d_rows.sum_to_size(queries.shape), d_offsets.sum_to_size(shape), None, *d_tokens


def _groups(values: Tensor, tokens: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Columns ``(..., L)`` by group."""
    return values.split([x.shape[2] for x in tokens], dim=2)


def modality_mass(attention: Tensor, sizes: Sequence[int]) -> Tensor:
    """Share of the attention that each modality receives.

    Args:
        attention: Attention after the softmax ``(B, H, T, L)``. The tokens of the modalities come
            first, in order; what is left of ``L`` are the task tokens.
        sizes: Number of tokens of each of the ``M`` modalities.

    Returns:
        Sums ``(B, H, T, M)``; with the mass on the task tokens they add up to 1.

    Raises:
        ValueError: If a size is negative or the sizes add up to more than ``L``.
    """
    length = attention.shape[-1]
    if min(sizes, default=0) < 0 or sum(sizes) > length:
        raise ValueError(
            f'modality_mass wants sizes >= 0 that add up to at most {length}, the number of tokens '
            f'of attention {tuple(attention.shape)}; got {list(sizes)}. Give the token count of '
            'each modality, without the task tokens.'
        )
    parts = attention.split([*sizes, length - sum(sizes)], dim=-1)[: len(sizes)]
    # A half-precision sum over hundreds of tokens would lose digits; sum() accumulates in float32.
    return torch.stack([part.sum(-1) for part in parts], dim=-1)


def reallocate(mass: Tensor, parts: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """What attention would give with other weights, without computing it again.

    Within a modality the attention keeps its shape, so the modality's mass becomes
    ``w_m s_m / Z`` with ``Z = sum_n w_n s_n``, and what it contributed to the output is
    multiplied by ``w_m / Z``. Exact for the attention whose mass and parts were computed with
    weight 1 everywhere: Eq. (4) in closed form.

    Args:
        mass: Attention on each modality, and last on the task tokens ``(B, H, T, M + 1)``.
        parts: What each of them contributed to each head's output ``(B, H, T, M + 1, D)``.
        weights: Plain weights ``(M,)``, ``(T, M)`` or ``(B, T, M)``; the task tokens weigh 1.

    Returns:
        The new mass on the modalities ``(B, H, T, M)`` and the new sum of the parts
        ``(B, H, T, D)``.

    Raises:
        ValueError: If a weight is negative or not finite, or nothing is left to attend to.
    """
    check_weights(weights)
    if weights.dim() == 3:
        weights = weights[:, None]
    weights = pad(weights.to(mass.dtype), (0, 1), value=1.0)
    scaled = mass * weights
    total = scaled.sum(-1, keepdim=True)
    if (total == 0).any():
        raise ValueError(
            'reallocate is left with no attention at all in some row: every modality that is '
            'there has weight 0 and no task token is a key. Keep one modality above 0.'
        )
    return scaled[..., :-1] / total, (parts * weights[..., None]).sum(-2) / total


def check_weights(weights: Tensor) -> None:
    """Refuse what is no weight of a softmax, of any shape.

    Raises:
        ValueError: If a weight is negative, infinite or NaN.
    """
    if not ((weights >= 0) & weights.isfinite()).all():
        raise ValueError(_weight_fault(weights))


def allocation_loss(
    mass: Tensor,
    uncertainty: Tensor,
    direction: str = 'text',
    present: Tensor | None = None,
) -> Tensor:
    """Penalty on attention that disagrees with how certain the modalities are: Eq. (1).

    Mean over heads of the sum over ordered pairs (i, j) of modalities of
    ``max(0, u_j - u_i) * max(0, d)``. The paper contradicts itself about ``d``: its prose wants
    more attention on the uncertain modality, ``d = s_i - s_j`` (``'text'``), while the printed
    formula penalises exactly that, ``d = s_j - s_i`` (``'as_printed'``).

    Args:
        mass: Attention ``s`` on each modality ``(B, H, M)``, from before any dropout.
        uncertainty: Entropy ``u`` of each modality's own prediction ``(B, M)``. It is taken as
            a constant, or equal entropies would lower the loss.
        direction: ``'text'`` or ``'as_printed'``.
        present: ``(B, M)``, False where a modality is missing: its pairs are left out, and
            neither its mass nor its uncertainty is read.

    Returns:
        One loss for each sample ``(B,)``; its gradient is 0 at ties.

    Raises:
        ValueError: If the direction is unknown or the shapes do not belong together.
    """
    if direction not in ('text', 'as_printed'):
        raise ValueError(
            f"allocation_loss wants direction 'text' (the paper's prose) or 'as_printed' "
            f'(its Eq. (1)); got {direction!r}.'
        )
    wanted = (mass.shape[0], mass.shape[-1])
    for name, value in (('uncertainty', uncertainty), ('present', present)):
        if value is not None and (mass.dim() != 3 or tuple(value.shape) != wanted):
            raise ValueError(
                f'allocation_loss wants mass (B, H, M) and {name} (B, M); got '
                f'{tuple(mass.shape)} and {tuple(value.shape)}. Pass one task at a time.'
            )
    exact = _at_least_float32(mass)
    s, u = mass.to(exact), uncertainty.detach().to(exact)
    if present is not None:
        s = torch.where(present[:, None], s, 0)
        u = torch.where(present, u, 0)
    surplus = torch.relu(u[:, None, :] - u[:, :, None])  # (B, i, j): how far j exceeds i
    if present is not None:
        surplus = surplus * (present[:, None, :] & present[:, :, None])
    disagreement = s[:, :, None, :] - s[:, :, :, None]  # (B, H, i, j): s_j - s_i
    if direction == 'text':
        disagreement = -disagreement
    pairs = surplus[:, None] * torch.relu(disagreement)  # relu has gradient 0 at 0, clamp has 1
    return pairs.sum(dim=(-2, -1)).mean(dim=1).to(mass.dtype)


def entropy(logits: Tensor) -> Tensor:
    """Entropy of the softmax, in nats: between 0 and ``ln C``.

    Args:
        logits: Scores ``(..., C)``; a class with ``-inf`` has probability 0 and adds nothing.

    Returns:
        Entropies ``(...)`` in the dtype of ``logits``.
    """
    log_p = logits.to(_at_least_float32(logits)).log_softmax(-1)
    p = log_p.exp()
    return -(p * log_p.masked_fill(p == 0, 0)).sum(-1).to(logits.dtype)


def normalised_entropy(logits: Tensor) -> Tensor:
    """Entropy as a share of ``ln C``: 0 for certainty (and for a single class), 1 for none.

    Args:
        logits: Scores ``(..., C)``.

    Returns:
        Shares ``(...)`` in the dtype of ``logits``.
    """
    return entropy(logits) / math.log(max(logits.shape[-1], 2))


def _at_least_float32(values: Tensor) -> torch.dtype:
    return torch.promote_types(values.dtype, torch.float32)


def _weight_fault(weights: Tensor) -> str:
    wanted = 'weights of attention are finite and >= 0, with one above 0 in each row; '
    if (weights < 0).any():
        return (
            f'{wanted}got {weights.min():g}. Pass plain weights, not their logarithms; '
            '0 removes a token.'
        )
    if not weights.isfinite().all():
        return f'{wanted}got NaN or infinity. Look at what the weights are computed from.'
    return (
        f'{wanted}got a row of zeros (weights {tuple(weights.shape)}), which leaves no token to '
        'attend to. Keep one modality or the task tokens in every row.'
    )
