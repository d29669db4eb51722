from pathlib import Path

import numpy as np
import pytest
import torch

from egomm.functional.contrast import frame_text_nce

GOLDEN = Path(__file__).parents[1] / 'golden' / 'asl' / 'nlq_nce_sichengmo.npz'


def test_the_published_number_comes_from_the_published_quirks():
    """What `frame_text_nce` does not do: norm over time, e^0 for masked frames, all words apart."""
    data = {key: torch.from_numpy(value) for key, value in np.load(GOLDEN).items()}
    frames, words, positive = data['vid_feat'], data['text_feat'], data['gt_labels']
    frames = torch.nn.functional.normalize(frames, dim=2)  # over time instead of channels
    scores = torch.einsum('bcp,bcl->bp', frames, words)
    scores = scores / words.flatten(1).norm(dim=1, keepdim=True) / float(data['temperature'])
    background = (scores * ~positive).exp().sum(dim=1, keepdim=True)  # positives add e^0
    loss = torch.log(scores.exp() + background) - scores
    total = sum(row[inside].mean() for row, inside in zip(loss, positive))
    torch.testing.assert_close(total, data['loss'], atol=1e-5, rtol=0)


def case(positive, frame_mask=None, word_mask=None, temperature=1.0):
    frames = torch.tensor([[[3.0, 0.0, -2.0], [0.0, 1.0, 0.0]]])  # cosines 1, 0, -1 with x
    words = torch.tensor([[[2.0, 4.0], [1.0, -1.0]]])  # the mean points along x
    ones = torch.ones(1, 3, dtype=torch.bool)
    return frame_text_nce(
        frames,
        ones if frame_mask is None else torch.tensor([frame_mask]),
        words,
        ones[:, :2] if word_mask is None else torch.tensor([word_mask]),
        torch.tensor([positive]),
        temperature,
    ).item()


def test_one_positive_frame_against_two_others_by_hand():
    e = np.exp([1.0, 0.0, -1.0])
    assert case([True, False, False]) == pytest.approx(-np.log(e[0] / e.sum()))
    assert case([False, True, False]) == pytest.approx(-np.log(e[1] / e.sum()))


def test_positive_frames_are_no_rivals_and_padding_is_not_there():
    e = np.exp([1.0, 0.0, -1.0])
    expected = (np.log(1 + e[2] / e[0]) + np.log(1 + e[2] / e[1])) / 2
    assert case([True, True, False]) == pytest.approx(expected)
    assert case([True, False, False], [True, False, True]) == pytest.approx(np.log(1 + e[2] / e[0]))


def test_what_cannot_be_compared_costs_nothing():
    assert case([False] * 3) == 0
    assert case([True] * 3) == 0
    assert case([True, False, False], word_mask=[False, False]) == 0
    assert case([True, False, False], [False] * 3) == 0


def test_gradients_are_finite_whatever_is_missing():
    frames = torch.zeros(3, 4, 5, requires_grad=True)
    masks = torch.arange(5) < torch.tensor([[5], [0], [3]])
    words = torch.randn(3, 4, 2, requires_grad=True)
    word_mask = torch.tensor([[True, True], [False, False], [False, False]])
    positive = torch.tensor([[True] * 5, [True] * 5, [False] * 5])
    frame_text_nce(frames, masks, words, word_mask, positive).sum().backward()
    assert frames.grad.isfinite().all()
    assert words.grad.isfinite().all()


def test_a_small_temperature_does_not_overflow():
    assert case([False, False, True], temperature=1e-3) == pytest.approx(2000, rel=1e-3)


def test_errors_name_what_came():
    mask = torch.ones(1, 3, dtype=torch.bool)
    with pytest.raises(ValueError, match=r'got \(1, 2, 3\), \(1, 5, 2\)'):
        frame_text_nce(torch.ones(1, 2, 3), mask, torch.ones(1, 5, 2), mask[:, :2], mask)
    with pytest.raises(ValueError, match='temperature > 0; got 0'):
        case([True, False, False], temperature=0)
