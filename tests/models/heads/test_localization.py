from pathlib import Path

import numpy as np
import pytest
import torch

from egomm.models.heads.localization import LocalizationHead
from egomm.structures import Stream

GOLDEN = Path(__file__).parents[2] / 'golden' / 'asl'
META = dict(grid=(2.0, 1.0, 1.0), duration=4.0)


def load(name):
    with np.load(GOLDEN / f'{name}.npz') as file:
        return {key: torch.as_tensor(file[key]) for key in file.files}


def head(num_classes=3, ranges=((0, 4), (2, 8), (4, 100)), **options):
    return LocalizationHead(in_channels=4, num_classes=num_classes, ranges=ranges, **options)


def test_a_clip_is_decoded_as_in_the_reference():
    data, inputs, golden = load('label_assign_gaussian'), load('total_loss_a'), load('decode')
    net = head(
        num_classes=int(data['num_classes']),
        ranges=data['regression_range'].tolist(),
        decoding=dict(
            min_score=float(golden['pre_nms_thresh']),
            level_pairs=int(golden['pre_nms_topk']),
            min_length=float(golden['duration_thresh']),
            sigma=float(golden['sigma']),
            min_decayed=float(golden['min_score']),
            max_segments=int(golden['max_seg_num']),
        ),
    )
    grid = tuple(float(golden[key]) for key in ('fps', 'feat_stride', 'feat_num_frames'))
    row = int(golden['video_index_in_total_loss'])
    answers = net.decode(
        inputs['logits'],
        inputs['offsets'],
        inputs['level_masks'],
        [dict(grid=grid, duration=float(golden['duration']))] * 2,
    )
    found = answers[row]
    torch.testing.assert_close(found['segments'], golden['final_segments'], atol=1e-5, rtol=0)
    torch.testing.assert_close(found['scores'], golden['final_scores'], atol=1e-5, rtol=0)
    assert torch.equal(found['labels'], golden['final_labels'])


def test_levels_share_weights_and_do_not_mix():
    net = head()
    x = torch.randn(2, 4, 8 + 4 + 2)
    logits, offsets = net(Stream(x))
    assert logits.shape == (2, 14, 3)
    assert offsets.shape == (2, 14, 2)
    changed = x.clone()
    changed[:, :, 8:] = torch.randn(2, 4, 6)
    for before, after in zip((logits, offsets), net(Stream(changed))):
        torch.testing.assert_close(before[:, :8], after[:, :8])
    alone = head(ranges=((0, 100),))
    own = {key: value for key, value in net.state_dict().items() if key != 'scales'}
    alone.load_state_dict({**own, 'scales': torch.ones(1)})
    torch.testing.assert_close(alone(Stream(x[:, :, 8:12]))[0], logits[:, 8:12])


def test_each_level_stretches_its_offsets():
    net = head()
    x = torch.randn(1, 4, 14)
    before = net(Stream(x))[1]
    with torch.no_grad():
        net.scales.copy_(torch.tensor([1.0, 3.0, 1.0]))
    ratio = torch.tensor([1.0] * 8 + [3.0] * 4 + [1.0] * 2)[None, :, None]
    torch.testing.assert_close(net(Stream(x))[1], before * ratio)


def test_padding_changes_nothing_real_and_gives_no_segment():
    net = head()
    mask = torch.tensor([True] * 6 + [False] * 2 + [True] * 3 + [False] + [True] * 2)[None]
    x = torch.randn(1, 4, 14)
    other = x.masked_fill(~mask[:, None], 5.0)
    torch.testing.assert_close(net(Stream(x, mask))[0], net(Stream(other, mask))[0])
    nothing = net.predict(Stream(x, torch.zeros_like(mask)), [META])[0]
    assert nothing['segments'].shape == (0, 2)
    assert nothing['scores'].shape == nothing['labels'].shape == (0,)


def test_every_class_starts_rare():
    logits, _ = head()(Stream(torch.zeros(1, 4, 14)))
    torch.testing.assert_close(logits.sigmoid(), torch.full((1, 14, 3), 0.01))


def test_one_confident_point_becomes_its_segment_in_seconds():
    net = head(num_classes=1, decoding=dict(min_score=0.5))
    logits, offsets = torch.full((1, 14, 1), -9.0), torch.zeros(1, 14, 2)
    logits[0, 9, 0] = 9.0  # level 1, t = 2, stride 2
    offsets[0, 9] = torch.tensor([0.5, 2.0])  # 1..6 in steps, middles of half-second windows
    mask = torch.ones(1, 14, dtype=torch.bool)
    found = net.decode(logits, offsets, mask, [META])[0]
    assert found['segments'].tolist() == [[0.75, 3.25]]
    offsets[0, 9, 1] = 4.0
    assert net.decode(logits, offsets, mask, [META])[0]['segments'].tolist() == [[0.75, 4.0]]


def test_voting_moves_a_segment_to_the_mean_of_those_that_agree():
    rules = dict(min_score=0.5, sigma=1e-4)
    logits, offsets = torch.full((1, 14, 1), -9.0), torch.zeros(1, 14, 2)
    logits[0, 2:4, 0] = torch.tensor([2.0, 1.0])
    offsets[0, 2], offsets[0, 3] = torch.tensor([2.0, 4.0]), torch.tensor([3.0, 4.0])
    mask = torch.ones(1, 14, dtype=torch.bool)
    plain = head(num_classes=1, decoding=rules).decode(logits, offsets, mask, [META])[0]
    voted = head(num_classes=1, decoding=dict(rules, voting=0.5))
    moved = voted.decode(logits, offsets, mask, [META])[0]
    assert plain['segments'][0].tolist() == [0.25, 3.25]
    # Weights: score * IoU, 1 for itself and 6 / 7 for 0..7.
    a, b = torch.tensor([2.0, 1.0]).sigmoid().tolist()
    assert moved['segments'][0, 1].item() == pytest.approx(
        (6 * a + 7 * b * 6 / 7) / (a + b * 6 / 7) / 2 + 0.25
    )


def test_a_step_of_training_lowers_the_loss():
    net = head(loss=dict(sensitivity={}))
    x = Stream(torch.randn(2, 4, 14))
    target = dict(segments=torch.tensor([[1.0, 4.0]]), labels=torch.tensor([2]))
    losses = net.loss(x, [target, None])
    total = losses['loss_class'] + losses['loss_offset']
    total.backward()
    with torch.no_grad():
        for value in net.parameters():
            value -= 0.05 * value.grad
    later = net.eval().loss(x, [target, None])
    assert later['loss_class'] + later['loss_offset'] < total


def test_another_number_of_levels_is_refused():
    with pytest.raises(ValueError, match='3 levels, .* but gets 15 positions. Give the neck'):
        head()(Stream(torch.randn(1, 4, 15)))


def test_a_clip_has_to_tell_its_grid_and_duration():
    with pytest.raises(ValueError, match=r"\['grid'\] missing among \['duration'\]"):
        head().predict(Stream(torch.randn(1, 4, 14)), [dict(duration=1.0)])


def test_voting_over_several_classes_is_refused():
    with pytest.raises(ValueError, match='without regard to the class; got 3 classes'):
        head(decoding=dict(voting=0.9))


@pytest.mark.parametrize(
    'options, words',
    [
        (dict(num_classes=0), 'num_classes >= 1 and num_layers >= 0; got 0 and 2'),
        (dict(num_layers=-1), 'got 3 and -1'),
        (dict(ranges=[]), r'wants ranges=\[\(shortest, longest\), ...\].*; got \[\]'),
        (dict(ranges=[(4, 0)]), r'got \[\(4, 0\)\]'),
        (dict(ranges=[4, 8]), r'got \[4, 8\]'),
        (dict(decoding=dict(sigma=0)), 'sigma > 0, .*sigma=0'),
        (dict(decoding=dict(min_score=2)), 'min_score and voting within 0..1'),
        (dict(decoding=dict(max_segments=0)), 'max_segments >= 1; got .*max_segments=0'),
        (dict(num_classes=1, decoding=dict(voting=3)), 'voting=3'),
        (dict(loss=dict(start=0)), "centre_radius, start > 0; got .*'start': 0"),
        (dict(loss=dict(alpha=2)), 'wants alpha, label_smoothing, momentum within 0..1'),
        (dict(loss=dict(offset_weight=-1)), 'offset_weight, presence_weight >= 0'),
        (dict(loss=dict(sensitivity='paper')), r"sensitivity=dict\(form='paper'\).*got 'paper'"),
        (
            dict(loss=dict(sensitivity={}), contrast=dict(temperature=0)),
            'ActionContrast wants weight >= 0 and temperature > 0; got 0.3 and 0',
        ),
    ],
)
def test_numbers_without_a_meaning_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        head(**options)


def test_evaluator_and_contrast_are_off_by_default_and_add_a_loss_each():
    stream = Stream(torch.randn(2, 4, 14, requires_grad=True))
    targets = [
        dict(segments=torch.tensor([[0.5, 3.0], [4.0, 6.5]]), labels=torch.tensor([0, 1])),
        dict(segments=torch.tensor([[1.0, 5.0]]), labels=torch.tensor([0])),
    ]
    plain = head(loss=dict(sensitivity={}))
    assert not {'loss_quality', 'loss_contrast'} & plain.loss(stream, targets).keys()
    net = head(loss=dict(sensitivity={}), evaluator=True, contrast=dict(temperature=0.5))
    losses = net.loss(stream, targets)
    for name in ('loss_quality', 'loss_contrast'):
        assert losses[name] > 0
    sum(value for name, value in losses.items() if name.startswith('loss')).backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in net.evaluator.parameters())
    assert net.criterion.sensitivity.centres.grad.any()
    # What it predicts does not depend on them.
    own = {key: value for key, value in net.state_dict().items() if 'evaluator' not in key}
    plain.load_state_dict(own)
    for one, other in zip(plain(stream), net(stream)):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize('option', [dict(evaluator=True), dict(contrast={})])
def test_evaluator_and_contrast_refine_a_sensitivity(option):
    with pytest.raises(ValueError, match=r'wants loss=dict\(sensitivity=dict\(...\)\) beside'):
        head(**option)
