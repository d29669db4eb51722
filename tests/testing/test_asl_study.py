import pytest

from egomm.testing.asl_study import (
    ROWS,
    WORLDS,
    claims_of,
    core_verdict,
)
from egomm.testing.statistics import estimate
from egomm.testing.study import named


def test_centres_follow_the_cores_or_not():
    assert core_verdict(estimate([0.8, 0.9, 0.7])) == 'confirmed'
    assert core_verdict(estimate([-0.1, 0.1, 0.0])) == 'refuted'
    assert core_verdict(estimate([-0.9, 0.9, 0.5])) == 'undecided'


def test_claims_name_rows_and_worlds_have_names_of_their_own():
    names = {row.name for row in ROWS}
    for world in WORLDS:
        claims = claims_of(world)
        assert {name for claim in claims for name in (claim.first, claim.second)} <= names
        assert {claim.wins for claim in claims} == {world.core != 'flat'}
    assert len({world.name for world in WORLDS}) == len(WORLDS)
    kinds = {(world.core, world.boundary_noise) for world in WORLDS}
    assert {('centre', 0.3), ('flat', 0.0)} <= kinds


def test_worlds_by_name_keep_their_order():
    assert named(WORLDS, None, 'worlds') == list(WORLDS)
    assert named(WORLDS, [WORLDS[2].name, WORLDS[0].name], 'worlds') == [WORLDS[0], WORLDS[2]]
    with pytest.raises(ValueError, match=r"There are no worlds \['moon'\]"):
        named(WORLDS, ['moon'], 'worlds')
