"""Actions as classes: one logit for each (verb, noun) pair seen in training.

Omnivore's EPIC-KITCHENS-100 models have such a head (3,806 pairs) and no other.

Shapes: B = batch, A = listed pairs, V = verbs, U = nouns.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from egomm.functional.actions import marginals
from egomm.functional.labels import distinct_pairs, read_labels
from egomm.functional.reduction import global_mean
from egomm.models.heads.classification import ClassificationHead, mean_log_probabilities
from egomm.registry import MODELS
from egomm.structures import Stream


@MODELS.register_module()
class ActionHead(ClassificationHead):
    """Classify the pair of verb and noun.

    The list of the pairs is saved with the weights (buffer ``pairs``), and a checkpoint brings its
    own: a logit keeps its pair whatever file is given later.

    Args:
        pairs: Training annotations (an official EPIC-KITCHENS-100 CSV or a C2-style one), of which
            the different pairs are taken, by verb, then noun; or the pairs themselves.
        verb_classes: V.
        noun_classes: U.
        in_channels: Channels of the source stream.
        source: Name of the neck output to read.
        dropout: Dropout before the linear layer.
        loss: Config of a loss that maps logits and labels to one value a sample.

    Raises:
        ValueError: If ``pairs`` are not different pairs within V and U.
    """

    def __init__(
        self,
        *,
        pairs: str | Sequence[Sequence[int]],
        in_channels: int,
        source: str,
        verb_classes: int = 97,
        noun_classes: int = 300,
        dropout: float = 0.5,
        loss: dict | None = None,
    ) -> None:
        if isinstance(pairs, str):
            pairs = distinct_pairs(read_labels(pairs)).tolist()
        _check_pairs(pairs, verb_classes, noun_classes)
        super().__init__(
            in_channels=in_channels,
            num_classes=len(pairs),
            source=source,
            dropout=dropout,
            loss=loss,
        )
        self.verb_classes = verb_classes
        self.noun_classes = noun_classes
        self.register_buffer('pairs', torch.tensor([list(pair) for pair in pairs]))

    def loss(self, stream: Stream, targets: list[tuple[int, int] | None]) -> dict[str, Tensor]:
        """Mean loss and top-1 accuracy over the clips whose pair is listed.

        A clip of another pair counts as unlabelled; ``known`` is the percentage of the labelled
        clips that do have a listed pair.

        Raises:
            ValueError: If a target is no pair.
        """
        wrong = [
            target
            for target in targets
            if target is not None and not (isinstance(target, (tuple, list)) and len(target) == 2)
        ]
        if wrong:
            raise ValueError(
                f'ActionHead wants targets (verb, noun); got {wrong}. Let the data set give pairs '
                'as its task `action`, or use `ClassificationHead` for numbered actions.'
            )
        wanted = torch.tensor([target or (-1, -1) for target in targets], device=self.pairs.device)
        labelled = torch.tensor([target is not None for target in targets], device=wanted.device)
        same = (wanted[:, None] == self.pairs).all(dim=2)
        listed = same.any(dim=1)
        return dict(
            **self.score(stream, same.int().argmax(dim=1), listed),
            known=global_mean(listed.float() * 100, labelled),
        )

    def predict(self, stream: Stream, metas: list[dict]) -> list[dict[str, Tensor]]:
        """Answer a sample, float32 on the CPU, as in `answer`."""
        return self.answer(torch.stack(super().predict(stream, metas)), self.pairs.cpu())

    def average(self, answers: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        """Join the `answer` of several views of one sample: the mean log-probability."""
        logits = mean_log_probabilities([one['logits'] for one in answers])
        return self.answer(logits[None], answers[0]['pairs'])[0]

    def answer(self, logits: Tensor, pairs: Tensor) -> list[dict[str, Tensor]]:
        """What the logits ``(B, A)`` say of the pairs ``(A, 2)``.

        Returns:
            A sample: ``logits`` (A,); ``pairs`` (A, 2), the same tensor for all; ``verb`` (V,) and
            ``noun`` (U,), log-probabilities summed over the pairs.
        """
        verbs, nouns = marginals(logits, pairs, self.verb_classes, self.noun_classes)
        return [
            # Copies: a row of the batch would be pickled with all of the batch.
            dict(logits=row.clone(), pairs=pairs, verb=verb.clone(), noun=noun.clone())
            for row, verb, noun in zip(logits, verbs, nouns)
        ]


def _check_pairs(pairs: Sequence[Sequence[int]], verbs: int, nouns: int) -> None:
    listed = pairs if isinstance(pairs, (list, tuple)) else [pairs]
    wrong = [
        pair
        for pair in listed
        if not (isinstance(pair, (list, tuple)) and len(pair) == 2)
        or not (0 <= pair[0] < verbs and 0 <= pair[1] < nouns)
    ]
    if wrong or not listed or len(set(map(tuple, listed))) < len(listed):
        raise ValueError(
            f'ActionHead wants `pairs` as an annotation file or a list of different (verb, noun) '
            f'within {verbs} verbs and {nouns} nouns; got {len(listed)}, among them '
            f'{list(wrong or listed)[:3]}. Correct it, or set verb_classes and noun_classes.'
        )
