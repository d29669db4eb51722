import pytest
import torch

from egomm.structures import Stream


@pytest.mark.parametrize(
    'mask', [None, torch.ones(2, dtype=torch.bool), torch.ones(2, 3, dtype=torch.bool)]
)
def test_a_mask_of_samples_or_of_steps_is_taken(mask):
    assert Stream(torch.zeros(2, 4, 3), mask).mask is mask


@pytest.mark.parametrize(
    'mask', [torch.ones(2), torch.ones(3, dtype=torch.bool), torch.ones(2, 5, dtype=torch.bool)]
)
def test_a_mask_that_does_not_fit_is_refused_with_both_shapes(mask):
    with pytest.raises(ValueError, match=r'boolean mask of shape.*beside x of shape \(2, 4, 3\)'):
        Stream(torch.zeros(2, 4, 3), mask)
