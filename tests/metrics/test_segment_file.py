import pytest
import torch
from mmengine.evaluator import Evaluator

from egomm.functional.segment_files import read_answers, read_moments_found
from egomm.registry import METRICS


def found(segments, scores, **labels):
    return dict(segments=torch.tensor(segments), scores=torch.tensor(scores), **labels)


def write(path, *samples, **meta):
    evaluator = Evaluator(METRICS.build(dict(type='SegmentFile', path=str(path))))
    evaluator.dataset_meta = meta or {'classes': {'moment': ['run', 'walk']}}
    evaluator.process(list(samples))
    assert evaluator.evaluate(len(samples)) == {}


def test_moments_are_written_best_first_and_once(tmp_path):
    moments = found([[0.0, 4.0], [1.0, 2.0]], [0.25, 0.5], labels=torch.tensor([0, 1]))
    sample = dict(clip_id='c', pred={'moment': moments})
    write(tmp_path / 'm.json', sample, sample)
    assert read_moments_found(tmp_path / 'm.json') == {
        'c': [
            dict(label='walk', score=0.5, segment=[1, 2]),
            dict(label='run', score=0.25, segment=[0, 4]),
        ]
    }


def test_actions_are_labelled_with_their_verb_and_noun(tmp_path):
    pred = {'action': found([[1.0, 2.0], [0.0, 4.0]], [0.5, 0.25], labels=torch.tensor([1, 0]))}
    write(tmp_path / 'a.json', dict(clip_id='P01_01', pred=pred), actions=[(3, 12), (0, 299)])
    assert read_moments_found(tmp_path / 'a.json') == {
        'P01_01': [
            dict(label='0,299', score=0.5, segment=[1, 2]),
            dict(label='3,12', score=0.25, segment=[0, 4]),
        ]
    }


def test_answers_are_written_with_their_confidence(tmp_path):
    sample = dict(
        clip_id='c',
        annotation_id='a',
        query_index=3,
        pred={'query': found([[0.0, 4.0]], [0.25])},
    )
    write(tmp_path / 'q.json', sample, {**sample, 'query_index': 1}, sample)
    answers = read_answers(tmp_path / 'q.json')
    assert [answer['query_idx'] for answer in answers] == [3, 1]
    assert answers[0]['predicted_times'] == [[0, 4]]
    assert answers[0]['scores'] == [0.25]


def test_what_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(ValueError, match='SegmentFile wants a name that ends in .json'):
        METRICS.build(dict(type='SegmentFile', path='x.pkl'))
    with pytest.raises(ValueError, match=r"'action' or 'query'; that of clip c has \['verb'\]"):
        write(tmp_path / 'x.json', dict(clip_id='c', pred={'verb': 0}))
    actions = dict(clip_id='c', pred={'action': found([[0.0, 4.0]], [0.5], labels=[2])})
    with pytest.raises(ValueError, match='Give the dataset `actions_from`'):
        write(tmp_path / 'x.json', actions)
    with pytest.raises(ValueError, match=r'labels within 0\.\.1; got 2\.\.2 for c'):
        write(tmp_path / 'x.json', actions, actions=[(0, 0), (0, 1)])
    with pytest.raises(ValueError, match='SegmentFile got nothing to write'):
        METRICS.build(dict(type='SegmentFile', path='x.json')).compute_metrics([])
