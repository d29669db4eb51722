import math

import pytest
import torch

from egomm.registry import MODELS
from egomm.structures import Stream

NAMES = dict(modalities=('rgb', 'flow', 'audio'), tasks=('verb', 'noun'))


def fixed(weights):
    return MODELS.build(dict(type='FixedReallocation', weights=weights, **NAMES))({})


def test_weights_by_modality_hold_for_all_tasks():
    assert fixed(dict(flow=2, audio=0)).tolist() == [[[1, 2, 0], [1, 2, 0]]]


def test_weights_by_task_leave_the_other_task_alone():
    assert fixed(dict(noun=dict(rgb=3))).tolist() == [[[1, 1, 1], [3, 1, 1]]]


@pytest.mark.parametrize(
    'weights, words',
    [
        (dict(sound=1.0), r"\['sound'\] unknown"),
        (dict(action=dict(rgb=1.0)), r"\['action'\] unknown"),
        (dict(verb=dict(depth=1.0)), r"\['depth'\] unknown"),
        (None, 'wants a dict of weights by modality'),
        (dict(verb=dict(rgb=1.0), noun=2.0), 'a dict of such dicts by task'),
        (dict(rgb=-1.0), 'got -1'),
        (dict(rgb=math.nan), 'NaN or infinity'),
        (dict(rgb='much'), "wants numbers as weights; .* with 'much'"),
        (dict(verb=dict(rgb=None)), 'wants numbers as weights; .* with None'),
        (dict(rgb=0, flow=0, audio=0), r"weight 0 for every modality of \['verb', 'noun'\]"),
        (dict(verb=dict(rgb=0, flow=0, audio=0)), r"every modality of \['verb'\]"),
    ],
)
def test_weights_that_cannot_be_meant_are_refused(weights, words):
    with pytest.raises(ValueError, match=words):
        fixed(weights)


def unsure(beta, logits):
    part = MODELS.build(dict(type='UncertaintyReallocation', beta=beta, **NAMES))
    return part({f'unimodal_{task}': Stream(logits) for task in NAMES['tasks']})


def test_a_certain_modality_keeps_weight_one_and_an_ignorant_one_loses():
    logits = torch.zeros(1, 4, 3)
    logits[0, 0, 0] = 100.0  # rgb is certain, the others know nothing: u = 0, 1, 1
    expected = torch.tensor([1.0, math.exp(-2), math.exp(-2)])
    torch.testing.assert_close(unsure(2.0, logits)[0, 1], expected)


def test_a_huge_beta_leaves_the_most_certain_modality_and_no_overflow():
    for beta in (500.0, -500.0):
        weights = unsure(beta, torch.randn(4, 5, 3))
        assert torch.isfinite(weights).all()
        assert (weights.amax(dim=2) == 1).all()


def test_a_missing_modality_has_no_say_in_the_weights_of_the_others():
    logits = torch.zeros(3, 4, 3)
    logits[:, 0, 0] = 100.0  # rgb is certain, but only the first sample has it
    mask = torch.tensor([[True, True, True], [False, True, True], [False, False, False]])
    part = MODELS.build(dict(type='UncertaintyReallocation', beta=50.0, **NAMES))
    weights = part({f'unimodal_{task}': Stream(logits, mask) for task in NAMES['tasks']})
    assert weights[0, 0].argmax() == 0
    assert weights[1, 0].tolist() == [0, 1, 1]
    assert weights[2, 0].tolist() == [0, 0, 0]


def test_beta_zero_changes_nothing():
    assert (unsure(0.0, torch.randn(2, 5, 3)) == 1).all()


def test_missing_predictions_are_named():
    with pytest.raises(ValueError, match=r"for 'verb'; got 2 modalities\. Give the model parts="):
        unsure(1.0, torch.randn(2, 5, 2))


def test_an_infinite_beta_is_refused():
    with pytest.raises(ValueError, match='finite beta; got inf'):
        unsure(math.inf, torch.randn(2, 5, 3))
