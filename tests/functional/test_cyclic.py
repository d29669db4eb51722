import pytest

from egomm.functional.cyclic import triangular


def test_up_in_two_steps_and_down_in_four():
    heights = [triangular(step, 2, 4) for step in range(9)]
    assert heights == [0, 0.5, 1, 0.75, 0.5, 0.25, 0, 0.5, 1]


def test_each_cycle_is_half_as_high():
    assert [triangular(step, 1, 1, halving=True) for step in range(6)] == [0, 1, 0, 0.5, 0, 0.25]


@pytest.mark.parametrize('up, down', [(0, 1), (1, 0)])
def test_a_side_without_steps_is_refused(up, down):
    with pytest.raises(ValueError, match=f'got {up} and {down}'):
        triangular(0, up, down)
