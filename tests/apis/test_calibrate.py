"""Temperatures come from people that training never saw, and are measured on other people."""

import pytest
import torch

from egomm.apis.calibrate import calibrate
from egomm.functional.calibration import fit_temperature, negative_log_likelihood


def samples(people, clips=200, sharpness=4.0):
    """Answers that are ``sharpness`` times as sure as they ought to be."""
    generator = torch.Generator().manual_seed(1)
    made = []
    for number in range(clips):
        logits = 2 * torch.randn(4, generator=generator).double()
        label = int(torch.multinomial(logits.softmax(0), 1, generator=generator))
        made.append(
            dict(
                participant_id=people[number % len(people)],
                gt=dict(verb=label, hands=torch.zeros(8, 2, 3)),
                pred=dict(verb=sharpness * logits, hands=dict(points=torch.zeros(8, 2, 2))),
            )
        )
    return made


def test_too_sure_answers_are_cooled_down():
    found = calibrate(samples(['a', 'b', 'c'], clips=2000), set())
    assert list(found) == ['verb']
    verb = found['verb']
    assert verb.temperature == pytest.approx(4.0, rel=0.15)
    assert verb.clips == 2000
    assert verb.error[1] < 0.05 < 0.1 < verb.error[0]
    assert verb.likelihood_loss[1] < verb.likelihood_loss[0]


def test_it_is_measured_on_the_other_half_of_the_people():
    made = samples(['a', 'b'])
    verb = calibrate(made, set())['verb']
    losses = []
    for fitted_on, measured_on in (('a', 'b'), ('b', 'a')):
        (mine, labels), (other, other_labels) = (
            (
                torch.stack([x['pred']['verb'] for x in made if x['participant_id'] == name]),
                torch.tensor([x['gt']['verb'] for x in made if x['participant_id'] == name]),
            )
            for name in (fitted_on, measured_on)
        )
        temperature = fit_temperature(mine, labels)
        losses.append(negative_log_likelihood(other, other_labels, temperature))
    assert verb.likelihood_loss[1] == pytest.approx(sum(losses) / 2)


def test_people_of_the_training_part_are_left_out():
    assert calibrate(samples(['a', 'b', 'c']), {'c'})['verb'].clips == 134
    with pytest.raises(ValueError, match=r"of 200 clips, 67 are of such \(\['a'\]\)"):
        calibrate(samples(['a', 'b', 'c']), {'b', 'c'})


def test_clips_without_labels_are_refused():
    made = [{**sample, 'gt': {}} for sample in samples(['a', 'b'])]
    with pytest.raises(ValueError, match='No task has labels of both halves'):
        calibrate(made, set())
