import pytest
import torch

from egomm.structures import Stream


def test_a_stream_without_mask_is_all_real():
    assert Stream(torch.zeros(3, 4)).sample_mask().tolist() == [True, True, True]


def test_a_sample_with_one_real_step_is_present():
    mask = torch.tensor([[False, True, False], [False, False, False]])
    assert Stream(torch.zeros(2, 4, 3), mask).sample_mask().tolist() == [True, False]


@pytest.mark.parametrize(
    'mask', [torch.ones(2), torch.ones(3, dtype=torch.bool), torch.ones(2, 5, dtype=torch.bool)]
)
def test_a_mask_that_does_not_fit_is_refused_with_both_shapes(mask):
    with pytest.raises(ValueError, match=r'boolean mask of shape.*beside x of shape \(2, 4, 3\)'):
        Stream(torch.zeros(2, 4, 3), mask)
