"""Classification scores: rankings, the official EPIC-KITCHENS numbers, and their uncertainty.

Percentages, unrounded, under the names of the protocols. Sources: the EPIC-KITCHENS-100 action
recognition challenge (epic-kitchens/C1-Action-Recognition), the EPIC-KITCHENS-55 evaluation
(epic-kitchens/epic-kitchens-55-lib), and the classes by number of training instances of Liu et al.
("Large-scale long-tailed recognition in an open world", CVPR 2019).

Ties: of equal scores the larger class index ranks first, as in the reversed ascending sort of the
official scripts (whose sort is unstable, so only this reading of it can be repeated). Of actions
with equal sums the pair with the larger verb, then the larger noun, ranks first; so the first
action is always the pair of the first verb and the first noun.

Shapes: N = rows, C = classes, V = verbs, U = nouns, k = ranks.
"""

import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


def epic100(
    verb_scores: ArrayLike,
    noun_scores: ArrayLike,
    verb_labels: ArrayLike,
    noun_labels: ArrayLike,
    participants: ArrayLike | None = None,
    unseen: Collection[str] = (),
    tail_verbs: Collection[int] = (),
    tail_nouns: Collection[int] = (),
) -> dict[str, float]:
    """The official numbers of the EPIC-KITCHENS-100 action recognition challenge (C1).

    Actions are ranked by verb logit + noun logit in float64. That is the order of the product of
    the two softmaxes, without the underflow that the official float32 softmax over all rows has
    for rows far below the highest logit.

    Args:
        verb_scores: Logits or log-probabilities ``(N, V)``; probabilities would rank the actions
            differently.
        noun_scores: The same for nouns ``(N, U)``.
        verb_labels: Class ids ``(N,)``.
        noun_labels: Class ids ``(N,)``.
        participants: Participant ids ``(N,)``; needed only together with ``unseen``.
        unseen: Ids of the participants without training videos.
        tail_verbs: Ids of the tail verb classes.
        tail_nouns: Ids of the tail noun classes. An action is tail if its verb or its noun is.

    Returns:
        Percent by official name: ``all_{verb,noun,action}_accuracy_at_{1,5}`` and
        ``{tail,unseen}_{verb,noun,action}_accuracy_at_1``. A subset without rows has no key.

    Raises:
        ValueError: If there are no rows, shapes disagree, a score is not finite, a label is
            outside its classes, or ``unseen`` comes without ``participants``.
    """
    verbs, verb_ids = _checked(verb_scores, verb_labels, 'verb')
    nouns, noun_ids = _checked(noun_scores, noun_labels, 'noun')
    if len(verbs) != len(nouns):
        raise ValueError(
            f'epic100 wants as many rows of verb scores as of noun scores; got {len(verbs)} and '
            f'{len(nouns)}. Pass the scores of the same clips in the same order.'
        )
    places = {
        'verb': _place(rank_classes(verbs, 5), verb_ids),
        'noun': _place(rank_classes(nouns, 5), noun_ids),
        'action': _place(rank_actions(verbs, nouns, 5), np.stack([verb_ids, noun_ids], axis=1)),
    }
    report = {
        f'all_{task}_accuracy_at_{k}': _percent(place < k)
        for task, place in places.items()
        for k in (1, 5)
    }
    tail = {
        'verb': np.isin(verb_ids, list(tail_verbs)),
        'noun': np.isin(noun_ids, list(tail_nouns)),
    }
    tail['action'] = tail['verb'] | tail['noun']
    report.update(_first_rank('tail', places, tail))
    if len(unseen):
        rows = _unseen_rows(participants, unseen, len(verbs))
        report.update(_first_rank('unseen', places, dict.fromkeys(places, rows)))
    return report


def class_report(
    scores: ArrayLike, labels: ArrayLike, classes: Collection[int] | None = None
) -> dict[str, float]:
    """Accuracy, and precision and recall by class as the EPIC-KITCHENS-55 evaluation has them.

    Args:
        scores: Scores ``(N, C)``.
        labels: Class ids ``(N,)``.
        classes: The many-shot classes, over which precision and recall are averaged; all by
            default. A class that does not occur in ``labels`` is left out.

    Returns:
        Percent: ``top1``, ``top5``; ``mean_class_accuracy`` over all classes that occur in
        ``labels``, whatever ``classes`` is; ``precision`` and ``recall`` from the full confusion
        matrix (a class that is never predicted has precision 0). The last two are absent if none
        of ``classes`` occurs in ``labels``.

    Raises:
        ValueError: If there are no rows, shapes disagree, a score is not finite, or a label or a
            member of ``classes`` is outside ``0..C-1``.
    """
    values, ids = _checked(scores, labels, 'class_report')
    count = values.shape[1]
    chosen = np.unique(np.asarray(range(count) if classes is None else list(classes), np.int64))
    if ((chosen < 0) | (chosen >= count)).any():
        raise ValueError(
            f'class_report wants classes within 0..{count - 1}, the columns of the scores; got '
            f'{chosen.tolist()}. Use the class list of this data set.'
        )
    ranked = rank_classes(values, 5)
    place = _place(ranked, ids)
    confusion = confusion_matrix(ranked[:, 0], ids, count)
    correct, labelled = np.diag(confusion), confusion.sum(axis=1)
    recall = correct / np.maximum(labelled, 1)
    precision = correct / np.maximum(confusion.sum(axis=0), 1)
    report = {
        'top1': _percent(place < 1),
        'top5': _percent(place < 5),
        'mean_class_accuracy': _percent(recall[labelled > 0]),
    }
    chosen = chosen[labelled[chosen] > 0]
    if len(chosen):
        report['precision'] = _percent(precision[chosen])
        report['recall'] = _percent(recall[chosen])
    return report


def trimmed_report(
    scores: ArrayLike, labels: ArrayLike, classes: Collection[int]
) -> dict[str, float]:
    """Precision and recall as Kapidis et al. (2019) have them: higher than the official ones.

    Only rows whose label and whose prediction are both among ``classes`` count at all.

    Args:
        scores: Scores ``(N, C)``.
        labels: Class ids ``(N,)``.
        classes: The many-shot classes. All of them count in the means, with 0 where undefined.

    Returns:
        Percent: ``precision`` and ``recall``. (The authors round each class to two decimals
        before the mean.)

    Raises:
        ValueError: As `class_report`, or if there are no classes.
    """
    values, ids = _checked(scores, labels, 'trimmed_report')
    chosen = np.unique(np.asarray(list(classes), np.int64))
    count = values.shape[1]
    if not len(chosen) or ((chosen < 0) | (chosen >= count)).any():
        raise ValueError(
            f'trimmed_report wants classes within 0..{count - 1}, the columns of the scores; got '
            f'{chosen.tolist()}. Use the class list of this data set.'
        )
    confusion = confusion_matrix(rank_classes(values, 1)[:, 0], ids, count)
    trimmed = confusion[np.ix_(chosen, chosen)]
    correct = np.diag(trimmed)
    return {
        'precision': _percent(correct / np.maximum(trimmed.sum(axis=0), 1)),
        'recall': _percent(correct / np.maximum(trimmed.sum(axis=1), 1)),
    }


def shot_groups(train_labels: ArrayLike, count: int) -> dict[str, Integers]:
    """Classes by their number of training instances (Liu et al., 2019).

    Args:
        train_labels: Class id of every training instance ``(N,)``.
        count: Number of classes.

    Returns:
        Class ids by group: ``many`` (over 100 instances), ``medium`` (20 to 100) and ``few``
        (under 20, also none).

    Raises:
        ValueError: If there is no label or one is outside ``0..count-1``.
    """
    ids = np.asarray(train_labels)
    if ids.ndim != 1 or len(ids) == 0 or ids.min() < 0 or ids.max() >= count:
        span = f' from {ids.min()} to {ids.max()}' if ids.size else ''
        raise ValueError(
            f'shot_groups wants training labels (N,) within 0..{count - 1}; got {ids.shape}{span}. '
            'Give the training annotations of the classes that are scored.'
        )
    instances = np.bincount(ids.astype(np.int64), minlength=count)
    return {
        'many': np.flatnonzero(instances > 100),
        'medium': np.flatnonzero((instances >= 20) & (instances <= 100)),
        'few': np.flatnonzero(instances < 20),
    }


def shot_accuracy(
    scores: ArrayLike, labels: ArrayLike, train_labels: ArrayLike
) -> dict[str, float]:
    """Top-1 accuracy over the rows whose class has many, some or few training instances.

    Args:
        scores: Scores ``(N, C)``.
        labels: Class ids ``(N,)``.
        train_labels: Class id of every training instance.

    Returns:
        Percent by group of `shot_groups`; a group without rows is left out.

    Raises:
        ValueError: As `class_report` and `shot_groups`.
    """
    values, ids = _checked(scores, labels, 'shot_accuracy')
    right = rank_classes(values, 1)[:, 0] == ids
    groups = shot_groups(train_labels, values.shape[1])
    rows = {name: np.isin(ids, classes) for name, classes in groups.items()}
    return {name: _percent(right[chosen]) for name, chosen in rows.items() if chosen.any()}


def rank_classes(scores: ArrayLike, k: int) -> Integers:
    """The ``k`` best classes of each row ``(N, C)``, best first: ``(N, min(k, C))``."""
    ascending = np.argsort(np.asarray(scores), axis=1, kind='stable')
    return ascending[:, ::-1][:, :k].astype(np.int64)


def rank_actions(verb_scores: ArrayLike, noun_scores: ArrayLike, k: int) -> Integers:
    """The ``k`` best (verb, noun) pairs of each row by the float64 sum of their scores.

    Counting ranks from 0, the i-th verb with the j-th noun has at least ``(i + 1) (j + 1) - 1``
    pairs before it, so only pairs with ``(i + 1) (j + 1) <= k`` are looked at.

    Args:
        verb_scores: Logits or log-probabilities ``(N, V)``.
        noun_scores: The same ``(N, U)``.
        k: How many pairs.

    Returns:
        ``(N, min(k, V * U), 2)``, best first, last axis (verb, noun).
    """
    verb_values = np.asarray(verb_scores, dtype=np.float64)
    noun_values = np.asarray(noun_scores, dtype=np.float64)
    verbs, nouns = rank_classes(verb_values, k), rank_classes(noun_values, k)
    i, j = np.indices((verbs.shape[1], nouns.shape[1])).reshape(2, -1)
    near = (i + 1) * (j + 1) <= k
    verbs, nouns = verbs[:, i[near]], nouns[:, j[near]]
    sums = np.take_along_axis(verb_values, verbs, 1) + np.take_along_axis(noun_values, nouns, 1)
    order = np.lexsort((nouns, verbs, sums), axis=1)[:, ::-1][:, :k]
    pairs = np.stack([verbs, nouns], axis=2)
    return np.take_along_axis(pairs, order[:, :, None], axis=1)


def confusion_matrix(predicted: ArrayLike, labels: ArrayLike, count: int) -> Integers:
    """How often a label (row) was predicted as a class (column), ``(count, count)``.

    Args:
        predicted: Classes ``(N,)``.
        labels: True classes ``(N,)``.
        count: How many classes there are.
    """
    cells = np.asarray(labels, np.int64) * count + np.asarray(predicted, np.int64)
    return np.bincount(cells, minlength=count * count).reshape(count, count)


def majority_share(labels: ArrayLike) -> float:
    """Percentage of rows that have the commonest label, one id ``(N,)`` or several ``(N, K)``.

    Raises:
        ValueError: If there are no labels.
    """
    values = np.asarray(labels)
    if len(values) == 0:
        raise ValueError(
            'majority_share wants at least one label; got none. Check the annotation file.'
        )
    counts = np.unique(values, axis=0, return_counts=True)[1]
    return 100 * float(counts.max()) / len(values)


def mean_over_classes(values: ArrayLike, labels: ArrayLike) -> float:
    """Mean over the occurring classes of the mean value in each, whatever their sizes.

    Args:
        values: One number a row ``(N,)``, for example 1 where an answer is right.
        labels: A label a row: an id, or a row of ids.

    Raises:
        ValueError: If there are no rows.
    """
    ids = np.asarray(labels)
    if len(ids) == 0:
        raise ValueError(
            'mean_over_classes wants at least one row; got none. Check the annotation file.'
        )
    place = np.unique(ids, axis=0, return_inverse=True)[1].reshape(-1)
    sums = np.bincount(place, weights=np.asarray(values, np.float64))
    return float((sums / np.bincount(place)).mean())


def wilson_interval(successes: float, trials: int) -> tuple[float, float]:
    """Wilson's two-sided 95 % interval of a proportion (Wilson, 1927), as fractions.

    Args:
        successes: Number of successes among the trials.
        trials: Number of independent trials.

    Returns:
        Lower and upper bound, both within 0..1.

    Raises:
        ValueError: If there is no trial or ``successes`` is outside ``0..trials``.
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(
            'wilson_interval wants 0 <= successes <= trials and at least one trial; got '
            f'{successes} of {trials}. Pass counts, not rates.'
        )
    z = 1.959963984540054  # 97.5 % quantile of the normal distribution
    share = successes / trials
    centre = share + z * z / (2 * trials)
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def _checked(scores: ArrayLike, labels: ArrayLike, name: str) -> tuple[Floats, Integers]:
    values = np.asarray(scores, dtype=np.float64)
    ids = np.asarray(labels)
    if values.ndim != 2 or len(values) == 0 or ids.shape != (len(values),):
        raise ValueError(
            f'{name} wants scores (N, C) and labels (N,) with N > 0; got {values.shape} and '
            f'{ids.shape}. Stack one row of scores and one label per clip.'
        )
    if not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])
        raise ValueError(
            f'{name} wants finite scores; got NaN or infinity first in row {row}. Look for a '
            'diverged loss, and give an excluded class a low finite score.'
        )
    if not np.issubdtype(ids.dtype, np.integer) or ids.min() < 0 or ids.max() >= values.shape[1]:
        raise ValueError(
            f'{name} wants integer labels within 0..{values.shape[1] - 1}, the columns of the '
            f'scores; got {ids.dtype} from {ids.min()} to {ids.max()}. Check the number of classes.'
        )
    return values, ids.astype(np.int64)


def _place(ranked: Integers, labels: Integers) -> Integers:
    """Place of each label in its ranking, 0 = first; the ranking's length if it is not there."""
    found: Booleans = ranked == labels[:, None]
    if found.ndim == 3:
        found = np.logical_and.reduce(found, axis=2)
    return np.where(found.any(axis=1), found.argmax(axis=1), found.shape[1])


def _percent(hits: NDArray[Any]) -> float:
    return 100 * float(hits.mean())


def _first_rank(
    subset: str, places: Mapping[str, Integers], rows: Mapping[str, Booleans]
) -> dict[str, float]:
    return {
        f'{subset}_{task}_accuracy_at_1': _percent(place[rows[task]] == 0)
        for task, place in places.items()
        if rows[task].any()
    }


def _unseen_rows(participants: ArrayLike | None, unseen: Collection[str], count: int) -> Booleans:
    ids = None if participants is None else np.asarray(participants)
    if ids is None or ids.shape != (count,):
        raise ValueError(
            f'epic100 wants participants ({count},), one id per row, to score the unseen ones; '
            f'got {"none" if ids is None else ids.shape}. Pass participants=, or unseen=().'
        )
    return np.isin(ids, list(unseen))
