import json
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from egomm.metrics.moments import Ego4dMomentMetric
from egomm.registry import METRICS

GOLDEN = Path(__file__).parents[1] / 'golden' / 'asl'


def metric(*names):
    built = METRICS.build(dict(type='Ego4dMomentMetric'))
    assert isinstance(built, Ego4dMomentMetric)
    built.dataset_meta = {'classes': {'moment': list(names)}}
    return built


def sample(
    clip_id='c', annotations=(('walk', 0, 4),), segments=((0, 4),), scores=(1,), labels=(0,)
):
    rows = [dict(label=x, start_time=s, end_time=e) for x, s, e in annotations]
    found = dict(
        segments=torch.tensor(segments, dtype=torch.float64).reshape(-1, 2),
        scores=torch.tensor(scores, dtype=torch.float64),
        labels=torch.tensor(labels, dtype=torch.int64),
    )
    return dict(clip_id=clip_id, annotations=rows, pred={'moment': found})


def golden_samples(shuffle):
    data = json.loads((GOLDEN / 'mq_metrics.json').read_text())
    names = sorted(
        {row['label'] for rows in data['predictions'].values() for row in rows}
        | {row['label'] for clip in data['ground_truth'].values() for row in clip['annotations']}
    )
    samples = []
    for clip, entry in data['ground_truth'].items():
        rows = data['predictions'][clip]
        order = shuffle.permutation(len(rows))
        rows = [rows[i] for i in order]
        samples.append(
            sample(
                clip,
                [
                    (row['label'], row['start_time'], row['end_time'])
                    for row in entry['annotations']
                ],
                [row['segment'] for row in rows],
                [row['score'] for row in rows],
                [names.index(row['label']) for row in rows],
            )
        )
    return data, names, samples


def test_scores_are_the_official_ones_in_any_order_and_batch():
    data, names, samples = golden_samples(np.random.default_rng(0))
    result = metric(*names)
    result.process(None, samples[:2])
    result.process(None, samples[2:])
    scores = result.evaluate(len(samples))
    assert scores['ego4d_mq/average_mAP'] == pytest.approx(data['official_avg_mAP'], abs=1e-15)
    assert scores['ego4d_mq/asl_average_mAP'] == pytest.approx(data['asl_avg_mAP'], abs=1e-15)
    for tiou, value in zip(data['tiou'], data['official_mAP']):
        assert scores[f'ego4d_mq/mAP_at_{tiou}'] == pytest.approx(value, abs=1e-15)
    grid = data['recall_kx_official_grid']
    for tiou, row in zip(grid['tiou'], grid['value']):
        for k in (1, 5):
            assert scores[f'ego4d_mq/recall_{k}x_at_{tiou}'] == row[grid['k'].index(k)]
    assert len(scores) == 13


def test_a_repeated_clip_counts_once():
    result = metric('walk')
    # Twice the same right answer in one clip, and a clip without any.
    result.process(None, [sample(), sample('d', segments=(), scores=(), labels=()), sample()])
    scores = result.evaluate(3)
    assert scores['ego4d_mq/average_mAP'] == 0.5
    assert scores['ego4d_mq/recall_1x_at_0.5'] == 0.5


@pytest.mark.parametrize(
    'change, words',
    [
        (dict(annotations=None), 'c has no annotations. For the test split'),
        (dict(pred={'verb': 0}), r"has \['verb'\], no 'moment'"),
        (sample(scores=(1, 2)), r'got \(1, 2\), \(2,\) and \(1,\) for clip c'),
        (sample(scores=(float('nan'),)), 'finite scores and times; clip c has NaN'),
        (sample(labels=(1,)), r'labels within 0\.\.0; got 1\.\.1 for c'),
    ],
)
def test_what_cannot_be_scored_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        metric('walk').process(None, [{**sample(), **change}])


def test_half_precision_is_taken():
    half = sample()
    half['pred']['moment']['scores'] = torch.tensor([0.5], dtype=torch.bfloat16)
    result = metric('walk')
    result.process(None, [half])
    assert result.evaluate(1)['ego4d_mq/average_mAP'] == 1


def test_class_names_come_from_the_dataset():
    result = metric()
    result.dataset_meta = {'dataset': 'x'}
    with pytest.raises(ValueError, match=r"under classes\['moment'\]; got \{'dataset': 'x'\}"):
        result.process(None, [sample()])


def test_the_validation_split_is_scored_within_5_seconds_of_one_core():
    rng = np.random.default_rng(0)
    names = [f'class {index}' for index in range(110)]

    def segments(count):
        starts = rng.uniform(0, 450, count)
        return np.stack([starts, np.minimum(starts + rng.exponential(30, count) + 0.5, 480)], 1)

    samples = [
        dict(
            clip_id=str(clip),
            annotations=[
                dict(label=names[rng.integers(110)], start_time=start, end_time=end)
                for start, end in segments(9 if clip < 128 else 8)  # 4,296 in all
            ],
            pred=dict(
                moment=dict(
                    segments=torch.from_numpy(segments(2000)),
                    scores=torch.from_numpy(rng.random(2000)),
                    labels=torch.from_numpy(rng.integers(0, 110, 2000)),
                )
            ),
        )
        for clip in range(521)
    ]
    built = metric(*names)
    began = time.process_time()
    for one in samples:
        built.process(None, [one])
    scores = built.evaluate(len(samples))
    assert time.process_time() - began < 5
    assert 0 < scores['ego4d_mq/average_mAP'] < scores['ego4d_mq/recall_5x_at_0.3'] < 1
