import math

import pytest
import torch

from egomm.models.losses.cross_entropy import SoftmaxCrossEntropy


def test_one_value_a_sample_by_hand():
    logits = torch.tensor([[math.log(3.0), 0.0]])  # probabilities 3/4 and 1/4
    loss = SoftmaxCrossEntropy()
    labels = torch.tensor([0, 1])
    expected = torch.tensor([math.log(4 / 3), math.log(4.0)])
    torch.testing.assert_close(loss(logits.repeat(2, 1), labels), expected)


def test_smoothing_spreads_the_target_over_all_classes():
    logits = torch.tensor([[math.log(3.0), 0.0]])
    loss = SoftmaxCrossEntropy(label_smoothing=0.2)(logits, torch.tensor([0]))
    expected = 0.9 * math.log(4 / 3) + 0.1 * math.log(4.0)
    torch.testing.assert_close(loss, torch.tensor([expected]))


def test_a_share_above_one_is_refused():
    with pytest.raises(ValueError, match='label_smoothing within 0..1; got 2.0'):
        SoftmaxCrossEntropy(label_smoothing=2.0)
