"""DSNT against dsntnn, whose answers are in tests/golden/mtl, and by hand."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from egomm.functional.dsnt import expectation, gaussian, js_divergence, spatial_softmax

GOLDEN = Path(__file__).parents[1] / 'golden' / 'mtl' / 'dsnt.npz'


@pytest.fixture(params=['square', 'rect'])
def golden(request):
    with np.load(GOLDEN) as data:
        case = {
            key.removeprefix(f'{request.param}/'): torch.from_numpy(data[key])
            for key in data
            if key.startswith(request.param)
        }
        return {**case, 'sigma': float(data['sigma'])}


def losses(golden, logits):
    heat = spatial_softmax(logits)
    bell = gaussian(golden['target'], logits.shape[-2:], golden['sigma'])
    distance = (expectation(heat) - golden['target']).norm(dim=-1)
    return heat, bell, distance, js_divergence(heat, bell)


def test_every_quantity_equals_dsntnn(golden):
    heat, bell, distance, js = losses(golden, golden['logits'])
    wanted = [golden[name] for name in ('probs', 'gauss', 'euclidean', 'js')]
    torch.testing.assert_close([heat, bell, distance, js], wanted, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(expectation(heat), golden['coords'], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize('kind', ['code', 'masked'])
def test_gradients_equal_dsntnn(golden, kind):
    logits = golden['logits'].clone().requires_grad_()
    _, _, distance, js = losses(golden, logits)
    weight = golden['mask'] if kind == 'masked' else torch.ones_like(js)
    (((distance + js) * weight).sum() / weight.sum()).backward()
    torch.testing.assert_close(logits.grad, golden[f'grad_logits_{kind}'], rtol=1e-8, atol=1e-12)


def test_one_hot_map_gives_its_cell_centre():
    heatmap = torch.zeros(1, 1, 5, 7)
    heatmap[0, 0, 1, 4] = 1
    torch.testing.assert_close(expectation(heatmap), torch.tensor([[[2 / 7, -2 / 5]]]))


def test_bell_falls_by_the_cells_from_its_mean():
    # The mean is the centre of column 1 of 4; one row, so only columns differ.
    bell = gaussian(torch.tensor([-0.25, 0.0]), (1, 4), sigma=2.0)
    fall = torch.exp(-torch.tensor([1.0, 0.0, 1.0, 4.0]) / (2 * 2.0**2))
    torch.testing.assert_close(bell, (fall / fall.sum())[None])


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_any_leading_dimensions_and_strides_and_the_dtype_stays(dtype):
    logits = torch.rand(2, 3, 5, 7, 4, dtype=dtype).permute(0, 1, 4, 2, 3)
    heat = spatial_softmax(logits)
    assert heat.shape == logits.shape
    torch.testing.assert_close(heat, spatial_softmax(logits.contiguous()), rtol=0, atol=0)
    points = expectation(heat)
    bell = gaussian(points, (5, 7), 1.0)
    js = js_divergence(heat, bell)
    assert points.shape == (2, 3, 4, 2)
    assert js.shape == (2, 3, 4)
    assert {value.dtype for value in (heat, points, bell, js)} == {dtype}
    assert expectation(spatial_softmax(logits[0, 0, 0])).shape == (2,)


@pytest.mark.parametrize('place', [[0.0, 0.0], [-1.0, 1.0], [0.3, 1.6], [1e3, -1e3]])
@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_bell_sums_to_one_wherever_its_mean_lies(place, dtype):
    bell = gaussian(torch.tensor(place, dtype=dtype), (5, 9), 1.0)
    torch.testing.assert_close(bell.sum(), torch.ones((), dtype=dtype))


def test_divergence_is_symmetric_and_between_zero_and_ln_two():
    p, q = torch.zeros(2, 3, 3)
    p[0, 0] = q[2, 1] = 1
    torch.testing.assert_close(js_divergence(p, q), torch.tensor(math.log(2)))
    assert js_divergence(p, p) == 0
    r = spatial_softmax(torch.rand(3, 3))
    torch.testing.assert_close(js_divergence(p, r), js_divergence(r, p))


def test_gradients_are_those_of_finite_differences():
    logits = torch.rand(2, 3, 4, dtype=torch.float64, requires_grad=True)
    bell = gaussian(torch.tensor([[0.1, 0.2], [-0.5, 0.9]], dtype=torch.float64), (3, 4), 1.0)
    assert torch.autograd.gradcheck(lambda x: expectation(spatial_softmax(x)), logits)
    assert torch.autograd.gradcheck(lambda x: js_divergence(spatial_softmax(x), bell), logits)


@pytest.mark.parametrize(
    'call, words',
    [
        (lambda: spatial_softmax(torch.rand(7)), r'spatial_softmax wants maps .* got \(7,\)'),
        (lambda: expectation(torch.rand(7)), r'expectation wants maps .* got \(7,\)'),
        (lambda: gaussian(torch.rand(2, 3), (5, 5), 1.0), r'as x and y.* got \(2, 3\) and 1.0'),
        (lambda: gaussian(torch.rand(2), (5, 5), 0.0), r'sigma > 0 cells; got \(2,\) and 0.0'),
        (
            lambda: js_divergence(torch.rand(7, 7), torch.rand(14, 14)),
            r'same shape; got \(7, 7\) and \(14, 14\)',
        ),
        (lambda: js_divergence(torch.rand(7), torch.rand(7)), r'js_divergence wants maps'),
    ],
)
def test_error_says_what_it_got(call, words):
    with pytest.raises(ValueError, match=words):
        call()
