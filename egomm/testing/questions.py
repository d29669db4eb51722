"""Questions about the moments of a long video, whose words alone do not tell when it was.

Every question has one answer in its video. None says first, last or longest, which would tell
something to a reader who has not seen the video.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from egomm.testing.timeline import Moment
from egomm.testing.vocabulary import NOUNS, VERBS


class Question(NamedTuple):
    """One question.

    Attributes:
        template: Name of its form.
        text: Its words.
        answer: Number of the moment that answers it.
        nouns: What it names, none to two.
        verbs: What it names, none to two.
    """

    template: str
    text: str
    answer: int
    nouns: tuple[str, ...]
    verbs: tuple[str, ...]


def ask(moments: Sequence[Moment], pairs: Sequence[tuple[int, int]]) -> list[Question]:
    """All questions about one video that have exactly one answer.

    Args:
        moments: In order of their starts.
        pairs: Verb and noun of each class.
    """
    named = [
        (VERBS[verb].key, NOUNS[noun].key) for verb, noun in (pairs[row.label] for row in moments)
    ]
    verbs, nouns = (Counter(column) for column in zip(*named, strict=True))
    single = [named.count(name) == 1 for name in named]
    asked: list[Question] = []
    for index, (verb, noun) in enumerate(named):
        event, words = f'{verb} the {noun}', ((noun,), (verb,))
        if verbs[verb] == 1:
            asked.append(Question('verb', f'What did I {verb}?', index, (), (verb,)))
        if nouns[noun] == 1:
            asked.append(Question('noun', f'What did I do with the {noun}?', index, (noun,), ()))
        if not single[index]:
            continue
        asked.append(Question('when', f'When did I {event}?', index, *words))
        if index:
            text = f'What did I do right before I did {event}?'
            asked.append(Question('before', text, index - 1, *words))
        if index + 1 < len(named):
            text = f'What did I do right after I did {event}?'
            asked.append(Question('after', text, index + 1, *words))
        for other in _next_uses(named, index):
            thing = named[other][1]
            text = f'When did I use the {thing} next after I did {event}?'
            asked.append(Question('next', text, other, (noun, thing), (verb,)))
        if index + 2 < len(named) and single[index + 2]:
            later_verb, later_noun = named[index + 2]
            text = f'What did I do between {event} and {later_verb} the {later_noun}?'
            both = (noun, later_noun), (verb, later_verb)
            asked.append(Question('between', text, index + 1, *both))
    return asked


def _next_uses(named: Sequence[tuple[str, str]], index: int) -> list[int]:
    """The first other use after a moment that is not the very next moment, if there is one."""
    seen = {named[index + 1][1]} if index + 1 < len(named) else set()
    found = (n for n in range(index + 2, len(named)) if named[n][1] not in seen)
    return list(found)[:1]
