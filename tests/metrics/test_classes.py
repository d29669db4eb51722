"""Accuracies by task, counted by hand."""

from pathlib import Path

import numpy as np
import pytest
import torch

from egomm.registry import METRICS


def sample(clip, labels, **logits):
    return {
        'narration_id': clip,
        'gt': labels,
        'pred': {task: torch.tensor(values) for task, values in logits.items()},
    }


def score(samples, **classes):
    metric = METRICS.build(
        {'type': 'ClassAccuracyMetric', 'num_classes': classes, 'prefix': 'egtea'}
    )
    metric.process({}, samples)
    return metric.evaluate(len(samples))


def test_accuracy_over_clips_and_over_the_classes_that_occur():
    scores = score(
        [
            sample('a', {'verb': 0}, verb=[2.0, 1.0, 0.0]),
            sample('b', {'verb': 0}, verb=[2.0, 1.0, 0.0]),
            sample('c', {'verb': 0}, verb=[0.0, 1.0, 0.0]),
            sample('d', {'verb': 2}, verb=[0.0, 1.0, 0.0]),
        ],
        verb=3,
    )
    assert scores == {
        'egtea/verb_top1': 50.0,
        'egtea/verb_top5': 100.0,
        'egtea/verb_mean_class_accuracy': pytest.approx(100 / 3),  # 2/3 and 0; class 1 is absent
    }


def test_repetitions_count_once_and_a_clip_counts_for_the_labels_it_has():
    scores = score(
        [
            sample('a', {'verb': 0, 'noun': 1}, verb=[1.0, 0.0], noun=[1.0, 0.0]),
            sample('b', {'verb': 1}, verb=[1.0, 0.0], noun=[1.0, 0.0]),
            sample('a', {'verb': 0, 'noun': 1}, verb=[1.0, 0.0], noun=[1.0, 0.0]),
            sample('b', {}, verb=[1.0, 0.0], noun=[1.0, 0.0]),
        ],
        verb=2,
        noun=2,
    )
    assert (scores['egtea/verb_top1'], scores['egtea/noun_top1']) == (50.0, 0.0)


def test_missing_labels_and_wrong_predictions_are_explained():
    with pytest.raises(ValueError, match=r"a label of 'verb'; none of the 1 has one"):
        score([sample('a', {}, verb=[1.0, 0.0])], verb=2)
    with pytest.raises(ValueError, match=r"wants 2 logits of 'noun' for a; got none"):
        score([sample('a', {'noun': 0}, verb=[1.0, 0.0])], noun=2)
    with pytest.raises(ValueError, match=r"wants 3 logits of 'verb' for a; got \(2,\)"):
        score([sample('a', {'verb': 0}, verb=[1.0, 0.0])], verb=3)
    keyed = {**sample('a', {'verb': 0}), 'pred': {'verb': {'logits': [1.0, 0.0]}}}
    with pytest.raises(ValueError, match=r"wants 2 logits of 'verb' for a; got dict\. Give"):
        score([keyed], verb=2)
    with pytest.raises(ValueError, match='wants a sample a clip; got block 0 of a'):
        score([{**sample('a', {'verb': 0}, verb=[1.0, 0.0]), 'block': 0}], verb=2)
    with pytest.raises(ValueError, match='finite'):
        score([sample('a', {'verb': 0}, verb=[float('nan'), 0.0])], verb=2)


def test_many_shot_classes_are_scored_in_both_definitions():
    golden = np.load(Path(__file__).parents[1] / 'golden/mtl/cls_metrics.npz')
    metric = METRICS.build(
        {'type': 'ClassAccuracyMetric', 'num_classes': {'verb': 12, 'noun': 12}, 'prefix': 'ek55'}
    )
    metric.dataset_meta = {'many_shot': {'verb': golden['valid'].tolist(), 'noun': []}}
    rows = enumerate(zip(golden['labels'], golden['logits'], strict=True))
    samples = [
        sample(str(n), {'verb': int(label), 'noun': 0}, verb=logits, noun=logits)
        for n, (label, logits) in rows
    ]
    metric.process({}, samples)
    scores = metric.evaluate(len(samples))
    for measure in ('precision', 'recall'):
        for kind in ('full', 'trimmed'):
            # The trimmed numbers of the golden file are rounded by class.
            assert scores[f'ek55/verb_{measure}_{kind}'] == pytest.approx(
                float(golden[f'avg_{measure}_{kind}']), abs=5e-3, rel=0
            )
    assert 'ek55/noun_precision_full' not in scores
