import pytest

from egomm.apis.answers import accuracies, labelled, mean_class_accuracies


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
