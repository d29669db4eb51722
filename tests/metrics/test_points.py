"""Scores of gaze and hands against the public evaluations and by hand."""

from pathlib import Path

import numpy as np
import pytest
import torch

from egomm.registry import METRICS

GOLDEN = Path(__file__).parents[1] / 'golden/mtl/gaze_metrics.npz'


COUNTS = ('frames', 'frames_skipped', 'frames_unlabelled')


def normalised(pixels, size):
    return (2 * np.asarray(pixels, float) + 1) / size - 1


def clip(name, task, predicted, true, visible=None, maps=None, size=224):
    """Points (T, L, 2) in pixels."""
    true = normalised(true, size)
    visible = np.ones(true.shape[:2]) if visible is None else np.asarray(visible)
    points = torch.tensor(normalised(predicted, size))
    maps = torch.rand(*points.shape[:2], 7, 7) if maps is None else maps
    return {
        'narration_id': name,
        'gt': {task: np.concatenate([true, visible[..., None]], axis=-1)},
        'pred': {task: {'points': points, 'heatmaps': maps}},
    }


def score(samples, **metric):
    metric = METRICS.build(metric)
    metric.process({}, samples)
    return metric.evaluate(len(samples))


def test_gaze_is_scored_as_in_the_public_evaluation():
    golden = np.load(GOLDEN)
    predicted, true = (golden[f'points_{name}'][:, None] for name in ('pred', 'gt'))
    scores = score(
        [
            clip('a', 'gaze', predicted[:5], true[:5]),
            clip('b', 'gaze', predicted[5:], true[5:]),
            clip('a', 'gaze', predicted[:5], true[:5]),  # fills up a round
        ],
        type='GazeMetric',
    )
    assert scores['gaze/angle'] == pytest.approx(golden['aae_deg'].mean(), rel=1e-9)
    assert scores['gaze/auc_point'] == pytest.approx(golden['auc_point'].mean(), rel=1e-6)
    counts = {name: scores[f'gaze/{name}'] for name in COUNTS}
    assert counts == {'frames': 12, 'frames_skipped': 0, 'frames_unlabelled': 0}
    assert all(type(value) is float for value in counts.values())  # or the file of a test has null


def test_the_map_is_judged_at_the_cell_of_the_true_point():
    maps = torch.zeros(1, 1, 2, 4)
    maps[0, 0, 1, 2] = 1
    true = [[[4.0, 7.9]]]  # column 2 of 4 and row 1 of 2, at 8 pixels
    arguments = dict(type='GazeMetric', size=8, blob_sigma=1)
    scores = score([clip('a', 'gaze', [[[0, 0]]], true, maps=maps, size=8)], **arguments)
    assert scores['gaze/auc_judd'] == 1
    scores = score([clip('a', 'gaze', [[[0, 0]]], true, maps=-maps, size=8)], **arguments)
    assert scores['gaze/auc_judd'] == 0.5  # below the seven others, up to the last step


def test_maps_are_judged_over_the_pixels_of_the_image_as_well():
    maps = torch.tensor([[[[0.0, 1.0], [0.0, 1.0]]]])  # over four pixels 0, 0.25, 0.75, 1
    sample = clip('a', 'gaze', [[[0, 0]]], [[[2.0, 1.0]]], maps=maps, size=4)
    scores = score([sample], type='GazeMetric', size=4, blob_sigma=1)
    assert scores['gaze/auc_judd'] == pytest.approx(1 - 1 / 3 / 2)  # one other cell is as high
    assert scores['gaze/auc_judd_image'] == pytest.approx(1 - 7 / 15 / 2)  # seven of 15 pixels


def test_maps_as_large_as_the_image_are_judged_as_in_the_golden_file():
    golden = np.load(GOLDEN)
    row, column = np.mgrid[:224, :224]
    maps = [
        sum(a * np.exp(-((row - y) ** 2 + (column - x) ** 2) / (2 * s**2)) for y, x, s, a in params)
        for params in golden['hm_params']
    ]
    true = golden['hm_fix'][:, None, ::-1].astype(float)
    sample = clip('a', 'gaze', true, true, maps=torch.tensor(np.array(maps))[:, None])
    scores = score([sample], type='GazeMetric')
    expected = golden['hm_auc_judd_single'].mean()
    assert scores['gaze/auc_judd_image'] == pytest.approx(expected, rel=1e-9)


def test_frames_without_visible_gaze_are_skipped_and_counted():
    samples = [
        clip('a', 'gaze', [[[5, 5]], [[9, 9]]], [[[5, 5]], [[300, 9]]], [[1], [0]]),
        {**clip('b', 'gaze', [[[5, 5]]] * 3, [[[5, 5]]] * 3), 'gt': {}},
    ]
    scores = score(samples, type='GazeMetric')
    assert scores['gaze/angle'] == pytest.approx(0, abs=1e-9)
    assert [scores[f'gaze/{name}'] for name in COUNTS] == [1, 1, 3]


@pytest.mark.parametrize('kind, task', [('GazeMetric', 'gaze'), ('PointErrorMetric', 'hands')])
def test_of_each_block_of_a_clip_only_the_steps_count_that_are_its_own(kind, task):
    count = 1 if task == 'gaze' else 2
    here, away = np.full((4, count, 2), 50.0), np.full((4, count, 2), 90.0)
    first, last = clip('a', task, here, here), clip('a', task, away, here)
    first |= {'block': 0, 'counted': [True] * 4}
    last |= {'block': 1, 'counted': [False, False, True, True]}
    scores = score([first, last, last], type=kind)
    assert scores[f'{task}/frames'] == 6 * count
    name = {'gaze': 'gaze/angle', 'hands': 'hands/error'}[task]
    assert scores[name] == pytest.approx(2 / 6 * score([last], type=kind)[name])
    unlabelled = {**last, 'narration_id': 'c', 'gt': {}}
    more = score([first, last, unlabelled], type=kind)
    assert {**scores, **({'gaze/frames_unlabelled': 2} if task == 'gaze' else {})} == more


def test_hands_are_apart_by_pixels_where_visible():
    samples = [
        clip('a', 'hands', [[[3, 4], [0, 0]]], [[[0, 0], [9, 9]]], [[1, 0]], size=64),
        clip('b', 'hands', [[[0, 1], [6, 8]]], [[[0, 0], [0, 0]]], size=64),
    ]
    scores = score(samples, type='PointErrorMetric', size=64)
    assert scores == pytest.approx(
        {
            'hands/error': (5 + 1 + 10) / 3,
            'hands/left_error': 3,
            'hands/right_error': 10,
            'hands/frames': 3,
        }
    )


def test_a_point_that_is_never_visible_has_no_number():
    sample = clip('a', 'hands', [[[3, 4], [0, 0]]], [[[0, 0], [9, 9]]], [[1, 0]])
    assert 'hands/right_error' not in score([sample], type='PointErrorMetric')


@pytest.mark.parametrize('kind, task', [('GazeMetric', 'gaze'), ('PointErrorMetric', 'hands')])
def test_errors_say_what_is_missing(kind, task):
    count = 1 if task == 'gaze' else 2
    points = np.zeros((3, count, 2))
    blind = clip('a', task, points, points, np.zeros((3, count)))
    with pytest.raises(ValueError, match='wants clips with visible points; of 1 with labels none'):
        score([blind], type=kind)
    with pytest.raises(ValueError, match='wants clips with visible points; of 0'):
        score([{**blind, 'gt': {}}], type=kind)
    short = {**blind, 'pred': clip('a', task, points[:2], points[:2])['pred']}
    with pytest.raises(ValueError, match=rf"points of '{task}' a step for a; got \(2, {count}, 2"):
        score([short], type=kind)
    with pytest.raises(ValueError, match='got none for labels'):
        score([{**blind, 'pred': {}}], type=kind)
