"""Weights of a file: all of them, adapted to the input, or an error."""

import logging
from collections import OrderedDict

import pytest
import torch
from mmengine.logging import MMLogger
from torch import nn

from egomm.models.pretrained import load_pretrained


def network(channels=3, wide=4):
    return nn.Sequential(
        OrderedDict(
            stem=nn.Conv3d(channels, wide, 2, bias=False), bn=nn.BatchNorm3d(wide), end=nn.ReLU()
        )
    )


@pytest.fixture
def rgb_file(tmp_path):
    """A file of weights for three channels, and the weights."""
    net = network()
    nn.init.normal_(net.bn.running_mean)
    torch.save(dict(state_dict=net.state_dict()), tmp_path / 'rgb.pth')
    return tmp_path / 'rgb.pth', net.state_dict()


@pytest.fixture
def logged():
    """Lines that MMEngine's logger gets."""
    lines = []

    class Lines(logging.Handler):
        def emit(self, record):
            lines.append(record.getMessage())

    handler, logger = Lines(), MMLogger.get_current_instance()  # it does not propagate
    logger.addHandler(handler)
    yield lines
    logger.removeHandler(handler)


def test_all_weights_are_copied_and_it_is_logged(rgb_file, logged):
    path, state = rgb_file
    net = network()
    load_pretrained(net, path)
    torch.testing.assert_close(net.state_dict(), state, rtol=0, atol=0)
    assert logged == [f'Sequential starts from {path}: 6 tensors']


@pytest.mark.parametrize('channels', [1, 2, 10])
def test_first_convolution_is_adapted_to_other_inputs(channels, rgb_file, logged):
    path, state = rgb_file
    net = network(channels)
    load_pretrained(net, path)
    mean = (
        state['stem.weight'][:, 0] + state['stem.weight'][:, 1] + state['stem.weight'][:, 2]
    ) / 3
    for channel in range(channels):
        torch.testing.assert_close(net.stem.weight[:, channel], mean)
    torch.testing.assert_close(net.bn.running_mean, state['bn.running_mean'])
    assert logged[0].endswith(f'; stem.weight is the mean over 3 input channels, {channels} times')


def test_a_bare_state_dict_of_old_pytorch_is_enough(rgb_file, tmp_path):
    _, state = rgb_file
    old = {name: value for name, value in state.items() if 'num_batches' not in name}
    torch.save(old, tmp_path / 'old.pth')
    net = network()
    load_pretrained(net, tmp_path / 'old.pth')
    torch.testing.assert_close(net.stem.weight, state['stem.weight'])


def test_a_misfit_is_an_error_and_changes_nothing(rgb_file):
    path, _ = rgb_file
    net = network(channels=2, wide=5)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    with pytest.raises(
        ValueError,
        match=r'rgb\.pth does not fit Sequential: 5 of another shape: stem\.weight '
        r'\(4, 3, 2, 2, 2\) instead of \(5, 2, 2, 2, 2\).*Give `pretrained` a file for this',
    ):
        load_pretrained(net, path)
    torch.testing.assert_close(net.state_dict(), before, rtol=0, atol=0)


def test_other_than_rgb_weights_are_not_adapted(tmp_path):
    torch.save(network(channels=2).state_dict(), tmp_path / 'flow.pth')
    with pytest.raises(ValueError, match=r'stem\.weight \(4, 2, 2, 2, 2\) instead of'):
        load_pretrained(network(channels=1), tmp_path / 'flow.pth')


@pytest.mark.parametrize('content', [[1], dict(state_dict=None), dict(epoch=3)])
def test_a_file_without_weights_is_refused(content, tmp_path):
    torch.save(content, tmp_path / 'x.pth')
    with pytest.raises(ValueError, match=r'x\.pth holds no weights.*convert_checkpoint\.py'):
        load_pretrained(network(), tmp_path / 'x.pth')


def test_an_absent_file_is_named():
    with pytest.raises(ValueError, match=r'There is no checkpoint absent\.pth'):
        load_pretrained(network(), 'absent.pth')
