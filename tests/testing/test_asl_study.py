import pytest

from egomm.testing.asl_study import (
    CLAIMS,
    FLAT_CLAIMS,
    ROWS,
    WORLDS,
    Claim,
    core_verdict,
    verdict,
    worlds_named,
)
from egomm.testing.statistics import estimate

HELPS = Claim('a beats b', 'a', 'b', True)
DOES_NOT = HELPS._replace(helps=False)


@pytest.mark.parametrize(
    ('values', 'helps', 'does_not'),
    [
        ([2.0, 2.1, 2.2], 'confirmed', 'refuted'),
        ([-2.0, -2.1, -2.2], 'refuted', 'confirmed'),
        ([0.1, 0.12, 0.11], 'confirmed', 'refuted'),  # above 0, however little
        ([-0.1, 0.2, 0.0, 0.1], 'refuted', 'confirmed'),
        ([-3.0, 3.0, 1.0], 'undecided', 'undecided'),
    ],
)
def test_verdicts_follow_the_rule(values, helps, does_not):
    found = estimate(values)
    assert verdict(found, HELPS, 'moment') == helps
    assert verdict(found, DOES_NOT, 'moment') == does_not


def test_without_an_effect_of_the_paper_a_small_one_refutes_nothing():
    found = estimate([-0.1, 0.2, 0.0, 0.1])
    assert verdict(found, HELPS._replace(effect=False), 'moment') == 'undecided'


def test_centres_follow_the_cores_or_not():
    assert core_verdict(estimate([0.8, 0.9, 0.7])) == 'confirmed'
    assert core_verdict(estimate([-0.1, 0.1, 0.0])) == 'refuted'
    assert core_verdict(estimate([-0.9, 0.9, 0.5])) == 'undecided'


def test_claims_name_rows_and_worlds_have_names_of_their_own():
    names = {row.name for row in ROWS}
    assert {name for claim in (*CLAIMS, *FLAT_CLAIMS) for name in claim[1:3]} <= names
    assert len({world.name for world in WORLDS}) == len(WORLDS)
    kinds = {(world.core, world.boundary_noise) for world in WORLDS}
    assert {('centre', 0.3), ('flat', 0.0)} <= kinds


def test_worlds_by_name_keep_their_order():
    assert worlds_named(None) == list(WORLDS)
    assert worlds_named([WORLDS[2].name, WORLDS[0].name]) == [WORLDS[0], WORLDS[2]]
    with pytest.raises(ValueError, match=r"There are no worlds \['moon'\]"):
        worlds_named(['moon'])
