import numpy as np
import pytest

from egomm.visualization.segments import (
    Row,
    Timeline,
    class_bars,
    sensitivity_curves,
    stacked_shares,
    timelines,
)


def labels(axes):
    return [text.get_text() for text in axes.get_yticklabels()]


def test_truth_lies_above_what_was_found_and_a_higher_score_is_darker():
    rows = {'walk': Row([(1, 5)], [(2, 4, 0.8), (6, 7, 0.2)]), 'x' * 50: Row([], [])}
    axes, empty = timelines([Timeline('c', 60, rows), Timeline('d', 10, {})]).axes
    true, strong, weak, *_ = axes.patches
    assert (true.get_x(), true.get_width()) == (1, 4)
    assert (strong.get_x(), strong.get_width()) == (2, 2)
    assert true.get_y() < strong.get_y()  # the axis points down
    assert axes.yaxis_inverted()
    assert strong.get_alpha() == 1
    assert weak.get_alpha() == pytest.approx(0.15 + 0.85 / 4)
    assert axes.get_xlim() == (0, 60)
    assert labels(axes) == ['walk', f'{"x" * 37}…']
    assert empty.get_title(loc='left') == 'd'


def test_classes_stand_best_first_in_two_columns():
    figure = class_bars({'a': 0.1, 'b': 0.5, 'c': 0.3}, 'AP', 'all')
    assert [labels(axes) for axes in figure.axes] == [['b', 'c'], ['a']]
    assert [bar.get_width() for bar in figure.axes[0].patches] == [0.5, 0.3]


def test_parts_of_a_group_stand_on_one_another():
    [axes] = stacked_shares({'0-2 s': dict(right=0.25, wrong=0.75)}, 'lengths').axes
    assert [(bar.get_y(), bar.get_height()) for bar in axes.patches] == [(0, 0.25), (0.25, 0.75)]
    assert [text.get_text() for text in axes.texts] == ['25 %', '75 %']


def test_a_centre_before_the_middle_peaks_before_the_middle():
    centres, widths = np.array([[0.3, 0], [0, 0], [0, 0]]), np.full((3, 2), 0.2)
    whole, ends = sensitivity_curves(centres, widths, ['early', 'middle']).axes
    shown = {line.get_label(): line.get_xydata() for line in whole.lines}
    assert shown['early'][shown['early'][:, 1].argmax(), 0] == pytest.approx(0.2)
    assert shown['middle'][shown['middle'][:, 1].argmax(), 0] == pytest.approx(0.5)
    assert ends.get_title() == 'weight of the offsets, mean of two Gaussians'


def test_nothing_to_draw_is_an_error():
    with pytest.raises(ValueError, match='timelines wants at least one clip'):
        timelines([])
    with pytest.raises(ValueError, match='class_bars wants at least one class'):
        class_bars({}, 'x', 'y')
    with pytest.raises(ValueError, match='stacked_shares wants at least one group'):
        stacked_shares({}, 'x')
    with pytest.raises(ValueError, match=r'got \(3, 2\), \(3, 2\) and 1 names. Give the classes'):
        sensitivity_curves(np.zeros((3, 2)), np.ones((3, 2)), ['a'])
