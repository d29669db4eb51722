import pytest
import torch

from egomm.models.backbones.tokens import TokenEmbedding
from egomm.structures import Stream


def embedding():
    return TokenEmbedding(num_tokens=10, out_channels=4, max_length=6)


def test_a_word_is_its_vector_plus_its_place():
    net = embedding()
    x = net(Stream(torch.tensor([[[7, 7]]]))).x
    torch.testing.assert_close(
        x[0, :, 0] - x[0, :, 1], torch.tensor([0.0, 1, 0, 1]) - net.position_code[:, 1]
    )
    torch.testing.assert_close(x[0, :, 0], net.table.weight[7] + torch.tensor([0.0, 1, 0, 1]))


def test_padding_is_zero_and_teaches_nothing():
    net = embedding()
    out = net(Stream(torch.tensor([[[3, 99]]]), torch.tensor([[True, False]])))
    out.x.sum().backward()
    assert not out.x[0, :, 1].any()
    assert net.table.weight.grad.any(dim=1).nonzero().flatten().tolist() == [3]


def test_errors_name_what_came():
    with pytest.raises(ValueError, match=r'ids \(B, 1, L\); got \(1, 1, 2\) torch.float32'):
        embedding()(Stream(torch.rand(1, 1, 2)))
    with pytest.raises(ValueError, match='within 0..9; got 0..12'):
        embedding()(Stream(torch.tensor([[[12, 0]]])))
    with pytest.raises(ValueError, match='places for 6 words; got a sentence of 7'):
        embedding()(Stream(torch.zeros(1, 1, 7, dtype=torch.long)))
