import json
from pathlib import Path

import pytest
import torch

from egomm.metrics.queries import Ego4dQueryMetric
from egomm.registry import METRICS

GOLDEN = Path(__file__).parents[1] / 'golden' / 'asl'


def metric():
    built = METRICS.build(dict(type='Ego4dQueryMetric'))
    assert isinstance(built, Ego4dQueryMetric)
    return built


def sample(index=0, window=(0, 4), segments=((0, 4),), scores=(1,), clip='c', annotation='a'):
    found = dict(
        segments=torch.tensor(segments, dtype=torch.float64).reshape(-1, 2),
        scores=torch.tensor(scores, dtype=torch.float64),
    )
    return dict(
        clip_id=clip,
        annotation_id=annotation,
        query_index=index,
        window=window,
        pred={'query': found},
    )


def test_scores_are_the_official_ones():
    data = json.loads((GOLDEN / 'nlq_metrics.json').read_text())
    answers = {
        (row['clip_uid'], row['annotation_uid'], row['query_idx']): row['predicted_times']
        for row in data['submission']['results']
    }
    samples = []
    for video in data['ground_truth']['videos']:
        for clip in video['clips']:
            for annotation in clip['annotations']:
                for index, query in enumerate(annotation['language_queries']):
                    key = (clip['clip_uid'], annotation['annotation_uid'], index)
                    times = answers[key]
                    window = [query['clip_start_sec'], query['clip_end_sec']]
                    worst_first = sample(
                        index, window, times[::-1], range(len(times)), key[0], key[1]
                    )
                    samples.append(worst_first)
    result = metric()
    result.process(None, samples[:5])
    result.process(None, samples[5:])
    scores = result.evaluate(len(samples))
    for threshold in (0.3, 0.5):
        row = data['value'][data['thresholds'].index(threshold)]
        for k in (1, 5):
            expected = row[data['topK'].index(k)]
            assert scores[f'ego4d_nlq/recall_{k}_at_{threshold}'] == expected
    assert scores['ego4d_nlq/mean_recall_1'] == data['mean_R1']
    assert scores['ego4d_nlq/missing'] == 0
    assert all(type(value) is float for value in scores.values())  # or the file has null
    assert len(scores) == 6


def test_a_repeated_query_counts_once_and_a_silent_one_is_wrong():
    result = metric()
    silent = sample(2, segments=(), scores=())
    result.process(None, [sample(), silent, sample()])
    scores = result.evaluate(3)
    assert scores['ego4d_nlq/mean_recall_1'] == 0.5
    assert scores['ego4d_nlq/missing'] == 1


def test_only_the_five_best_count():
    result = metric()
    wrong = [[50, 60]] * 5
    result.process(None, [sample(segments=[[0, 4], *wrong], scores=[0, 1, 1, 1, 1, 1])])
    assert result.evaluate(1)['ego4d_nlq/recall_5_at_0.3'] == 0


@pytest.mark.parametrize(
    'change, words',
    [
        (dict(window=None), 'a_0 has none. For the test split'),
        (dict(pred={'moment': 0}), r"that of query a_0 has \['moment'\], no 'query'"),
        (sample(scores=(1, 2)), r'got \(1, 2\), \(2,\) and \(2,\) for query a_0'),
        (sample(scores=(float('nan'),)), 'query a_0 has NaN or infinity'),
    ],
)
def test_what_cannot_be_scored_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        metric().process(None, [{**sample(), **change}])
