import torch

from egomm.functional.weights import differences, with_input_channels


def shapes(**sizes):
    return {name.replace('__', '.'): torch.zeros(size) for name, size in sizes.items()}


def test_each_kind_of_difference_is_one_phrase():
    wanted = shapes(a=(2, 3), b=(1,), c=(1,))
    got = shapes(a=(3, 2), c=(1,), d=(1,), e=(1,))
    assert differences(wanted, got) == [
        '1 missing: b',
        '2 unexpected: d, e',
        '1 of another shape: a (3, 2) instead of (2, 3)',
    ]
    assert differences(wanted, wanted) == []


def test_what_is_allowed_is_not_compared():
    assert differences(shapes(x__a=(1,), b=(1,)), shapes(x__c=(1,), b=(1,)), ('x.',)) == []


def test_only_the_counters_of_batch_norm_may_be_missing():
    wanted = shapes(bn__running_mean=(1,), bn__num_batches_tracked=())
    assert differences(wanted, shapes(bn__running_mean=(1,))) == []
    assert differences(wanted, {}) == ['1 missing: bn.running_mean']


def test_every_new_input_channel_gets_the_mean_kernel():
    kernel = torch.tensor([[1.0, 2.0, 6.0], [0.0, 3.0, -3.0]]).view(2, 3, 1, 1, 1)
    expected = torch.tensor([[3.0, 3.0], [0.0, 0.0]]).view(2, 2, 1, 1, 1)
    torch.testing.assert_close(with_input_channels(kernel, 2), expected)
    assert with_input_channels(kernel, 10).shape == (2, 10, 1, 1, 1)


def test_grey_input_of_the_same_sum_gives_the_same_answer():
    kernel, grey = torch.rand(4, 3, 2, 4, 4), torch.rand(1, 1, 2, 8, 8)
    three = torch.nn.functional.conv3d(grey.expand(1, 3, 2, 8, 8), kernel)
    one = torch.nn.functional.conv3d(3 * grey, with_input_channels(kernel, 1))
    torch.testing.assert_close(one, three)
