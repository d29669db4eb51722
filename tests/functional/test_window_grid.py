import pytest
import torch

from egomm.functional.segments import segment_iou
from egomm.functional.window_grid import window_grid


def test_three_lengths_on_paper():
    grid = window_grid(0.25, 1.0, num_lengths=3, steps=1)
    ends = [(0, 0.25), (0.1875, 0.4375), (0.375, 0.625), (0.5625, 0.8125), (0.75, 1)]
    ends += [(0, 0.5), (0.25, 0.75), (0.5, 1), (0, 1)]
    torch.testing.assert_close(grid, torch.tensor(ends))


def test_every_window_within_the_lengths_has_a_near_one_in_the_grid():
    start = torch.rand(500, generator=torch.Generator().manual_seed(0)) * 0.9
    length = torch.linspace(0.02, 0.1, 500)
    iou = segment_iou(torch.stack([start, start + length], dim=1), window_grid())
    assert iou.amax(dim=1).min() > 0.6


def test_lengths_are_shares_of_the_clip():
    with pytest.raises(ValueError, match='0 < shortest < longest <= 1, shares of a clip; got 0.5'):
        window_grid(0.5, 2.0)
