"""Which challenge servers there are, in which format they take submissions, as of which day.

The entries age: `checked` says when somebody last looked. An entry that nobody has compared with
its server says so.
"""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Challenge:
    """One challenge.

    Args:
        name: What it is called.
        version: Version of its submission format.
        server: Where submissions went or go.
        is_open: Whether that server takes submissions; None if nobody looked.
        checked: When the state of the server was last compared with its sources; None if never.
        note: What else is known.
    """

    name: str
    version: str
    server: str
    is_open: bool | None
    checked: date | None
    note: str

    def describe(self) -> str:
        """Two lines for a person."""
        state = {True: 'open', False: 'CLOSED', None: 'unknown whether open'}[self.is_open]
        when = 'never checked' if self.checked is None else f'last checked {self.checked}'
        return (
            f'{self.name}, submission format {self.version}; server: {self.server}, {state} '
            f'({when})\n{self.note}'
        )


EPIC100_RECOGNITION = Challenge(
    name='EPIC-KITCHENS-100 action recognition (C1)',
    version='0.2',
    server='https://codalab.lisn.upsaclay.fr/competitions/776',
    is_open=False,
    checked=date(2026, 11, 25),
    # codalab/codalab-competitions issue 3627; epic-kitchens/C2-Action-Detection pull request 10.
    note=(
        'Codalab ended all submissions on 2025-12-31. The detection challenge of EPIC-KITCHENS has '
        'moved to Codabench; the new address of this one, and whether it still takes format 0.2, '
        'is not known here: ask the organisers (epic-kitchens.github.io) before you rely on it.'
    ),
)

EPIC100_DETECTION = Challenge(
    name='EPIC-KITCHENS-100 action detection (C2)',
    version='0.2',
    server='https://www.codabench.org/competitions/13830',
    is_open=None,
    checked=None,
    # epic-kitchens/C2-Action-Detection: README.md and EvaluationCode, commit 4835721.
    note=(
        'The JSON that the official evaluation reads. How the server wants it packed is not known '
        'here: look at its page before you upload.'
    ),
)

EPIC55_RECOGNITION = Challenge(
    name='EPIC-KITCHENS-55 action recognition',
    version='0.1',
    server='CodaLab',
    is_open=False,
    checked=date(2026, 11, 25),
    note=(
        'The challenge of 2019 and 2020; that of EPIC-KITCHENS-100 took its place, and CodaLab '
        'ended all submissions on 2025-12-31. The format is kept for comparison with published '
        'work.'
    ),
)

EGO4D_MOMENTS = Challenge(
    name='Ego4D Moment Queries',
    version='1.0',
    server='EvalAI (eval.ai), Ego4D Moment Queries Challenge',
    is_open=None,
    checked=None,
    note=(
        'The format of 2023, after the merging script of the official baseline; look at the server '
        'before you rely on it.'
    ),
)

EGO4D_QUERIES = Challenge(
    name='Ego4D Natural Language Queries',
    version='1.0',
    server='EvalAI (eval.ai), Ego4D Natural Language Queries Challenge',
    is_open=None,
    checked=None,
    note=(
        'The format of 2023, after the official baseline; look at the server before you rely on it.'
    ),
)
