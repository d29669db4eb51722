from pathlib import Path

import numpy as np
import pytest
import torch

from egomm.functional.contrast import class_nce, frame_text_nce

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


def test_a_class_of_two_against_another_and_background_by_hand():
    features = torch.tensor([[2.0, 0.0], [0.0, 5.0], [-1.0, 0.0]], dtype=torch.float64)
    loss = class_nce(features, torch.tensor([7, 7, 3]), torch.tensor([[0.0, -1.0]]), 0.5)
    # Cosines over 0.5: first to second 0, to the third -2, to the background 0.
    e = np.exp
    first = -np.log(e(0) / (e(0) + e(-2) + e(0)))
    second = -np.log(e(0) / (e(0) + e(0) + e(-2)))
    torch.testing.assert_close(loss, torch.tensor([first, second, 0.0], dtype=torch.float64))


def test_features_without_rivals_lose_nothing_and_gradients_are_right():
    features = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    none = features.new_zeros(0, 3)
    assert class_nce(features, torch.zeros(4, dtype=torch.long), none, 0.1).abs().max() < 1e-12
    assert class_nce(features[:0], torch.zeros(0, dtype=torch.long), none, 0.1).shape == (0,)
    labels, rivals = torch.tensor([0, 0, 1, 1]), torch.randn(2, 3, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: class_nce(x, labels, rivals, 0.3), features)


def test_shapes_and_temperature_of_classes_are_checked():
    with pytest.raises(ValueError, match=r'rivals \(M, C\); got \(2, 3\), \(1,\) and \(0, 3\)'):
        class_nce(torch.rand(2, 3), torch.zeros(1), torch.rand(0, 3), 1.0)
    with pytest.raises(ValueError, match='class_nce wants a temperature > 0; got 0'):
        class_nce(torch.rand(2, 3), torch.zeros(2), torch.rand(0, 3), 0)
