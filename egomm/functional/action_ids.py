"""Actions as pairs of a verb and a noun: their ids, and which classes have many examples.

EPIC-KITCHENS-55 has no action ids of its own. Those of Kapidis et al. (2019) count the pairs in
the order in which they first appear among the annotations sorted by uid; what is exchanged with
others is the dense id, which needs no list.

Shapes: N = annotations.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

Pair = tuple[int, int]


def action_pairs(verbs: Iterable[int], nouns: Iterable[int]) -> list[Pair]:
    """The pairs (verb, noun) in order of first appearance: the action's id is its place.

    Args:
        verbs: Verb of each of N annotations, in the order that decides the ids.
        nouns: Nouns of the same.

    Raises:
        ValueError: If there are not as many verbs as nouns.
    """
    return list(dict.fromkeys(zip(verbs, nouns, strict=True)))


def dense_action(verb: int, noun: int, num_nouns: int = 352) -> int:
    """Id of a pair among all pairs of classes: ``num_nouns * verb + noun``.

    Raises:
        ValueError: If ``noun`` is not within ``0..num_nouns - 1`` or ``verb`` is negative.
    """
    if verb < 0 or not 0 <= noun < num_nouns:
        raise ValueError(
            f'dense_action wants verb >= 0 and a noun within 0..{num_nouns - 1}; got {verb} and '
            f'{noun}. Give class ids, and the number of nouns of their data set.'
        )
    return num_nouns * verb + noun


def many_shot(labels: Iterable[int], least: int = 100) -> list[int]:
    """Classes with at least ``least`` examples, ascending.

    The paper of EPIC-KITCHENS-55 says "more than 100"; no class has exactly that many.
    """
    return sorted(label for label, count in Counter(labels).items() if count >= least)


def many_shot_actions(verbs: Sequence[int], nouns: Sequence[int], least: int = 100) -> list[Pair]:
    """Pairs that occur and whose verb and noun are both many-shot, ascending.

    Args:
        verbs: Verb of each of N annotations.
        nouns: Nouns of the same.
        least: Examples that make a verb or a noun many-shot; the pair may occur once.

    Raises:
        ValueError: If there are not as many verbs as nouns.
    """
    frequent = set(many_shot(verbs, least)), set(many_shot(nouns, least))
    return sorted(
        pair
        for pair in action_pairs(verbs, nouns)
        if pair[0] in frequent[0] and pair[1] in frequent[1]
    )
