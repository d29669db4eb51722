import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from egomm.functional.nms import multiclass_soft_nms, soft_nms, vote
from egomm.functional.segments import segment_iou

GOLDEN = Path(__file__).parents[1] / 'golden' / 'asl'
CLOSE = dict(atol=1e-5, rtol=0)


def load(name):
    with np.load(GOLDEN / f'{name}.npz') as file:
        return {key: torch.as_tensor(file[key]) for key in file.files}


@pytest.mark.parametrize('case', [0, 1, 2])
@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_soft_nms_is_that_of_the_reference(case, dtype):
    data = load('nms1d')
    segments, scores, indices = soft_nms(
        data['segs'].to(dtype),
        data['scores'].to(dtype),
        float(data[f'soft{case}_sigma']),
        float(data[f'soft{case}_min_score']),
    )
    assert segments.dtype == scores.dtype == dtype
    assert torch.equal(segments, data['segs'].to(dtype)[indices])
    assert torch.equal(segments.float(), data[f'soft{case}_segs'])
    torch.testing.assert_close(scores.float(), data[f'soft{case}_scores'], **CLOSE)
    assert torch.equal(data['labels'][indices], data[f'soft{case}_labels'])


def test_suppression_within_classes_is_that_of_the_reference():
    data = load('nms1d')
    segments, scores, indices = multiclass_soft_nms(
        data['segs'],
        data['scores'],
        data['labels'],
        float(data['multi_sigma']),
        float(data['multi_min_score']),
        int(data['multi_max_num']),
    )
    assert torch.equal(segments, data['multi_segs'])
    torch.testing.assert_close(scores, data['multi_scores'], **CLOSE)
    assert torch.equal(data['labels'][indices], data['multi_labels'])


def test_voting_is_that_of_the_reference():
    data = load('nms1d')
    sigma, min_score = float(data['vote_sigma']), float(data['vote_min_score'])
    selected, scores, indices = soft_nms(
        data['segs'], data['scores'], sigma, min_score, int(data['vote_max_num'])
    )
    moved = vote(selected, data['segs'], data['scores'], float(data['vote_thresh']))
    torch.testing.assert_close(moved, data['vote_segs'], atol=1e-5, rtol=1e-6)
    torch.testing.assert_close(scores, data['vote_scores'], **CLOSE)
    assert torch.equal(data['labels'][indices], data['vote_labels'])


def test_post_processing_of_a_clip_is_that_of_the_reference():
    data = load('decode')
    segments, scores, indices = multiclass_soft_nms(
        data['pre_segments'],
        data['pre_scores'],
        data['pre_labels'],
        float(data['sigma']),
        float(data['min_score']),
        int(data['max_seg_num']),
    )
    seconds = (segments * data['feat_stride'] + data['feat_num_frames'] / 2) / data['fps']
    seconds = seconds.clamp(0, float(data['duration'])).float()
    torch.testing.assert_close(seconds, data['final_segments'], **CLOSE)
    torch.testing.assert_close(scores, data['final_scores'], **CLOSE)
    assert torch.equal(data['pre_labels'][indices], data['final_labels'])


def test_soft_nms_by_hand():
    # IoU of the first two is 0.5, the third overlaps nothing.
    segments = torch.tensor([[0.0, 4], [0, 2], [8, 9]], dtype=torch.float64)
    scores = torch.tensor([0.5, 0.9, 0.4], dtype=torch.float64)
    kept, decayed, indices = soft_nms(segments, scores, sigma=0.5, min_score=0.1)
    assert indices.tolist() == [1, 2, 0]
    assert kept.tolist() == [[0, 2], [8, 9], [0, 4]]
    assert decayed.tolist() == pytest.approx([0.9, 0.4, 0.5 * math.exp(-0.25 / 0.5)])
    assert soft_nms(segments, scores, sigma=0.5, min_score=0.31)[2].tolist() == [1, 2]
    assert soft_nms(segments, scores, sigma=0.5, min_score=0.1, max_num=1)[2].tolist() == [1]


def brute_force(segments, scores, sigma, min_score):
    """Rows of (score, index), straight from the definition."""
    scores = scores.clone()
    alive = [i for i in range(len(scores)) if scores[i] >= min_score]
    rows = []
    while alive:
        best = max(alive, key=lambda i: (scores[i].item(), -i))
        alive.remove(best)
        rows.append((scores[best].item(), best))
        for i in alive:
            iou = segment_iou(segments[best, None], segments[i, None])[0, 0]
            scores[i] *= torch.exp(-iou.square() / sigma)
        alive = [i for i in alive if scores[i] >= min_score]
    return rows


# Few different values, so that ties and repeated segments are common.
candidates = st.lists(
    st.tuples(
        st.integers(0, 6), st.integers(0, 4), st.sampled_from([0.05, 0.5, 0.9]), st.integers(0, 2)
    ),
    max_size=12,
)


@given(
    candidates,
    st.sampled_from([0.3, 0.9, 2.0]),
    st.sampled_from([0.0, 0.1, 0.6]),
    st.sampled_from([None, 0, 3]),
    st.sampled_from([torch.float32, torch.float64]),
)
@settings(max_examples=100, deadline=None)
def test_selection_equals_brute_force(rows, sigma, min_score, max_num, dtype):
    table = torch.tensor(rows, dtype=dtype).reshape(-1, 4)
    segments = torch.stack([table[:, 0], table[:, 0] + table[:, 1]], dim=1)
    scores, labels = table[:, 2], table[:, 3].long()

    expected = brute_force(segments, scores, sigma, min_score)[:max_num]
    kept, decayed, indices = soft_nms(segments, scores, sigma, min_score, max_num)
    assert indices.tolist() == [index for _, index in expected]
    assert decayed.tolist() == pytest.approx([score for score, _ in expected], rel=1e-5)
    assert torch.equal(kept, segments[indices])

    merged = []
    for label in labels.unique():
        members = (labels == label).nonzero().squeeze(1)
        found = brute_force(segments[members], scores[members], sigma, min_score)
        merged += [(score, members[index].item()) for score, index in found]
    merged = sorted(merged, key=lambda row: -row[0])[:max_num]
    _, decayed, indices = multiclass_soft_nms(segments, scores, labels, sigma, min_score, max_num)
    assert indices.tolist() == [index for _, index in merged]
    assert decayed.tolist() == pytest.approx([score for score, _ in merged], rel=1e-5)


def test_many_candidates_equal_brute_force():
    segments = torch.rand(150, 2).cumsum(dim=1) * 20
    scores = torch.rand(150)
    expected = brute_force(segments, scores, 0.5, 0.05)
    result = soft_nms(segments, scores, 0.5, 0.05)
    assert result[2].tolist() == [index for _, index in expected]


def test_inputs_are_left_alone():
    segments, scores = torch.tensor([[0.0, 4], [0, 2]]), torch.tensor([0.5, 0.9])
    soft_nms(segments, scores, 0.5, 0.1)
    assert scores.tolist() == pytest.approx([0.5, 0.9])
    assert segments.tolist() == [[0, 4], [0, 2]]


def test_half_precision_and_gradients_are_no_hindrance():
    scores = torch.tensor([0.5, 0.75], dtype=torch.bfloat16, requires_grad=True)
    segments = torch.tensor([[0, 4], [8, 9]], dtype=torch.bfloat16)
    kept, decayed, indices = soft_nms(segments, scores, 0.5, 0.1)
    assert kept.dtype == decayed.dtype == torch.bfloat16
    assert indices.tolist() == [1, 0]


def test_voting_by_hand():
    segments = torch.tensor([[0.0, 4], [0, 3], [20, 20]])
    moved = vote(segments[[0, 2]], segments, torch.tensor([0.5, 1, 0.4]), min_iou=0.7)
    # Weights 0.5 * 1 and 1 * 0.75 on ends 4 and 3. Without length there is no IoU: it stays.
    torch.testing.assert_close(moved, torch.tensor([[0, (0.5 * 4 + 0.75 * 3) / 1.25], [20, 20]]))
    torch.testing.assert_close(
        vote(segments[:1], segments, torch.tensor([0.5, 1, 0.4]), min_iou=0.8), segments[:1]
    )


@pytest.mark.parametrize(
    'segments, scores, sigma, words',
    [
        (torch.zeros(3, 2), torch.zeros(2), 0.5, r'got \(3, 2\), \(2,\) and \(2,\)'),
        (torch.zeros(1, 2), torch.zeros(1), 0, 'sigma > 0; got 0'),
        (torch.zeros(1, 2), torch.tensor([math.nan]), 0.5, 'got NaN'),
    ],
)
def test_what_cannot_be_ordered_is_refused(segments, scores, sigma, words):
    with pytest.raises(ValueError, match=words):
        soft_nms(segments, scores, sigma, 0.1)


def test_voting_refuses_decayed_scores_of_a_selection():
    with pytest.raises(ValueError, match=r'got segments \(3, 2\) and scores \(2,\)'):
        vote(torch.zeros(2, 2), torch.zeros(3, 2), torch.zeros(2), 0.5)
