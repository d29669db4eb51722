import torch

from egomm.functional.finite import non_finite


def test_tensors_with_nan_or_infinity_are_named_in_order():
    tensors = {name: torch.ones(2, 3) for name in 'abcd'}
    tensors['b'][1, 2] = float('nan')
    tensors['d'][0, 0] = -float('inf')
    assert non_finite(tensors.items()) == ['b', 'd']
    assert non_finite(()) == []


def test_large_numbers_in_half_precision_are_finite():
    assert non_finite([('x', torch.full((100,), 6e4, dtype=torch.float16))]) == []
