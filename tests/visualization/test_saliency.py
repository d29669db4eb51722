"""Saliency tubes against the authors' code."""

from pathlib import Path

import numpy as np
import pytest

from egomm.functional.saliency import class_activation
from egomm.visualization.saliency import saliency_tube

GOLDEN = np.load(Path(__file__).parents[1] / 'golden' / 'mtl' / 'saliency_tube.npz')


def test_features_become_the_tube_of_the_authors():
    features = np.moveaxis(GOLDEN['features'], -1, 0)
    tube = saliency_tube(class_activation(features, GOLDEN['weights']), tuple(GOLDEN['zoom_shape']))
    np.testing.assert_allclose(
        tube[:, ::16, ::16], GOLDEN['cam_zoom_norm_sub'], rtol=1e-6, atol=1e-9
    )
    assert (tube.min(), tube.max()) == (0, 1)
    assert tube.mean() == pytest.approx(GOLDEN['zoom_mean'], rel=1e-6)
    assert tube.std() == pytest.approx(GOLDEN['zoom_std'], rel=1e-6)


def test_an_activation_without_differences_is_nowhere():
    assert not saliency_tube(np.full((2, 3, 3), 5.0), (4, 6, 6)).any()


def test_an_activation_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match=r'got \(1, 2, 2\) with NaN or infinity and \(2, 4, 4\)'):
        saliency_tube(np.full((1, 2, 2), np.nan), (2, 4, 4))
