import torch

from egomm.models.layers.pooling import mean_pool, presence
from egomm.structures import Stream


def test_mean_over_time_and_space():
    x = torch.arange(16.0).reshape(1, 2, 2, 2, 2)
    torch.testing.assert_close(mean_pool(Stream(x)), torch.tensor([[3.5, 11.5]]))


def test_a_vector_stays_as_it_is():
    x = torch.rand(2, 5)
    assert mean_pool(Stream(x)) is x


def test_padding_steps_do_not_count():
    x = torch.tensor([[[1.0, 3.0, float('nan')]]])
    mask = torch.tensor([[True, True, False]])
    torch.testing.assert_close(mean_pool(Stream(x, mask)), torch.tensor([[2.0]]))


def test_a_missing_sample_is_zeros_whatever_its_values():
    x = torch.full((2, 3, 4), float('nan'))
    x[0] = 1.0
    pooled = mean_pool(Stream(x, torch.tensor([True, False])))
    assert pooled.tolist() == [[1.0] * 3, [0.0] * 3]


def test_presence_is_whether_anything_is_real():
    streams = [
        Stream(torch.rand(2, 1)),
        Stream(torch.rand(2, 1), torch.tensor([False, True])),
        Stream(torch.rand(2, 1, 3), torch.tensor([[True, False, False], [False] * 3])),
    ]
    assert presence(streams).tolist() == [[True, False, True], [True, True, False]]
