from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from egomm.functional.segments import (
    assign_points,
    decode_offsets,
    diou_loss,
    level_candidates,
    offset_iou,
    pyramid_points,
    segment_iou,
)

GOLDEN = Path(__file__).parents[1] / 'golden' / 'asl'
CLOSE = dict(atol=1e-5, rtol=0)


def load(name):
    with np.load(GOLDEN / f'{name}.npz') as file:
        return {key: torch.as_tensor(file[key]) for key in file.files}


def tensor(*rows, dtype=torch.float64):
    return torch.tensor(rows, dtype=dtype)


def test_iou_by_hand():
    a = tensor([0, 4], [5, 5])
    b = tensor([2, 6], [0, 1], [4, 9], [5, 5])
    expected = tensor([2 / 6, 1 / 4, 0, 0], [0, 0, 0, 0])
    torch.testing.assert_close(segment_iou(a, b), expected)


def test_a_segment_that_ends_before_it_starts_overlaps_nothing():
    assert segment_iou(tensor([3, 1]), tensor([0, 4], [3, 1], [2, 2.5])).tolist() == [[0, 0, 0]]


@pytest.mark.parametrize('dtype', [torch.float64, torch.float32, torch.bfloat16])
def test_iou_keeps_the_dtype(dtype):
    iou = segment_iou(tensor([0, 4], dtype=dtype), tensor([2, 6], dtype=dtype))
    torch.testing.assert_close(iou, tensor([1 / 3], dtype=dtype))


def test_iou_of_whole_numbers_is_a_fraction():
    assert segment_iou(torch.tensor([[0, 4]]), torch.tensor([[0, 2]])).tolist() == [[0.5]]


def test_iou_without_segments_is_empty():
    assert segment_iou(torch.zeros(0, 2), torch.zeros(3, 2)).shape == (0, 3)


ends = st.floats(-1e3, 1e3, allow_nan=False, width=32)
some_segments = st.lists(st.tuples(ends, ends), min_size=1, max_size=5)


@given(some_segments, some_segments, st.sampled_from([torch.float32, torch.float64]))
@settings(max_examples=50, deadline=None)
def test_iou_is_symmetric_and_within_0_and_1(a, b, dtype):
    a, b = torch.tensor(a, dtype=dtype), torch.tensor(b, dtype=dtype)
    iou = segment_iou(a, b)
    assert torch.equal(iou, segment_iou(b, a).T)
    assert ((iou >= 0) & (iou <= 1)).all()
    own = segment_iou(a, a).diagonal()
    assert torch.equal(own, (a[:, 1] > a[:, 0]).to(dtype))


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_diou_and_its_gradient_are_those_of_the_reference(dtype):
    data = load('diou')
    pred = data['pred_offsets'].to(dtype).requires_grad_()
    loss = diou_loss(pred, data['target_offsets'].to(dtype))
    assert loss.dtype == dtype
    torch.testing.assert_close(loss.float(), data['diou_loss'], **CLOSE)
    loss[3:].sum().backward()
    torch.testing.assert_close(pred.grad.float(), data['grad_of_sum_rows3on'], **CLOSE)


def test_diou_by_hand():
    # [-1, 3] against [0, 2]: I = 2, U = 4, centres coincide. Against [0, 1]: I = 1, U = 4,
    # centres 1 and 0.5, enclosing 4.
    pred, truth = tensor([1, 3], [1, 3], [0, 0]), tensor([0, 2], [0, 1], [0, 0])
    expected = tensor(0.5, 0.75 + (0.5 / 4) ** 2, 1)
    torch.testing.assert_close(diou_loss(pred, truth), expected)


def test_gradient_of_diou_is_right():
    generator = torch.Generator().manual_seed(3)
    pred, truth = torch.rand(2, 6, 2, generator=generator, dtype=torch.float64) + 0.1
    assert torch.autograd.gradcheck(diou_loss, (pred.requires_grad_(), truth))


def test_diou_in_half_precision_is_computed_in_float32():
    pred, truth = tensor([300, 200], dtype=torch.float16), tensor([299, 200], dtype=torch.float16)
    loss = diou_loss(pred, truth)
    assert loss.dtype == torch.float16
    assert loss.item() == pytest.approx(1 / 500, rel=1e-2)  # float16 sums would be 4 units apart


@pytest.mark.parametrize(
    'pred, words',
    [
        (tensor([0, -0.5]), r'offsets >= 0; pred_offsets has -0\.5'),
        (tensor([float('nan'), 1]), 'pred_offsets has NaN'),
        (tensor([0, 1], [0, 1]), r'one target per prediction; got \(2, 2\) and \(1, 2\)'),
        (tensor(1, 2), r'pred_offsets of shape \(number, 2\); got \(2,\)'),
    ],
)
def test_diou_refuses_what_are_no_offsets(pred, words):
    with pytest.raises(ValueError, match=words):
        diou_loss(pred, tensor([1, 1]))


def test_iou_refuses_other_shapes():
    with pytest.raises(ValueError, match=r'wants b of shape \(number, 2\); got \(4,\)'):
        segment_iou(torch.zeros(1, 2), torch.zeros(4))


def test_points_are_those_of_the_reference():
    data = load('label_assign_gaussian')
    ranges = [tuple(row) for row in data['regression_range'].tolist()]
    levels = pyramid_points(64, ranges)
    assert [level[0, 3].item() for level in levels] == data['strides'].tolist()
    torch.testing.assert_close(torch.cat(levels), data['points'])


def test_odd_lengths_round_up():
    levels = pyramid_points(5, [(0, 4), (2, 8), (4, 16)])
    assert [level[:, 0].tolist() for level in levels] == [[0, 1, 2, 3, 4], [0, 2, 4], [0, 4]]


@pytest.mark.parametrize('length, ranges', [(0, [(0, 4)]), (8, []), (8, [(4, 4)])])
def test_a_pyramid_without_points_is_refused(length, ranges):
    with pytest.raises(ValueError, match=f'got length {length} and ranges'):
        pyramid_points(length, ranges)


@pytest.mark.parametrize('video', [0, 1])
@pytest.mark.parametrize('suffix', ['', '_nocenter'])
def test_assignment_is_that_of_the_reference(video, suffix):
    data = load('label_assign_gaussian')
    result = assign_points(
        data['points'],
        data[f'v{video}_segments'],
        data[f'v{video}_labels'],
        int(data['num_classes']),
        centre_radius=None if suffix else float(data['center_radius']),
    )
    assert torch.equal(result.classes, data[f'v{video}_cls_targets{suffix}'])
    positive = result.segment >= 0
    assert torch.equal(positive, result.classes.any(dim=1))
    torch.testing.assert_close(
        result.offsets[positive], data[f'v{video}_reg_targets{suffix}'][positive], **CLOSE
    )


def test_assignment_by_hand():
    points = tensor([2, 0, 4, 1], [4, 0, 4, 1], [6, 0, 4, 1], [4, 4, 8, 2], [0, 4, 8, 2])
    segments = tensor([0, 8], [3, 5], [3, 5], [1, 5])
    result = assign_points(points, segments, torch.tensor([0, 1, 2, 1]), 3)
    # t=2: within 1.5 of the centre 3 of the last. t=4: centres of the first three, of which the
    # second and third are shortest. t=6: 2 > 1.5 from the centre 4. Level 2 at t=4: only the first
    # reaches 4. t=0 lies on a border, not inside.
    assert result.classes.tolist() == [[0, 1, 0], [0, 1, 1], [0, 0, 0], [1, 0, 0], [0, 0, 0]]
    assert result.segment.tolist() == [3, 1, -1, 0, -1]
    assert result.offsets.tolist() == [[1, 3], [1, 1], [0, 0], [2, 2], [0, 0]]


def test_a_video_without_segments_is_background():
    result = assign_points(
        torch.cat(pyramid_points(4, [(0, 4)])), torch.zeros(0, 2), torch.zeros(0), 3
    )
    assert result.classes.shape == (4, 3)
    assert not result.classes.any()
    assert not result.offsets.any()
    assert result.segment.tolist() == [-1] * 4


def test_assignment_refuses_a_batch():
    with pytest.raises(ValueError, match=r'got \(4, 4\), \(2, 3, 2\) and \(2, 3\)'):
        assign_points(torch.zeros(4, 4), torch.zeros(2, 3, 2), torch.zeros(2, 3), 5)


@pytest.mark.parametrize('label', [-1, 3])
def test_assignment_refuses_unknown_classes(label):
    labels = torch.tensor([1, label])
    with pytest.raises(ValueError, match=rf'labels within 0\.\.2; got .*{label}'):
        assign_points(torch.zeros(4, 4), torch.zeros(2, 2), labels, 3)


def test_decoding_undoes_the_assignment():
    data = load('label_assign_gaussian')
    segments, points = data['v0_segments'], data['points']
    result = assign_points(points, segments, data['v0_labels'], int(data['num_classes']))
    positive = result.segment >= 0
    assert positive.sum() > 10
    decoded = decode_offsets(points, result.offsets)[positive]
    torch.testing.assert_close(decoded, segments[result.segment[positive]])


def golden_candidates():
    data, inputs, assign = load('decode'), load('total_loss_a'), load('label_assign_gaussian')
    row = int(data['video_index_in_total_loss'])
    probabilities = inputs['logits'][row].sigmoid() * inputs['level_masks'][row][:, None]
    sizes = [int((assign['points'][:, 3] == stride).sum()) for stride in assign['strides']]
    return data, [
        level_candidates(
            points,
            scores,
            offsets,
            min_score=float(data['pre_nms_thresh']),
            max_num=int(data['pre_nms_topk']),
            min_length=float(data['duration_thresh']),
        )
        for points, scores, offsets in zip(
            assign['points'].split(sizes),
            probabilities.split(sizes),
            inputs['offsets'][row].split(sizes),
        )
    ]


def test_candidates_are_those_of_the_reference():
    data, levels = golden_candidates()
    segments, scores, labels = (torch.cat(parts) for parts in zip(*levels))
    torch.testing.assert_close(segments, data['pre_segments'], **CLOSE)
    torch.testing.assert_close(scores, data['pre_scores'], **CLOSE)
    assert torch.equal(labels, data['pre_labels'])


def test_candidates_by_hand():
    points = tensor([0, 0, 4, 2], [2, 0, 4, 2])
    scores = tensor([0.5, 0.9], [0.5, 0.2])
    offsets = tensor([1, 2], [0.1, 0.1])
    segments, kept, labels = level_candidates(
        points, scores, offsets, min_score=0.2, max_num=2, min_length=0.5
    )
    # Of the two 0.5 the one of the lower point is among the best two; 0.2 is not above 0.2.
    assert segments.tolist() == [[-2, 4], [-2, 4]]
    assert kept.tolist() == [0.9, 0.5]
    assert labels.tolist() == [1, 0]


def test_short_candidates_are_dropped_after_the_choice():
    points, offsets = tensor([0, 0, 4, 2], [2, 0, 4, 2]), tensor([1, 2], [0.1, 0.1])
    result = level_candidates(
        points, tensor([0.5], [0.7]), offsets, min_score=0, max_num=1, min_length=0.5
    )
    assert [part.shape[0] for part in result] == [0, 0, 0]


def test_decoding_refuses_other_shapes():
    with pytest.raises(ValueError, match=r'got \(4, 4\) and \(3, 2\)'):
        decode_offsets(torch.zeros(4, 4), torch.zeros(3, 2))
    with pytest.raises(ValueError, match=r'got \(4, 4\) and \(3, 2\)'):
        level_candidates(
            torch.zeros(4, 4),
            torch.zeros(3, 2),
            torch.zeros(4, 2),
            min_score=0,
            max_num=1,
            min_length=0,
        )


def test_overlap_of_offsets_is_that_of_their_segments():
    pred, target = torch.rand(9, 2), torch.rand(9, 2)
    ends = [
        torch.stack([5 - offsets[:, 0], 5 + offsets[:, 1]], dim=1) for offsets in (pred, target)
    ]
    torch.testing.assert_close(offset_iou(pred, target), segment_iou(*ends).diagonal())
    assert offset_iou(torch.zeros(1, 2), torch.zeros(1, 2)).tolist() == [0]
    assert offset_iou(pred.half(), target.half()).dtype == torch.float16
    with pytest.raises(ValueError, match='offset_iou wants offsets >= 0; pred_offsets has'):
        offset_iou(-pred, target)
