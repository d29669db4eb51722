import torch

from egomm.models.layers.words import WordAttention, WordEncoder
from egomm.structures import Stream


def encoder():
    return WordEncoder(in_channels=3, channels=8, num_heads=2, num_layers=1, dropout=0.0)


def test_padding_changes_no_word_and_stays_zero():
    net = encoder()
    x = torch.randn(1, 3, 4)
    alone = net(Stream(x)).x
    padded = net(Stream(torch.cat([x, torch.randn(1, 3, 2)], 2), torch.arange(6)[None] < 4))
    torch.testing.assert_close(padded.x[..., :4], alone)
    assert not padded.x[..., 4:].any()


def test_a_sentence_without_words_is_zeros_and_nobody_reads_it():
    words = encoder()(Stream(torch.randn(2, 3, 4), torch.tensor([True, False])))
    assert not words.x[1].any()
    read = WordAttention(8, 2)(torch.randn(2, 8, 5), words)
    assert read[0].any()
    assert not read[1].any()
    read.sum().backward()


def test_with_one_word_all_steps_read_the_same():
    read = WordAttention(8, 2)(torch.randn(1, 8, 5), Stream(torch.randn(1, 8, 1)))
    torch.testing.assert_close(read, read[..., :1].expand(-1, -1, 5))
