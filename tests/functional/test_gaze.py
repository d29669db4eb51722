"""Gaze scores against the public evaluations and by hand."""

import math
from pathlib import Path

import numpy as np
import pytest

from egomm.functional.gaze import adaptive_f1, angular_error, auc_judd, auc_point

GOLDEN = Path(__file__).parents[1] / 'golden/mtl/gaze_metrics.npz'


@pytest.fixture(scope='module')
def reference():
    return np.load(GOLDEN)


@pytest.fixture(scope='module')
def heatmaps(reference):
    rows, columns = np.mgrid[:224, :224]
    return [
        sum(
            weight * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * width**2))
            for y, x, width, weight in blobs
        )
        for blobs in reference['hm_params']
    ]


def test_angles_are_those_of_the_public_evaluation(reference):
    ours = angular_error(reference['points_pred'], reference['points_gt'], 224)
    np.testing.assert_allclose(ours, reference['aae_deg'], rtol=1e-6, atol=1e-9)


def test_angles_of_centres_of_mass_are_those_of_the_public_evaluation(reference):
    predicted, true = reference['hm_center_of_mass'][:, ::-1], reference['hm_fix'][:, ::-1]
    np.testing.assert_allclose(angular_error(predicted, true, 224), reference['hm_aae_deg'])


def test_smaller_images_are_scored_in_their_own_pixels(reference):
    fixated = reference['glc_labels'][:, 2] == 1
    maps = reference['glc_pred'][fixated].astype(float)
    maps /= maps.sum(axis=(1, 2), keepdims=True)
    rows, columns = np.mgrid[:64, :64]
    predicted = np.stack([(maps * columns).sum((1, 2)), (maps * rows).sum((1, 2))], axis=1)
    true = 64 * reference['glc_labels'][fixated, :2]
    errors = angular_error(predicted, true, 64)
    assert errors.mean() == pytest.approx(float(reference['glc_aae']), rel=1e-6)
    areas = auc_point(predicted, true, 64, sigma=3.2)
    assert areas.mean() == pytest.approx(float(reference['glc_auc']), abs=1e-12)


def test_the_adaptive_f1_is_that_of_the_public_evaluation(reference):
    fixated = reference['glc_labels'][:, 2] == 1
    found = adaptive_f1(reference['glc_pred'][fixated], reference['glc_label_hm'][fixated])
    names = ('f1', 'recall', 'precision', 'threshold')
    np.testing.assert_allclose([found[name] for name in names], reference['glc_f1'], atol=1e-6)


def test_the_adaptive_f1_chooses_its_threshold_and_averages_before_it_divides():
    true = np.zeros((2, 2, 2))
    true[:, 0] = 0.5
    predicted = np.array([[[0.6, 0.2], [0.1, 0.1]], [[0.5, 0.3], [0.15, 0.05]]])
    assert adaptive_f1(predicted, true, [0.0, 0.18, 0.4]) == dict(
        f1=1.0, recall=1.0, precision=1.0, threshold=0.18
    )
    # One frame right and one with nothing: recall 0.5, precision 0.5.
    predicted[1] = 0.1
    assert adaptive_f1(predicted, true, [0.18]) == dict(
        f1=0.5, recall=0.5, precision=0.5, threshold=0.18
    )
    assert adaptive_f1(predicted, true, [0.9])['f1'] == 0


@pytest.mark.parametrize(
    'predicted, true',
    [
        (np.ones((2, 3)), np.ones((2, 3))),
        (np.ones((1, 2, 2)), np.ones((1, 3, 2))),
        (np.ones((0, 2, 2)), np.ones((0, 2, 2))),
        (np.full((1, 2, 2), np.nan), np.ones((1, 2, 2))),
    ],
)
def test_maps_without_a_score_are_refused(predicted, true):
    with pytest.raises(ValueError, match=r'finite maps \(N, H, W\).*Leave frames'):
        adaptive_f1(predicted, true)


def test_auc_of_points_is_that_of_the_public_evaluation(reference):
    ours = auc_point(reference['points_pred'], reference['points_gt'], 224)
    np.testing.assert_allclose(ours, reference['auc_point'], rtol=1e-6)


def test_auc_of_points_outside_the_image_is_refused():
    for one in ([[224, 5]], [[-0.5, 5]], [[math.nan, 5]], [[1, 2], [3, 4]], [1, 2]):
        with pytest.raises(ValueError, match=r'auc_point wants.*within 0\.\.224.*Leave frames'):
            auc_point(one, [[1, 2]], 224)


def test_angle_by_hand():
    # From the centre to the middle of an edge is half the field of view.
    assert angular_error([[50, 50]], [[100, 50]], 100) == pytest.approx([30])
    assert angular_error([[0, 50]], [[100, 50]], 100, fov_degrees=90) == pytest.approx([90])
    diagonal = math.degrees(math.atan(math.sqrt(2)))
    assert angular_error([[1, 1]], [[2, 2]], 2, fov_degrees=90) == pytest.approx([diagonal])
    tiny = angular_error([[50, 50]], [[50 + 1e-6, 50]], 100)
    assert tiny == pytest.approx([math.degrees(1e-6 * math.tan(math.pi / 6) / 50)], rel=1e-6)


def test_auc_is_the_definition_without_jitter(reference, heatmaps):
    for heatmap, fixation, expected in zip(
        heatmaps, reference['hm_fix'], reference['hm_auc_judd_single'], strict=True
    ):
        assert auc_judd(heatmap, fixation[None]) == pytest.approx(expected, rel=1e-9)
    for index, expected in enumerate(reference['hm_judd_multi']):
        fixations = reference[f'hm_judd_multi_fix{index}']
        assert auc_judd(heatmaps[index], fixations) == pytest.approx(expected, rel=1e-9)


def test_auc_by_hand():
    heatmap = np.array([[4.0, 3.0], [2.0, 1.0]])
    assert auc_judd(heatmap, [[0, 0]]) == 1
    assert auc_judd(heatmap, [[1, 1]]) == 0.5  # all others first: half of the last step remains
    # The second of four: one of three false ones before it, 1 - (1 / 3) / 2.
    assert auc_judd(heatmap, [[0, 1]]) == pytest.approx(5 / 6)
    assert auc_judd(100 + 7 * heatmap, [[0, 1]]) == pytest.approx(5 / 6)


def test_flat_map_is_chance_and_a_fixation_named_twice_counts_once():
    assert auc_judd(np.ones((5, 5)), [[2, 2]]) == 0.5
    assert auc_judd(np.ones((5, 5)), [[2, 2], [1, 1], [0, 3]]) == 0.5
    heatmap = np.arange(12.0).reshape(3, 4)
    assert auc_judd(heatmap, [[2, 1], [2, 1], [0, 3]]) == auc_judd(heatmap, [[2, 1], [0, 3]])


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (([[1, 2]], [[1, 2], [3, 4]], 64), r'got \(1, 2\) and \(2, 2\)'),
        (([1, 2], [1, 2], 64), r'got \(2,\) and \(2,\)'),
        (([[1, math.nan]], [[1, 2]], 64), 'finite points'),
        (([[1, 2]], [[1, 2]], 0), 'got 0 and 60'),
        (([[1, 2]], [[1, 2]], 64, 180), 'got 64 and 180'),
    ],
)
def test_wrong_points_are_explained(arguments, words):
    with pytest.raises(ValueError, match=f'angular_error wants.*{words}'):
        angular_error(*arguments)


@pytest.mark.parametrize(
    ('heatmap', 'fixations', 'words'),
    [
        (np.ones(4), [[0, 0]], r'heat map \(H, W\); got \(4,\)'),
        (np.full((2, 2), np.nan), [[0, 0]], r'\(2, 2\) with NaN'),
        (np.ones((2, 2)), np.zeros((0, 2), int), r'got int64 \(0, 2\)'),
        (np.ones((2, 2)), [[0, 2]], r'within \(2, 2\)'),
        (np.ones((2, 2)), [[0, -1]], r'within \(2, 2\)'),
        (np.ones((2, 2)), [[0.5, 1]], 'got float64'),
        (np.ones((2, 2)), [0, 1], r'got int64 \(2,\)'),
        (np.ones((1, 2)), [[0, 0], [0, 1]], 'fewer than pixels'),
    ],
)
def test_wrong_maps_and_fixations_are_explained(heatmap, fixations, words):
    with pytest.raises(ValueError, match=f'auc_judd wants.*{words}'):
        auc_judd(heatmap, fixations)
