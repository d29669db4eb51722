import math

import pytest
import torch

from egomm.functional.segments import pyramid_points
from egomm.models.losses.sensitivity import ActionSensitivity, ConstantSensitivity

# Five points of stride 1 and one of stride 4; one segment 0..4.
POINTS = torch.cat(pyramid_points(5, [(0, 4), (0, 8), (0, 16)]))
SEGMENTS, LABELS = torch.tensor([[0.0, 4.0], [1.0, 2.0]]), torch.tensor([1, 0])


def weights(rows, **options):
    net = ActionSensitivity(num_classes=2, **options)
    chosen = torch.zeros(len(rows), dtype=torch.long)
    return net, net(POINTS[rows], SEGMENTS, LABELS, chosen)


def test_the_paper_form_by_hand():
    _, (whole, ends) = weights([2, 4])
    # The centre is at 2: distances 0 and (2 - 4) / 4 = -0.5.
    assert whole.tolist() == pytest.approx([1, math.exp(-0.125)])
    both = math.exp(-0.125), (1 + math.exp(-0.5)) / 2
    assert ends.tolist() == pytest.approx(both)


def test_the_form_of_the_released_code_by_hand():
    row = len(POINTS) - 1  # t = 4, stride 4
    assert POINTS[row].tolist() == [4, 0, 16, 4]
    _, (whole, ends) = weights([row], form='official_repo')
    h = math.exp(-(0.125**2) / 2)
    assert whole.item() == pytest.approx(h)
    mean = (math.exp(-(0.375**2) / 2) + math.exp(-(0.625**2) / 2)) / 2
    assert ends.item() == pytest.approx(mean * h)


def test_widths_are_positive_and_start_at_one():
    net, _ = weights([0])
    torch.testing.assert_close(net.widths, torch.ones(3, 2))
    with torch.no_grad():
        net.raw_widths.fill_(-5.0)
    assert (net.widths > 0).all()


def test_only_the_class_of_the_segment_learns():
    net, (whole, ends) = weights([1, 3, 4])
    (whole.sum() + ends.sum()).backward()
    assert not net.centres.grad[:, 0].any()
    assert net.centres.grad[:, 1].all()
    assert net.raw_widths.grad[:, 1].all()


def test_fixed_gaussians_do_not_learn():
    net, _ = weights([0], learnable=False)
    assert not any(value.requires_grad for value in net.parameters())


def test_an_unknown_form_is_named():
    with pytest.raises(ValueError, match=r"one of \['paper', 'official_repo'\]; got 'iccv'"):
        ActionSensitivity(num_classes=2, form='iccv')


def test_the_constant_control_weighs_every_point_the_same():
    net = ConstantSensitivity(num_classes=2, whole=0.6, ends=0.8)
    chosen = torch.zeros(3, dtype=torch.long)
    whole, ends = net(POINTS[:3], SEGMENTS, LABELS, chosen)
    torch.testing.assert_close(whole, torch.full((3,), 0.6))
    torch.testing.assert_close(ends, torch.full((3,), 0.8))
    assert not list(net.parameters())
