import pytest
import torch

from egomm.models.layers.clips import check_whole_clips
from egomm.structures import Stream


def test_a_mask_of_samples_passes_and_one_of_steps_is_refused():
    x = torch.zeros(2, 3, 4, 8, 8)
    check_whole_clips('Net', Stream(x))
    check_whole_clips('Net', Stream(x, torch.tensor([True, False])))
    with pytest.raises(
        ValueError, match=r'^Net takes whole clips.*got a mask of shape \(2, 4\)\. Use a backbone'
    ):
        check_whole_clips('Net', Stream(x, torch.ones(2, 4, dtype=torch.bool)))
