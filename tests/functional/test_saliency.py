"""Class activation against the authors' code, and shares by hand."""

from pathlib import Path

import numpy as np
import pytest

from egomm.functional.saliency import boxes_around, class_activation, mass_in_boxes

GOLDEN = np.load(Path(__file__).parents[1] / 'golden' / 'mtl' / 'saliency_tube.npz')


def test_activation_equals_the_authors():
    features = np.moveaxis(GOLDEN['features'], -1, 0)
    activation = class_activation(features, GOLDEN['weights'])
    np.testing.assert_allclose(activation, GOLDEN['cam_raw'], rtol=1e-6, atol=1e-12)


def test_activation_says_what_cells_add_to_the_logit():
    features = np.arange(16.0).reshape(2, 1, 2, 4)
    activation = class_activation(features, [2.0, -1.0])
    assert activation[0, 1, 2] == 2 * 6 - 14
    assert activation.mean() == 2 * features[0].mean() - features[1].mean()


def test_mass_of_two_boxes_that_overlap_counts_once():
    tube = np.ones((2, 2, 4))
    tube[0, 0, 1] = 5  # of the first frame: 5 + 7 in all
    boxes = np.full((2, 2, 4), -1.0)
    boxes[0] = [[-1, -1, 0, 0], [-0.5, -1, 0, 0]]  # the left two of the upper row, the second again
    share, area = mass_in_boxes(tube, boxes, [[True, True], [False, False]])
    assert share == pytest.approx(6 / 12)
    assert area == pytest.approx(2 / 8)


def test_a_box_that_is_not_visible_holds_nothing():
    tube, boxes = np.ones((1, 2, 2)), np.array([[[-1, -1, 1, 1], [-1, -1, 0, 0]]])
    assert mass_in_boxes(tube, boxes, [[False, True]]) == (0.25, 0.25)
    assert np.isnan(mass_in_boxes(tube, boxes, [[False, False]])).all()
    share, area = mass_in_boxes(0 * tube, boxes, [[True, True]])
    assert np.isnan(share)
    assert area == 1


def test_boxes_have_their_points_in_the_middle():
    np.testing.assert_allclose(boxes_around([[0.5, -1.0]], 0.25), [[0.25, -1.25, 0.75, -0.75]])


def test_errors_say_what_they_got():
    with pytest.raises(ValueError, match=r'got \(2, 3, 4\) and \(3,\)\. Take the map'):
        class_activation(np.ones((2, 3, 4)), np.ones(3))
    with pytest.raises(ValueError, match=r'got \(1, 2, 2\), \(1, 1, 3\) and \(1, 1\)\. Give the'):
        mass_in_boxes(np.ones((1, 2, 2)), np.ones((1, 1, 3)), [[True]])
    with pytest.raises(ValueError, match=r'below 0; got -1\.0\. Take that of saliency_tube'):
        mass_in_boxes(-np.ones((1, 2, 2)), np.ones((1, 1, 4)), [[True]])
