import math

import pytest
import torch
import torch.nn.functional as F

from egomm.models.losses.cross_entropy import SoftmaxCrossEntropy
from egomm.models.losses.logit_adjusted import LogitAdjustedCrossEntropy

LOGITS = torch.tensor([[math.log(2.0), 0.0], [0.0, math.log(4.0)]])
LABELS = torch.tensor([0, 1])


def test_by_hand():
    # Priors 3/4 and 1/4: exponentials 2 * 3 and 1, then 1 * 3 and 4 * 1.
    expected = torch.tensor([math.log(7 / 6), math.log(7 / 4)])
    torch.testing.assert_close(LogitAdjustedCrossEntropy([3, 1])(LOGITS, LABELS), expected)


def test_tau_one_is_balanced_softmax_and_tau_zero_cross_entropy():
    logits, labels, counts = torch.randn(6, 4), torch.arange(6) % 4, torch.tensor([50, 7, 2, 1])
    weighted = logits.exp() * counts
    balanced = -(weighted[torch.arange(6), labels] / weighted.sum(1)).log()
    given = counts.tolist()
    torch.testing.assert_close(LogitAdjustedCrossEntropy(given)(logits, labels), balanced)
    plain = LogitAdjustedCrossEntropy(given, tau=0.0)(logits, labels)
    torch.testing.assert_close(plain, SoftmaxCrossEntropy()(logits, labels))


def test_tau_scales_the_logarithm_of_the_prior():
    prior = torch.tensor([0.9, 0.1]).log()
    loss = LogitAdjustedCrossEntropy([90, 10], tau=1.5)(LOGITS, LABELS)
    torch.testing.assert_close(
        loss, F.cross_entropy(LOGITS + 1.5 * prior, LABELS, reduction='none')
    )


def test_a_class_without_clips_counts_as_if_it_had_one():
    logits = torch.randn(3, 3, requires_grad=True)
    labels = torch.tensor([0, 1, 2])
    loss = LogitAdjustedCrossEntropy([5, 0, 2])(logits, labels)
    torch.testing.assert_close(loss, LogitAdjustedCrossEntropy([5, 1, 2])(logits, labels))
    loss.sum().backward()
    assert loss.isfinite().all()
    assert logits.grad.isfinite().all()


def test_a_file_is_counted_and_may_lack_the_last_classes(tmp_path):
    path = tmp_path / 'train.csv'
    path.write_text('verb,noun\n0,1\n0,0\n1,1\n')
    logits, labels = torch.randn(2, 4), torch.tensor([0, 3])
    for task, counts in (('verb', [2, 1, 0, 0]), ('noun', [1, 2, 0, 0]), ('action', [1, 1, 1, 0])):
        loss = LogitAdjustedCrossEntropy(str(path), task)(logits, labels)
        torch.testing.assert_close(loss, LogitAdjustedCrossEntropy(counts)(logits, labels))


def test_real_counts_are_finite_for_every_class(realdata):
    path = str(realdata / 'ek100_c2/training.csv')
    loss = LogitAdjustedCrossEntropy(path, 'noun')  # 11 of 300 nouns have no training clip
    assert loss(torch.zeros(300, 300), torch.arange(300)).isfinite().all()


def test_the_counts_do_not_travel_with_the_weights():
    assert not LogitAdjustedCrossEntropy([3, 1]).state_dict()


@pytest.mark.parametrize(
    'call, words',
    [
        (lambda: LogitAdjustedCrossEntropy([1, 2], 'verb'), "as a list alone.*got task='verb'"),
        (lambda: LogitAdjustedCrossEntropy('train.csv'), 'got task=None'),
        (lambda: LogitAdjustedCrossEntropy('train.csv', 'verb'), 'no such annotation file'),
        (lambda: LogitAdjustedCrossEntropy([0, 0]), r'not all 0; got counts=\[0, 0\]'),
        (lambda: LogitAdjustedCrossEntropy([1, -1]), r'got counts=\[1, -1\]'),
        (lambda: LogitAdjustedCrossEntropy([1], tau=-1), 'tau >= 0; got -1'),
        (lambda: LogitAdjustedCrossEntropy([1])(LOGITS, LABELS), '1 classes, but the head has 2'),
        (lambda: LogitAdjustedCrossEntropy([1] * 3)(LOGITS, LABELS), '3 classes, but the head'),
    ],
)
def test_mistakes_are_explained(call, words):
    with pytest.raises(ValueError, match=words):
        call()
