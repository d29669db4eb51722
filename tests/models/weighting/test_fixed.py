import pytest
import torch


def losses_of(model, batch):
    return model(**model.data_preprocessor(batch, True), mode='loss')


def test_tasks_count_the_same_unless_told_otherwise(opposed):
    plain = losses_of(*opposed())
    weighed = losses_of(*opposed(dict(type='FixedWeights', weights=dict(noun=0.25))))
    assert plain.keys() == weighed.keys() == {'verb/loss', 'verb/top1', 'noun/loss', 'noun/top1'}
    torch.testing.assert_close(weighed['verb/loss'], plain['verb/loss'])
    torch.testing.assert_close(weighed['noun/loss'], plain['noun/loss'] / 4)
    assert weighed['noun/top1'] == plain['noun/top1']


def test_weights_of_unknown_tasks_and_below_zero_are_refused(opposed):
    with pytest.raises(ValueError, match=r"heads are for \['noun', 'verb'\]. Take \['gaze'\] out"):
        losses_of(*opposed(dict(type='FixedWeights', weights=dict(gaze=1.0))))
    with pytest.raises(ValueError, match=r"0 or more; got \{'verb': -1\}"):
        opposed(dict(type='FixedWeights', weights=dict(verb=-1)))
    with pytest.raises(ValueError, match=r"finite weights of 0 or more; got \{'verb': inf\}"):
        opposed(dict(type='FixedWeights', weights=dict(verb=float('inf'))))
