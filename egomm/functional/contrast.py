"""Frames that answer a sentence lie close to it, actions of one class to each other.

Source: the frame-text contrast of Action Sensitivity Learning for queries (arXiv:2306.09172, 3.3),
whose code was never released, and the action sensitive contrast of arXiv:2305.15701; noise-
contrastive estimation after van den Oord et al., 2018.

Shapes: B = batch, C = channels, T = frames, L = words.
"""

import torch
from torch import Tensor
from torch.nn.functional import normalize


def frame_text_nce(
    frames: Tensor,
    frame_mask: Tensor,
    words: Tensor,
    word_mask: Tensor,
    positive: Tensor,
    temperature: float = 0.07,
) -> Tensor:
    """Mean over positive frames of ``-log(e^s / (e^s + sum over background of e^s))``.

    ``s`` is the cosine of a frame with the mean of the words, over the temperature. Other positive
    frames are no rivals, and padding is neither.

    Args:
        frames: ``(B, C, T)``.
        frame_mask: True at real frames ``(B, T)``.
        words: ``(B, C, L)``.
        word_mask: True at real words ``(B, L)``.
        positive: True at frames of the answer ``(B, T)``.
        temperature: Small ones look at the closest rivals alone.

    Returns:
        ``(B,)``; 0 for a clip without a positive frame or without words. Half precision is
        computed in float32.

    Raises:
        ValueError: If the shapes do not belong together or the temperature is not positive.
    """
    if (
        frames.dim() != 3
        or words.shape[:2] != frames.shape[:2]
        or not frame_mask.shape == positive.shape == (len(frames), frames.shape[2])
        or word_mask.shape != (len(words), words.shape[2])
    ):
        raise ValueError(
            'frame_text_nce wants frames (B, C, T), words (B, C, L) and masks (B, T), (B, L), '
            f'(B, T); got {tuple(frames.shape)}, {tuple(words.shape)}, {tuple(frame_mask.shape)}, '
            f'{tuple(word_mask.shape)} and {tuple(positive.shape)}.'
        )
    if not temperature > 0:
        raise ValueError(f'frame_text_nce wants a temperature > 0; got {temperature}.')
    exact = torch.promote_types(frames.dtype, torch.float32)
    text = words.to(exact).masked_fill(~word_mask[:, None], 0).sum(dim=2)
    text = normalize(text, dim=1)  # the length of the mean does not matter, so a sum will do
    score = (normalize(frames.to(exact), dim=1) * text[..., None]).sum(dim=1) / temperature
    positive = positive & frame_mask & word_mask.any(dim=1, keepdim=True)
    rivals = frame_mask & ~positive
    # Finite in the place of -inf: a clip may have no background at all.
    lowest = torch.finfo(exact).min
    background = score.masked_fill(~rivals, lowest).logsumexp(dim=1, keepdim=True)
    loss = torch.logaddexp(score, background) - score
    total = torch.where(positive, loss, 0).sum(dim=1)
    return (total / positive.sum(dim=1).clamp(min=1)).to(frames.dtype)


def class_nce(features: Tensor, labels: Tensor, rivals: Tensor, temperature: float) -> Tensor:
    """Each feature against those of other classes and of none, with its own class as positives.

    Mean over the other features of the class of ``-log(e^s / (e^s + sum over rivals of e^s))``,
    ``s`` being the cosine over the temperature.

    Args:
        features: ``(N, C)``.
        labels: Integer class of each ``(N,)``.
        rivals: Features of no class ``(M, C)``, rivals of all.
        temperature: Small ones look at the closest rivals alone.

    Returns:
        ``(N,)``; 0 for the only feature of its class. Half precision is computed in float32.

    Raises:
        ValueError: If the shapes do not belong together or the temperature is not positive.
    """
    if (
        features.dim() != 2
        or labels.shape != (len(features),)
        or rivals.shape[1:] != features.shape[1:]
    ):
        raise ValueError(
            'class_nce wants features (N, C), labels (N,) and rivals (M, C); got '
            f'{tuple(features.shape)}, {tuple(labels.shape)} and {tuple(rivals.shape)}.'
        )
    if not temperature > 0:
        raise ValueError(f'class_nce wants a temperature > 0; got {temperature}.')
    exact = torch.promote_types(features.dtype, torch.float32)
    rows = normalize(torch.cat([features, rivals]).to(exact), dim=1)
    score = rows[: len(features)] @ rows.T / temperature  # (N, N + M)
    same = labels[:, None] == labels
    lowest = torch.finfo(exact).min
    every = torch.cat([same, same.new_zeros(len(features), len(rivals))], dim=1)
    background = score.masked_fill(every, lowest).logsumexp(dim=1, keepdim=True)
    score = score[:, : len(features)]
    positive = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    loss = torch.where(positive, torch.logaddexp(score, background) - score, 0).sum(dim=1)
    return (loss / positive.sum(dim=1).clamp(min=1)).to(features.dtype)
