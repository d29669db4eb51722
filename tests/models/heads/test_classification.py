import math

import pytest
import torch

from egomm.models.heads.classification import ClassificationHead
from egomm.structures import Stream


def uniform_head():
    head = ClassificationHead(in_channels=3, num_classes=4, source='fused', dropout=0.0)
    torch.nn.init.zeros_(head.linear.weight)
    return head


def test_uniform_logits_cost_the_logarithm_of_the_classes():
    losses = uniform_head().loss(Stream(torch.rand(2, 3)), [1, 0])
    assert losses['loss'].item() == pytest.approx(math.log(4))
    assert losses['top1'].item() == 50.0  # argmax of equal logits is class 0


def test_missing_labels_do_not_count():
    torch.manual_seed(0)
    head = ClassificationHead(in_channels=3, num_classes=4, source='fused', dropout=0.0)
    x = torch.rand(3, 3)
    alone = head.loss(Stream(x[:1]), [2])
    among = head.loss(Stream(x), [2, None, None])
    torch.testing.assert_close(among, alone)


def test_a_batch_without_labels_costs_nothing_and_has_a_graph():
    head = uniform_head()
    loss = head.loss(Stream(torch.rand(2, 3)), [None, None])['loss']
    loss.backward()
    assert loss.item() == 0
    assert head.linear.weight.grad.abs().sum() == 0


@pytest.mark.parametrize('label', [4, -1])
def test_a_label_out_of_range_is_named(label):
    with pytest.raises(ValueError, match=rf'labels \[{label}\] are outside 0..3'):
        uniform_head().loss(Stream(torch.rand(2, 3)), [0, label])


def test_predictions_are_float32_logits_a_sample():
    head = uniform_head().double()
    logits = head.predict(Stream(torch.rand(2, 3, 2, 2, 2).double()), [{}, {}])
    assert [value.shape for value in logits] == [(4,), (4,)]
    assert logits[0].dtype == torch.float32
    assert logits[0].untyped_storage().nbytes() == 4 * 4  # a dump holds no more than is said


def test_views_are_joined_by_their_log_probabilities():
    logits = [torch.tensor([math.log(3.0), 0.0]) + 4, torch.tensor([0.0, 0.0])]
    expected = torch.tensor([3 / 8, 1 / 8]).log() / 2
    torch.testing.assert_close(uniform_head().average(logits), expected)
