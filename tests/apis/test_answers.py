import pickle

import pytest
import torch

from egomm.apis.answers import (
    accuracies,
    check_heads,
    labelled,
    mean_class_accuracies,
    read_dump,
)


def sample(verb, noun, verb_scores, noun_scores):
    return dict(gt=dict(verb=verb, noun=noun), pred=dict(verb=verb_scores, noun=noun_scores))


SAMPLES = [
    sample(0, 1, [2.0, 0.0], [0.0, 1.0]),  # both right
    sample(0, 1, [2.0, 0.0], [0.0, 1.0]),  # both right
    sample(0, 0, [2.0, 0.0], [0.0, 1.0]),  # verb right
    sample(1, 0, [2.0, 0.0], [0.0, 1.0]),  # both wrong
]


def test_an_action_is_right_when_verb_and_noun_are():
    assert accuracies(SAMPLES) == dict(verb=75, noun=50, action=50)


def test_every_class_counts_the_same():
    # Verbs 3 of 3 and 0 of 1, nouns 0 of 2 and 2 of 2, the three pairs 2 of 2, 0 of 1, 0 of 1.
    assert mean_class_accuracies(SAMPLES) == dict(verb=50, noun=50, action=pytest.approx(100 / 3))


def test_samples_without_a_label_are_left_out():
    unlabelled = dict(gt=dict(noun=1), pred={})
    assert labelled([*SAMPLES, unlabelled]) == SAMPLES


def test_a_dump_comes_back_with_arrays(tmp_path):
    path = tmp_path / 'dump.pkl'
    path.write_bytes(pickle.dumps([dict(gt=dict(verb=1), pred=dict(verb=torch.ones(3)))]))
    [clip] = read_dump(path)
    assert clip['gt'] == dict(verb=1)
    assert clip['pred']['verb'].tolist() == [1, 1, 1]


@pytest.mark.parametrize('content', [dict(a=1), [1], [dict(pred={})], [dict(gt={}, pred=None)]])
def test_what_is_no_dump_is_refused(content, tmp_path):
    path = tmp_path / 'dump.pkl'
    with pytest.raises(ValueError, match=r'There is no dump .*dump\.pkl\. Make it'):
        read_dump(path)
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError, match='no dump of tools/test.py: a list with a dict for each'):
        read_dump(path)


def test_a_model_of_one_task_is_refused():
    check_heads(dict(verb=1, noun=2, hands=3))
    with pytest.raises(ValueError, match=r"the model has no \['noun'\]"):
        check_heads(dict(verb=1))
