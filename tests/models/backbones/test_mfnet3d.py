"""MFNet-3D against its authors' code, whose answers are in tests/golden/mtl."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from egomm.models.heads.coordinate import CoordinateHead
from egomm.registry import MODELS
from egomm.structures import Stream

GOLDEN = Path(__file__).parents[2] / 'golden' / 'mtl'
NET = json.loads((GOLDEN / 'mfnet3d_multitask_keys.json').read_text())


def uniform(index, count, seed):
    """The numbers in [0, 1) that fill entry `index`: integers modulo 2^32, mixed."""
    v = np.arange(count, dtype=np.uint64) * 2654435761 + (index * 40503 + seed * 69069)
    v &= 0xFFFFFFFF
    for shift, factor in ((15, 2246822519), (13, 3266489917), (16, 1)):
        v = (v ^ (v >> shift)) * factor & 0xFFFFFFFF
    return v / 2**32


def symmetric(index, shape, seed):
    return torch.from_numpy(2 * uniform(index, math.prod(shape), seed) - 1).reshape(shape)


def filled():
    """The golden network's state dict, float64, heads included."""
    state = {}
    for index, (name, shape, _) in enumerate(NET['keys']):
        s = symmetric(index, shape, NET['seed'])
        if name.endswith('num_batches_tracked'):
            state[name] = torch.zeros(())
        elif len(shape) > 1:
            state[name] = s * math.sqrt(3 / math.prod(shape[1:])) * 0.8
        elif 'classifier' in name:
            state[name] = 0.1 * s
        elif name.endswith(('.weight', 'running_var')):
            state[name] = 0.5 + (s + 1) / 2
        else:
            state[name] = 0.2 * s
    return state


def is_head(name):
    return name.startswith(('classifier', 'coord_layers'))


def mfnet(**kwargs):
    return MODELS.build(dict(type='MFNet3D', **kwargs))


@pytest.fixture
def net():
    """The golden network without its heads, float64."""
    net = mfnet().double()
    net.load_state_dict({name: value for name, value in filled().items() if not is_head(name)})
    return net


def golden_clips(count, seed):
    return 2 * symmetric(100000, (count, 3, 16, 224, 224), seed)


def compare_stages(net, tolerance):
    golden = np.load(GOLDEN / 'mfnet3d_eval.npz')
    seen = {}
    for name in ('conv1', 'maxpool', 'conv2', 'conv3', 'conv4', 'conv5', 'tail'):
        module = net.get_submodule(name)
        # A copy: the next unit may overwrite what it reads.
        module.register_forward_hook(
            lambda m, i, output, name=name: seen.update({name: output.clone()})
        )
    dtype = net.conv1.conv.weight.dtype
    with torch.no_grad():
        stream = net.eval()(Stream(golden_clips(1, NET['seed']).to(dtype)))
    for name, output in seen.items():
        assert tuple(output.shape) == tuple(golden[f'stage/{name}/shape'])
        places = np.linspace(0, output[0].numel() - 1, 32).astype(int)
        probe = golden[f'stage/{name}/probe']
        np.testing.assert_allclose(output[0].flatten()[places], probe, rtol=0, atol=tolerance)
        spread = golden[f'stage/{name}/mean_std_absmax'][2]
        assert output.abs().max() == pytest.approx(spread, abs=tolerance)
    pooled = stream.x.mean((2, 3, 4))
    np.testing.assert_allclose(pooled, golden['globalpool'], rtol=0, atol=tolerance)
    return stream, golden


def test_every_stage_and_the_logits_equal_the_authors_in_float32(net):
    stream, golden = compare_stages(net.float(), 2e-5)
    pooled, heads = stream.x.mean((2, 3, 4)), filled()
    for task in range(3):
        weight, bias = (
            heads[f'classifier_list.classifier_list.{task}.{kind}'].float()
            for kind in ('weight', 'bias')
        )
        logits = F.linear(pooled, weight, bias)
        np.testing.assert_allclose(logits, golden[f'logits{task}_f32'], rtol=0, atol=2e-5)
    head = coordinate_head(heads['coord_layers.hm_conv.weight'].float())
    [answer] = head.predict(stream, [{}])
    np.testing.assert_allclose(answer['points'], golden['coords'][0], rtol=0, atol=2e-5)
    np.testing.assert_allclose(answer['heatmaps'], golden['heatmaps'][0], rtol=0, atol=2e-5)


def test_every_stage_equals_the_authors_in_float64(net):
    compare_stages(net, 1e-9)


def coordinate_head(weight):
    head = CoordinateHead(in_channels=768, num_points=len(weight), source='rgb')
    head.heatmap.weight = nn.Parameter(weight)
    return head


# Batch norm over two clips amplifies rounding: float32 is 1e-2 off in single gradients.
@pytest.mark.parametrize(
    'dtype, tolerance, of_gradients',
    [
        (torch.float32, 1e-5, 3e-2),
        pytest.param(torch.float64, 1e-9, 1e-9, marks=pytest.mark.long),
    ],
)
def test_gradients_and_statistics_of_a_training_step_equal_the_authors(
    net, dtype, tolerance, of_gradients
):
    golden = np.load(GOLDEN / 'mfnet3d_train.npz')
    heads = {name: nn.Parameter(x.to(dtype)) for name, x in filled().items() if is_head(name)}
    clips = golden_clips(2, NET['seed'] + 1).to(dtype)
    features = net.to(dtype).train()(Stream(clips)).x
    loss = 0
    for task in range(3):
        weight, bias = (
            heads[f'classifier_list.classifier_list.{task}.{kind}'] for kind in ('weight', 'bias')
        )
        logits = F.linear(features.mean((2, 3, 4)), weight, bias)
        loss = loss + F.cross_entropy(logits, torch.from_numpy(golden['labels'][task]))
    head = coordinate_head(heads['coord_layers.hm_conv.weight'])
    heads['coord_layers.hm_conv.weight'] = head.heatmap.weight
    visible = np.ones_like(golden['targets'][..., :1])
    targets = np.concatenate([golden['targets'], visible], axis=-1)
    points = head.loss(Stream(features), list(targets))['loss']
    assert points.item() == pytest.approx(golden['coord_loss'], rel=tolerance)
    loss = loss + points
    assert loss.item() == pytest.approx(golden['loss'], rel=tolerance)

    loss.backward()
    parameters = {**dict(net.named_parameters()), **heads}
    assert set(parameters) == set(golden['param_names'])
    norms = [parameters[name].grad.norm().item() for name in golden['param_names']]
    np.testing.assert_allclose(norms, golden['grad_l2'], rtol=of_gradients)
    stem, expected = net.conv1.conv.weight.grad, golden['grad_conv1']
    limit = of_gradients * np.abs(expected).max()
    np.testing.assert_allclose(stem, expected, rtol=0, atol=limit)
    expected = golden['grad_hm_conv']
    limit = of_gradients * np.abs(expected).max()
    np.testing.assert_allclose(head.heatmap.weight.grad, expected, rtol=0, atol=limit)
    for place, norm in (('conv1', net.conv1.bn), ('tail', net.tail.bn)):
        for kind in ('mean', 'var'):
            expected = golden[f'running_{kind}_{place}']
            np.testing.assert_allclose(
                getattr(norm, f'running_{kind}'), expected, rtol=tolerance, atol=tolerance
            )


def test_names_and_shapes_are_those_of_the_kinetics_file():
    published = json.loads((GOLDEN / 'mfnet3d_kinetics400_keys.json').read_text())
    expected = {name: tuple(shape) for name, shape, _ in published['keys'] if not is_head(name)}
    net = mfnet()
    assert {name: tuple(value.shape) for name, value in net.state_dict().items()} == expected
    assert sum(parameter.numel() for parameter in net.parameters()) == 7_688_768


def test_convolutions_start_from_xavier_and_norms_from_one():
    net = mfnet()
    net.init_weights()
    weight = net.conv5.B02.conv_m1.conv.weight  # 48 channels a group, 27 taps, 768 out
    bound = math.sqrt(6 / (27 * 48 + 27 * 768))
    assert 0.99 * bound < weight.max() <= bound
    assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.01)
    assert (net.tail.bn.weight == 1).all()
    assert (net.tail.bn.bias == 0).all()


@pytest.mark.parametrize(
    'size, expected',
    [((4, 32, 32), (2, 1, 1)), ((1, 40, 56), (1, 2, 2)), ((5, 64, 96), (3, 2, 3))],
)
def test_any_size_works_and_the_mask_of_samples_stays(size, expected):
    mask = torch.tensor([True, False])
    stream = mfnet(in_channels=2)(Stream(torch.rand(2, 2, *size), mask))
    assert stream.x.shape == (2, 768, *expected)
    assert stream.mask is mask


def test_a_mask_of_steps_is_refused():
    with pytest.raises(ValueError, match=r'MFNet3D takes whole clips.*shape \(1, 4\)'):
        mfnet()(Stream(torch.rand(1, 3, 4, 32, 32), torch.ones(1, 4, dtype=torch.bool)))


def test_channels_last_and_bfloat16_need_no_switch():
    net = mfnet().eval()
    net.init_weights()
    x = torch.rand(1, 3, 4, 64, 64)
    with torch.no_grad():
        plain = net(Stream(x)).x
        last = net.to(memory_format=torch.channels_last_3d)(
            Stream(x.to(memory_format=torch.channels_last_3d))
        ).x
        with torch.autocast('cpu', torch.bfloat16):
            rounded = net(Stream(x)).x
    torch.testing.assert_close(last, plain, rtol=1e-4, atol=1e-5)
    assert (rounded.float() - plain).norm() < 0.05 * plain.norm()


def test_training_step_in_channels_last_and_bfloat16():
    net = mfnet().to(memory_format=torch.channels_last_3d)
    x = torch.rand(2, 3, 4, 64, 64).to(memory_format=torch.channels_last_3d)
    with torch.autocast('cpu', torch.bfloat16):
        loss = net(Stream(x)).x.float().square().mean()
    loss.backward()
    assert all(parameter.grad.isfinite().all() for parameter in net.parameters())


def test_flow_starts_from_the_weights_for_rgb(tmp_path):
    rgb = mfnet()
    torch.save(dict(state_dict=rgb.state_dict()), tmp_path / 'mfnet.pth')
    flow = mfnet(in_channels=2, pretrained=str(tmp_path / 'mfnet.pth'))
    flow.init_weights()
    mean = rgb.conv1.conv.weight.mean(1)
    torch.testing.assert_close(flow.conv1.conv.weight[:, 0], mean)
    torch.testing.assert_close(flow.conv1.conv.weight[:, 1], mean)
    torch.testing.assert_close(flow.conv5.state_dict(), rgb.conv5.state_dict(), rtol=0, atol=0)
