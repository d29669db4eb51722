"""Answers to language queries without video: what words, and the place of a query, give away.

A floor for localizers. The model is a bag of words and one linear map to a fixed grid of windows,
with a logistic loss on whether a window would count as right, so that it learns the official score
itself. With ``use_place`` it also sees the place of the query among those of its annotation:
annotators wrote them roughly in the order of their answers.

Shapes: Q = queries, W = words of the longest, K = windows of the grid.
"""

import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from egomm.datasets.queries import record_key
from egomm.functional.comparison import group_interval
from egomm.functional.retrieval import THRESHOLDS, Key, query_report
from egomm.functional.segment_errors import nearest_answers
from egomm.functional.segments import segment_iou
from egomm.functional.window_grid import window_grid
from egomm.functional.words import word_ids

NUM_TOKENS = 8192  # number 0 is padding
NUM_PLACES = 12
CHANNELS = 32
BATCH = 256
RATE, DECAY, DROPOUT = 3e-3, 1e-2, 0.5
EPOCHS = 10
FOLDS = 5


class Queries(NamedTuple):
    """What the model sees of queries, and the truth.

    Attributes:
        words: Numbers of the words, padded with 0 ``(Q, W)``.
        places: Twelfths of the way through the annotation ``(Q,)``.
        windows: True windows as shares of their clips ``(Q, 2)``.
    """

    words: Tensor
    places: Tensor
    windows: Tensor


def encode(records: Sequence[dict]) -> Queries:
    """Queries as tensors.

    Args:
        records: Of `egomm.datasets.queries.read_queries`, with windows, all of an annotation.

    Raises:
        ValueError: If a query has no window or no word.
    """
    unlabelled = [record_key(record) for record in records if record['window'] is None]
    if unlabelled:
        raise ValueError(
            f'{len(unlabelled)} of {len(records)} queries have no window, such as {unlabelled[0]}. '
            'Give the annotations of a split with labels.'
        )
    counts: Counter = Counter()
    for clip, annotation, index in map(record_key, records):
        counts[clip, annotation] = max(counts[clip, annotation], index + 1)
    words, places = [], []
    for record in records:
        clip, annotation, index = record_key(record)
        words.append(torch.tensor([1 + n for n in word_ids(record['query'], NUM_TOKENS - 1)]))
        # The middle of the query's share of the way, so that a lone one is in the middle.
        places.append(int((index + 0.5) / counts[clip, annotation] * NUM_PLACES))
    durations = np.array([record['duration'] for record in records])[:, None]
    windows = np.array([record['window'] for record in records]).clip(0, durations) / durations
    return Queries(
        nn.utils.rnn.pad_sequence(words, batch_first=True),
        torch.tensor(places),
        torch.from_numpy(windows).float(),
    )


def held_out(records: Sequence[dict]) -> Tensor:
    """Which queries are of the fifth of the clips that choices are made on ``(Q,)`` bool."""
    return torch.tensor([zlib.crc32(row['clip_id'].encode()) % FOLDS == 0 for row in records])


class BlindLocalizer(nn.Module):
    """From words, and the place if wanted, to a logit for every window of the grid.

    Args:
        use_place: Whether to look at the place of a query in its annotation.
    """

    def __init__(self, *, use_place: bool) -> None:
        super().__init__()
        self.register_buffer('grid', window_grid())
        self.words = nn.EmbeddingBag(NUM_TOKENS, CHANNELS, mode='mean', padding_idx=0)
        self.places = nn.Embedding(NUM_PLACES, CHANNELS) if use_place else None
        self.dropout = nn.Dropout(DROPOUT)
        self.out = nn.Linear(CHANNELS, len(self.grid))
        nn.init.normal_(self.words.weight, 0, 0.1)
        if self.places is not None:
            nn.init.normal_(self.places.weight, 0, 0.1)
        nn.init.zeros_(self.out.weight)

    def forward(self, words: Tensor, places: Tensor) -> Tensor:
        """Logits ``(Q, K)`` of words ``(Q, W)`` and places ``(Q,)``."""
        hidden = self.words(words)
        if self.places is not None:
            hidden = hidden + self.places(places)
        return self.out(self.dropout(hidden))

    @torch.no_grad()
    def answer(self, queries: Queries, count: int = 5) -> Tensor:
        """The windows most likely to be right, best first ``(Q, count, 2)``, shares of the clip.

        A further window has to be wrong where the ones before are right: none overlaps an earlier
        one with an IoU above 0.3.
        """
        scores = self.eval()(queries.words, queries.places)
        near = segment_iou(self.grid, self.grid) > min(THRESHOLDS)
        found = []
        for _ in range(count):
            index = scores.argmax(dim=1)
            found.append(self.grid[index])
            scores = scores.masked_fill(near[index], -torch.inf)
        return torch.stack(found, dim=1)


def right_share(windows: Tensor, grid: Tensor) -> Tensor:
    """Share of the official thresholds that a window of the grid passes ``(Q, K)``."""
    iou = segment_iou(windows, grid)
    return torch.stack([iou > threshold for threshold in THRESHOLDS]).float().mean(dim=0)


def train_blind(
    queries: Queries, epochs: int, seed: int, use_place: bool
) -> Iterator[BlindLocalizer]:
    """Train, and give the model after every epoch; it is always the same object.

    Args:
        queries: To learn from.
        epochs: How often.
        seed: Of weights and order.
        use_place: Whether the model sees the place of the clip in its video.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = BlindLocalizer(use_place=use_place)
        target = right_share(queries.windows, model.grid)
        model.out.bias.data = target.mean(dim=0).clamp(min=1e-4).logit()
        decayed = [weight for weight in model.parameters() if weight.dim() > 1]
        groups = [
            dict(params=decayed, weight_decay=DECAY),
            dict(params=[model.out.bias], weight_decay=0.0),
        ]
        optimizer = torch.optim.AdamW(groups, lr=RATE)
        for _ in range(epochs):
            model.train()
            for rows in torch.randperm(len(target), generator=generator).split(BATCH):
                logits = model(queries.words[rows], queries.places[rows])
                loss = functional.binary_cross_entropy_with_logits(
                    logits, target[rows], reduction='sum'
                )
                optimizer.zero_grad()
                (loss / len(rows)).backward()
                optimizer.step()
            yield model


def choose_epochs(records: Sequence[dict], use_place: bool, seed: int) -> tuple[int, list[float]]:
    """How long to train, by the mean R@1 on a fifth of the training clips.

    Args:
        records: Training queries, see `read_queries`.
        use_place: As in `train_blind`.
        seed: Of the split and the training.

    Returns:
        The number of epochs, and the score after each.
    """
    held = held_out(records)
    queries = encode(records)
    kept, tried = (Queries(*(part[rows] for part in queries)) for rows in (~held, held))
    asked = [record for record, out in zip(records, held.tolist()) if out]
    scores = [
        score(asked, model.answer(tried))['mean_recall_1']
        for model in train_blind(kept, EPOCHS, seed, use_place)
    ]
    return int(np.argmax(scores)) + 1, scores


def score(records: Sequence[dict], answers: Tensor) -> dict[str, float]:
    """Official numbers of answers ``(Q, count, 2)`` in shares of their clips."""
    return query_report(*_in_seconds(records, answers))


def right_answers(records: Sequence[dict], answers: Tensor) -> NDArray[np.bool_]:
    """Whether the first answer is right, by threshold ``(Q, 2)``."""
    _, iou = nearest_answers(*_in_seconds(records, answers))
    return np.stack([iou > threshold for threshold in THRESHOLDS], axis=1)


def _in_seconds(
    records: Sequence[dict], answers: Tensor
) -> tuple[dict[Key, list], dict[Key, list]]:
    """True windows and answers by query, in seconds of the clip."""
    durations = torch.tensor([record['duration'] for record in records], dtype=torch.float64)
    seconds = (answers.double() * durations[:, None, None]).tolist()
    keys = [record_key(record) for record in records]
    windows = {key: record['window'] for key, record in zip(keys, records)}
    return windows, dict(zip(keys, seconds))


def fixed_window(records: Sequence[dict], threshold: float = 0.5) -> Tensor:
    """The window of `window_grid` that answers most of the queries, whatever they ask.

    Args:
        records: Of training, with windows.
        threshold: IoU that an answer has to exceed.

    Returns:
        (start, end) ``(2,)``, shares of the clip.
    """
    grid = window_grid()
    right = segment_iou(encode(records).windows, grid) > threshold
    return grid[right.float().mean(0).argmax()]


def above_fixed_window(
    train: Sequence[dict],
    asked: Sequence[dict],
    answers: Mapping[Key, Sequence[Sequence[float]]],
    threshold: float = 0.5,
) -> dict[str, Any]:
    """R@1 of a localizer beside that of the best fixed window of the training.

    Args:
        train: Records that the window is chosen on.
        asked: Records that are scored.
        answers: Of the localizer, best first, by query, in seconds of the clip.
        threshold: IoU that an answer has to exceed.

    Returns:
        ``recall`` and ``fixed`` as fractions with ``interval`` and ``fixed_interval``, their 95 %
        intervals; ``any_fixed``: what the window reaches that is the best for these very queries,
        so that no fixed window reaches more; ``difference`` with ``difference_interval``, paired
        by query; ``window`` as shares of the clip; ``queries``, ``clips`` and ``above``: whether
        the lower end of the difference is above 0. Whole clips are drawn, see `group_interval`.
    """
    window = fixed_window(train, threshold)
    clips = [record['clip_id'] for record in asked]
    windows = {record_key(record): record['window'] for record in asked}
    fixed = {
        record_key(record): [(window.double() * record['duration']).tolist()] for record in asked
    }
    best = segment_iou(encode(asked).windows, window_grid()) > threshold
    right, guessed = (
        (nearest_answers(windows, found)[1] > threshold).astype(float) for found in (answers, fixed)
    )
    difference = group_interval(right - guessed, clips)
    return dict(
        **dict(recall=float(right.mean()), interval=group_interval(right, clips)),
        **dict(fixed=float(guessed.mean()), fixed_interval=group_interval(guessed, clips)),
        any_fixed=float(best.float().mean(0).max()),
        difference=float((right - guessed).mean()),
        difference_interval=difference,
        window=window.tolist(),
        **dict(queries=len(asked), clips=len(set(clips)), above=difference[0] > 0),
    )
