import pytest
import torch

from egomm.functional.gradients import cosines, inner_products, task_gradients, without_conflicts


def brute_force(gradients, order):
    """Yu et al. (2020), Algorithm 1, as it stands."""
    total = torch.zeros_like(gradients[0])
    for task, gradient in enumerate(gradients):
        projected = gradient.clone()
        for other in order[task].tolist():
            if other != task and projected @ gradients[other] < 0:
                share = projected @ gradients[other] / (gradients[other] @ gradients[other])
                projected -= share * gradients[other]
        total += projected
    return total


def test_two_gradients_by_hand():
    # (1, 0) and (-1, 1): each loses its part along the other, (1/2, 1/2) and (0, 1) are left.
    gradients = torch.tensor([[1.0, 0.0], [-1.0, 1.0]])
    weights = without_conflicts(inner_products(gradients), torch.tensor([[0, 1], [0, 1]]))
    torch.testing.assert_close(weights @ gradients, torch.tensor([0.5, 1.5]))


@pytest.mark.parametrize('count', [2, 3, 5])
def test_any_number_of_gradients_is_as_the_algorithm_makes_them(count):
    gradients = torch.randn(count, 4, dtype=torch.float64)
    for _ in range(20):
        order = torch.rand(count, count).argsort(dim=1)
        weights = without_conflicts(inner_products(gradients), order)
        expected = brute_force(gradients, order)
        torch.testing.assert_close(weights @ gradients, expected, rtol=1e-9, atol=1e-12)


def test_what_agrees_or_is_zero_stays():
    gradients = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    order = torch.arange(3).repeat(3, 1)
    gram = inner_products(gradients)
    assert without_conflicts(gram, order).tolist() == [1, 1, 1]
    expected = torch.tensor([[1, 0.5**0.5, 0], [0.5**0.5, 1, 0], [0, 0, 0]])
    torch.testing.assert_close(cosines(gram), expected)


def test_gradients_of_each_task_leave_the_parameters_alone():
    used, other = (torch.rand(3, requires_grad=True) for _ in range(2))
    losses = [(2 * used).sum(), (used * other).sum()]
    gradients = task_gradients(losses, [used, other])
    expected = torch.stack([torch.tensor([2.0] * 3 + [0.0] * 3), torch.cat([other, used])])
    torch.testing.assert_close(gradients, expected.detach())
    assert used.grad is None
    sum(losses).backward()  # the graph is still there
    torch.testing.assert_close(used.grad, 2 + other.detach())


@pytest.mark.parametrize('size', [1e-10, 1e-6, 1.0, 1e2, 1e4])
def test_gradients_through_float16_are_neither_lost_nor_infinite(size):
    parameter = torch.tensor([1.0, 3.0], requires_grad=True)
    losses = [
        size * parameter.half().float().sum(),
        -size * parameter.half().float().square().sum(),
    ]
    gradients = task_gradients(losses, [parameter])
    expected = size * torch.tensor([[1.0, 1.0], [-2.0, -6.0]])
    torch.testing.assert_close(gradients, expected, rtol=0.02, atol=0)


def test_error_says_what_it_got():
    loss = torch.rand((), requires_grad=True)
    with pytest.raises(ValueError, match='got 1 and 0. Is every backbone frozen'):
        task_gradients([loss], [])
    with pytest.raises(ValueError, match=r'two matrices \(K, K\); got \(2, 2\) and \(3, 3\)'):
        without_conflicts(torch.rand(2, 2), torch.zeros(3, 3, dtype=torch.long))
