"""The coordinate head against that of Kapidis et al., whose answers are in tests/golden/mtl."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from egomm.models.heads.coordinate import CoordinateHead
from egomm.registry import MODELS
from egomm.structures import EgoSample, Stream

GOLDEN = Path(__file__).parents[2] / 'golden' / 'mtl' / 'coord_head3d.npz'


@pytest.fixture
def golden():
    with np.load(GOLDEN) as data:
        return {key: torch.from_numpy(data[key]) for key in data}


def head_of(golden, **kwargs):
    head = CoordinateHead(in_channels=12, num_points=3, source='rgb', **kwargs).double()
    head.heatmap.weight.data = golden['weight']
    return head


def seen(points):
    """Targets of a batch, all visible."""
    points = np.asarray(points)
    return list(np.concatenate([points, np.ones_like(points[..., :1])], axis=-1))


def small_head(**kwargs):
    return CoordinateHead(in_channels=4, num_points=2, source='rgb', **kwargs)


def test_maps_points_loss_and_gradients_equal_the_authors(golden):
    head = head_of(golden)
    feature = golden['feature'].clone().requires_grad_()
    heatmaps = head(Stream(feature))
    torch.testing.assert_close(heatmaps, golden['heatmaps'], rtol=1e-9, atol=1e-12)
    loss = head.loss(Stream(feature), seen(golden['target']))['loss']
    torch.testing.assert_close(loss, golden['loss'], rtol=1e-9, atol=0)
    loss.backward()
    torch.testing.assert_close(feature.grad, golden['grad_feature'], rtol=1e-8, atol=1e-14)
    torch.testing.assert_close(head.heatmap.weight.grad, golden['grad_weight'], rtol=1e-8, atol=0)


def test_predictions_are_points_and_maps_a_sample(golden):
    answers = head_of(golden).predict(Stream(golden['feature']), [{}, {}])
    points = torch.stack([answer['points'] for answer in answers])
    heatmaps = torch.stack([answer['heatmaps'] for answer in answers])
    torch.testing.assert_close(points, golden['coords'].float())
    torch.testing.assert_close(heatmaps, golden['heatmaps'].float())
    assert points.dtype == torch.float32


def test_the_two_weights_scale_their_terms(golden):
    targets = seen(golden['target'])
    stream = Stream(golden['feature'])
    terms = [
        head_of(golden, distance_weight=d, divergence_weight=j).loss(stream, targets)['loss']
        for d, j in ((1, 0), (0, 1), (0.5, 0.5))
    ]
    torch.testing.assert_close(terms[0] + terms[1], golden['loss'])
    torch.testing.assert_close(terms[2], golden['loss'] / 2)


def test_a_uniform_map_is_as_far_from_a_point_as_the_centre():
    head = small_head(divergence_weight=0)
    nn.init.zeros_(head.heatmap.weight)
    targets = seen(np.full((1, 2, 2, 2), 0.3))
    loss = head.loss(Stream(torch.rand(1, 4, 2, 5, 7)), targets)['loss']
    assert loss.item() == pytest.approx(math.hypot(0.3, 0.3))


def test_what_is_not_visible_counts_nothing_whatever_stands_there():
    head = small_head()
    stream = Stream(torch.rand(2, 4, 3, 5, 7))
    targets = seen(torch.rand(2, 3, 2, 2))
    targets[0][1, 0] = (np.nan, 1e9, 0)
    targets[1][2, 1] = (0, 0, 0)
    visible = np.stack(targets)[..., 2] > 0
    values = []
    for b, t, point in zip(*np.nonzero(visible)):
        alone = [np.zeros((3, 2, 3)), np.zeros((3, 2, 3))]
        alone[b][t, point] = targets[b][t, point]
        values.append(head.loss(stream, alone)['loss'])
    loss = head.loss(stream, targets)['loss']
    torch.testing.assert_close(loss, torch.stack(values).mean())
    loss.backward()
    assert head.heatmap.weight.grad.isfinite().all()


@pytest.mark.parametrize('targets', [[None, None], [np.zeros((3, 2, 3)), None]])
def test_a_batch_without_visible_points_costs_nothing_and_has_a_graph(targets):
    head = small_head()
    losses = head.loss(Stream(torch.rand(2, 4, 3, 5, 7)), targets)
    losses['loss'].backward()
    assert losses == dict(loss=0, distance=0, unreachable=0)
    assert not head.heatmap.weight.grad.any()


def test_a_sample_without_label_leaves_the_loss_of_the_others():
    head = small_head()
    x = torch.rand(2, 4, 3, 5, 7)
    [target] = seen(torch.rand(1, 3, 2, 2))
    among = head.loss(Stream(x), [target, None])
    torch.testing.assert_close(among, head.loss(Stream(x[:1]), [target]))


@pytest.mark.parametrize(
    'mask', [torch.tensor([True, False]), torch.tensor([[True] * 3, [False] * 3])]
)
def test_a_sample_that_is_missing_counts_nothing(mask):
    head = small_head()
    x = torch.rand(2, 4, 3, 5, 7)
    targets = seen(torch.rand(2, 3, 2, 2))
    masked = head.loss(Stream(x, mask), targets)
    torch.testing.assert_close(masked, head.loss(Stream(x[:1]), targets[:1]))


def test_invisible_points_are_learnt_where_the_authors_code_is_to_be_followed():
    x = torch.rand(1, 4, 1, 7, 7)
    below = np.array([[[0.1, 1.6, 0], [0.2, 0.3, 1]]])  # hand 0 was not detected
    head = small_head(supervise_invisible=True)
    learnt = head.loss(Stream(x), [below])
    below[..., 2] = 1
    torch.testing.assert_close(learnt, head.loss(Stream(x), [below]))
    assert head.loss(Stream(x), [None])['loss'] == 0


def test_targets_beyond_the_outermost_cells_are_reported():
    x = torch.rand(1, 4, 1, 7, 5)
    # 7 rows reach 6/7, 5 columns 4/5.
    inside, beyond = (0.79, 0.85), (0.81, 0.85)
    report = small_head().loss(Stream(x), seen([[[inside, beyond]]]))
    assert report['unreachable'] == 50


def test_coordinates_are_float32_under_autocast():
    head = small_head()
    x = 50 * torch.rand(1, 4, 2, 7, 7)
    targets = seen(torch.rand(1, 2, 2, 2))
    plain = head.loss(Stream(x), targets)
    with torch.autocast('cpu', torch.bfloat16):
        cast = head.loss(Stream(x), targets)
        [answer] = head.predict(Stream(x.bfloat16()), [{}])
    torch.testing.assert_close(cast, plain, rtol=0, atol=0)
    assert answer['heatmaps'].dtype == torch.float32
    torch.testing.assert_close(answer['heatmaps'].sum((-1, -2)), torch.ones(2, 2))


def test_channels_last_changes_nothing():
    head = small_head()
    x = torch.rand(2, 4, 3, 7, 7)
    strided = x.to(memory_format=torch.channels_last_3d)
    torch.testing.assert_close(head(Stream(strided)), head(Stream(x)))


def test_deconvolutions_make_the_map_finer():
    head = small_head(deconvolutions=(8, 6))
    stream = Stream(torch.rand(2, 4, 3, 7, 5))
    assert head(stream).shape == (2, 3, 2, 28, 20)
    # 28 rows and 20 columns reach 27/28 and 19/20.
    report = head.loss(stream, seen(np.full((2, 3, 2, 2), 0.94)))
    assert report['unreachable'] == 0
    report['loss'].backward()
    assert all(parameter.grad.any() for parameter in head.parameters())


def test_a_coarse_map_cannot_reach_the_border_and_a_finer_one_can():
    target = seen(np.full((1, 1, 1, 2), 0.92))
    errors = []
    for deconvolutions in ((), (8,)):
        head = CoordinateHead(
            in_channels=4, num_points=1, source='rgb', deconvolutions=deconvolutions
        )
        x = torch.rand(1, 4, 1, 7, 7, requires_grad=True)
        optimizer = torch.optim.Adam([x, *head.parameters()], lr=0.1)
        for _ in range(60):
            optimizer.zero_grad()
            report = head.loss(Stream(x), target)
            report['loss'].backward()
            optimizer.step()
        errors.append(report['distance'].item())
    # At best the mean is the centre of the outermost cell.
    assert errors[0] > math.hypot(0.92 - 6 / 7, 0.92 - 6 / 7)
    assert errors[1] < errors[0] / 2


def test_heads_of_points_and_classes_share_one_map_without_a_fusion():
    model = MODELS.build(
        dict(
            type='MultiIOModel',
            backbones=dict(rgb=dict(type='MFNet3D')),
            neck=dict(type='torch.nn.Identity'),
            heads=dict(
                action=dict(
                    type='ClassificationHead', in_channels=768, num_classes=3, source='rgb'
                ),
                hands=dict(type='CoordinateHead', in_channels=768, num_points=2, source='rgb'),
            ),
        )
    )
    inputs = dict(rgb=Stream(torch.rand(2, 3, 4, 64, 64)))
    hands = seen(torch.rand(1, 2, 2, 2))[0]
    samples = [EgoSample(gt=dict(action=1, hands=hands)), EgoSample(gt=dict(action=2))]
    losses = model(inputs, samples, mode='loss')
    assert {'action/loss', 'hands/loss', 'hands/distance'} <= losses.keys()
    [first, _] = model(inputs, samples, mode='predict')
    assert first.pred['hands']['points'].shape == (2, 2, 2)


@pytest.mark.parametrize(
    'call, words',
    [
        (lambda head, x: head(Stream(x[:, :, 0, 0, 0])), r"map \(B, C, T, h, w\).*'rgb'.*\(2, 4\)"),
        (lambda head, x: head(Stream(x[:, :3])), r"in_channels=\{'rgb': 4\}"),
        (
            lambda head, x: head.loss(Stream(x), [np.zeros((6, 2, 3)), None]),
            r'\(3, 2, 3\) are expected, for 3 steps.*got \(6, 2, 3\).*`every` of PointTargets',
        ),
        (
            lambda head, x: head.loss(Stream(x), seen(np.full((2, 3, 2, 2), np.inf))),
            'finite coordinates are expected of visible points',
        ),
        (lambda head, x: small_head(sigma_cells=0), r'sigma_cells > 0.*got 2, 0, 1.0 and 1.0'),
        (lambda head, x: small_head(divergence_weight=-1), 'weights >= 0; got 2, 1.0, 1.0 and -1'),
        (lambda head, x: small_head(distance_weight=math.inf), 'finite weights.*got 2, 1.0, inf'),
        (lambda head, x: small_head(distance_weight=math.nan), 'finite weights.*got 2, 1.0, nan'),
    ],
)
def test_error_says_what_it_got(call, words):
    head, x = small_head(), torch.rand(2, 4, 3, 5, 7)
    with pytest.raises(ValueError, match=words):
        call(head, x)
