import pickle

import pytest
import torch

from egomm.structures import EgoSample


def test_truth_and_prediction_stay_apart_and_survive_pickling():
    sample = EgoSample(metainfo=dict(video_id='P01_11'), gt=dict(verb=3))
    sample.pred = dict(verb=torch.tensor([1.0, 2.0]))
    copy = pickle.loads(pickle.dumps(sample))
    assert copy.gt == {'verb': 3}
    assert copy.pred['verb'].tolist() == [1.0, 2.0]
    assert copy.metainfo == {'video_id': 'P01_11'}


def test_as_a_dict_it_carries_metainfo_truth_and_prediction():
    sample = EgoSample(metainfo=dict(video_id='P01_11'), gt=dict(noun=5))
    assert sample.to_dict() == {'video_id': 'P01_11', 'gt': {'noun': 5}, 'pred': {}}


@pytest.mark.parametrize('value', [3, [1, 2], {1: 2}])
def test_truth_that_is_not_keyed_by_task_is_refused(value):
    with pytest.raises(ValueError, match='EgoSample.gt wants a dict keyed by task name'):
        EgoSample(gt=value)
