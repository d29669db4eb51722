"""Words of the toy kitchen: verbs, nouns, tools.

Ids are positions in these tables, as in ``EPIC_100_verb_classes.csv``. The words exist in
EPIC-KITCHENS-100; the ids are the toy kitchen's own.
"""

from typing import NamedTuple


class Word(NamedTuple):
    """One class.

    Attributes:
        key: Name of the class.
        instances: Words a narrator may use for it.
        category: Group of the class.
    """

    key: str
    instances: tuple[str, ...]
    category: str


VERBS = (
    Word('take', ('take', 'grab', 'pick-up'), 'retrieve'),
    Word('put', ('put', 'place', 'put-down'), 'leave'),
    Word('wash', ('wash', 'rinse', 'clean'), 'clean'),
    Word('open', ('open', 'unwrap'), 'access'),
    Word('close', ('close', 'shut'), 'block'),
    Word('cut', ('cut', 'chop', 'slice'), 'split'),
    Word('stir', ('stir', 'mix'), 'merge'),
    Word('pour', ('pour', 'empty'), 'distribute'),
    Word('shake', ('shake', 'dry-off'), 'manipulate'),
    Word('peel', ('peel', 'scrape'), 'split'),
    Word('turn', ('turn', 'twist'), 'manipulate'),
    Word('squeeze', ('squeeze', 'press'), 'manipulate'),
)

NOUNS = (
    Word('plate', ('plate', 'dish'), 'crockery'),
    Word('pan', ('pan', 'pan:frying'), 'cookware'),
    Word('bowl', ('bowl', 'bowl:mixing'), 'crockery'),
    Word('cup', ('cup', 'mug'), 'crockery'),
    Word('bottle', ('bottle', 'bottle:oil'), 'containers'),
    Word('spoon', ('spoon', 'spoon:wooden'), 'cutlery'),
    Word('knife', ('knife', 'knife:bread'), 'cutlery'),
    Word('carrot', ('carrot',), 'vegetables'),
    Word('tomato', ('tomato',), 'vegetables'),
    Word('lemon', ('lemon',), 'fruits and nuts'),
    Word('bread', ('bread', 'loaf'), 'baked goods and grains'),
    Word('cheese', ('cheese', 'cheese:block'), 'dairy and eggs'),
    Word('egg', ('egg', 'egg:fried'), 'dairy and eggs'),
    Word('sponge', ('sponge',), 'cleaning equipment and material'),
    Word('box', ('box', 'packet'), 'containers'),
    Word('kettle', ('kettle', 'kettle:tea'), 'appliances'),
)
