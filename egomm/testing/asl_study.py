"""The ASL part of the study: worlds, rows and claims.

Every claim stands here with what would confirm and what would refute it, so it was written before
any run.
"""

from typing import Any, NamedTuple

from egomm.testing.claims import Claim
from egomm.testing.statistics import Estimate
from egomm.testing.timeline import TimelineSpec

LEARNING_RATES = (2e-3, 4e-3, 8e-3)
# Learning rates of a run add up to this for the Gaussians, as over the 15 epochs of the paper.
GAUSSIAN_WAY = 0.56
H_LEAST = 0.2  # a mean of h below it is a collapse


class Row(NamedTuple):
    """One line of a table.

    Attributes:
        name: As in the table.
        sensitivity: Of the loss; None weighs all positive points 1.
        tuned_as: Row whose learning rate is taken, instead of a search of its own.
    """

    name: str
    sensitivity: dict[str, Any] | None
    tuned_as: str | None = None


ROWS = (
    Row('base', None),
    Row('learned', dict(form='paper')),
    Row('mean-one', dict(form='paper', mean_one=True)),
    # Controls of the learned row, at its learning rate.
    Row('fixed', dict(form='paper', learnable=False), tuned_as='learned'),
    # Its two weights are the means over the training of the learned row of the same seed.
    Row('constant', dict(type='ConstantSensitivity'), tuned_as='learned'),
)
MEANINGS = {
    'base': 'every positive point weighs 1',
    'fixed': 'Gaussians as they start: width 1, in the middle and at the ends',
    'learned': 'Action Sensitivity Learning as in the paper',
    'mean-one': 'the same, its weights scaled to a mean of 1 over the positive points of a batch',
    'constant': 'two constants, the means of the weights that the learned row had in training',
}


class World(NamedTuple):
    """What is studied.

    Attributes:
        core: See `TimelineSpec`.
        boundary_noise: See `TimelineSpec`.
        features: ``'generated'`` from the timeline with a known signal, or of a ``'recognizer'``
            that was trained on other participants and saw the drawn videos.
        task: ``'moment'`` or ``'query'``.
    """

    core: str
    boundary_noise: float
    features: str = 'generated'
    task: str = 'moment'

    @property
    def name(self) -> str:
        """For folders and headings."""
        return f'{self.task}-{self.features}-{self.core}-{self.boundary_noise:g}'

    @property
    def spec(self) -> TimelineSpec:
        """Its long videos."""
        return TimelineSpec(core=self.core, boundary_noise=self.boundary_noise)


WORLDS = (
    World('centre', 0.3),
    World('flat', 0.0),
    World('centre', 0.3, 'recognizer'),
    World('mixed', 0.3),
    World('centre', 0.3, 'recognizer', 'query'),
    World('onset', 0.3),
    World('centre', 0.0),
    World('flat', 0.3),
    World('onset', 0.0),
    World('mixed', 0.0),
)


# Name of the main score, and of the one that is shown beside it.
SCORES = {'moment': ('average mAP', 'R@1x at 0.5'), 'query': ('mean R@1', 'R@1 at 0.5')}
# Average mAP 22.02 -> 24.15 (SlowFast, Omnivore, EgoVLP); mean of R@1 at 0.3 and 0.5, 13.80 and
# 9.51 -> 14.79 and 9.98 (SlowFast, Omnivore, CLIP): Tables 1 and 3 of arXiv:2306.09172.
PAPER_EFFECT = {'moment': 2.13, 'query': 0.73}


def claims_of(world: World) -> tuple[Claim, ...]:
    """What is claimed in a world, in its main score."""
    own = dict(effect=PAPER_EFFECT[world.task], score=SCORES[world.task][0])
    without = dict(own, effect=None)
    if world.core == 'flat':
        # Where a class can be seen all over its moments there is nothing to learn.
        own.update(wins=False)
        return (
            Claim('ASL does not beat equal weights', 'learned', 'base', **own),
            Claim('ASL does not beat constant weights', 'learned', 'constant', **own),
            Claim('ASL of mean 1 does not beat equal weights', 'mean-one', 'base', **own),
        )
    return (
        Claim('ASL beats equal weights', 'learned', 'base', **own),
        Claim('ASL beats constant weights of the same mean', 'learned', 'constant', **own),
        Claim('Learning the Gaussians beats keeping them', 'learned', 'fixed', **without),
        Claim('ASL of mean 1 beats equal weights', 'mean-one', 'base', **own),
        Claim('Mean 1 beats free weights', 'mean-one', 'learned', **without),
    )


# In worlds of mixed cores: the correlation over classes of the learned mu with the true place of
# the core, (0.5 - position), is above 0 in the 95 % interval over seeds; refuted if the interval
# lies below 0.3, which is less than a tenth of the variance.
CORRELATED_ROWS = ('learned', 'mean-one')
LEAST_CORRELATION = 0.3


def core_verdict(found: Estimate) -> str:
    """Whether learned centres follow the true cores, by the rule above."""
    if found.low > 0:
        return 'confirmed'
    return 'refuted' if found.high < LEAST_CORRELATION else 'undecided'
