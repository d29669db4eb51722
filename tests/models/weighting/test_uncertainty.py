import math

import pytest
import torch

from egomm.models.weighting.uncertainty import UncertaintyWeights


def total(weights, losses):
    factors, scalars = weights(losses, [])
    return sum(factors[task] * loss for task, loss in losses.items()) + scalars['loss']


def test_each_variance_becomes_its_loss():
    # loss / v + log(v) / 2 is least at v = 2 loss; half the weight makes it v = loss.
    weights = UncertaintyWeights(tasks=['verb', 'gaze'], regression=['gaze']).double()
    losses = dict(verb=torch.tensor(3.0).double(), gaze=torch.tensor(0.2).double())
    optimizer = torch.optim.LBFGS(weights.parameters(), max_iter=100)

    def closure():
        optimizer.zero_grad()
        value = total(weights, losses)
        value.backward()
        return value

    optimizer.step(closure)
    variance = {name: math.exp(value.item()) for name, value in weights.log_variances.items()}
    assert variance == pytest.approx(dict(verb=6.0, gaze=0.2), rel=1e-4)
    factors, scalars = weights(losses, [])
    assert factors['verb'].item() == pytest.approx(1 / 6, rel=1e-4)
    assert scalars['gaze'].item() == pytest.approx(0.5 / 0.2, rel=1e-4)


def test_a_task_without_labels_leaves_its_variance_alone():
    weights = UncertaintyWeights(tasks=['verb', 'gaze'])
    total(weights, dict(verb=torch.tensor(1.0), gaze=torch.tensor(0.0))).backward()
    assert weights.log_variances['gaze'].grad == 0
    assert weights.log_variances['verb'].grad == pytest.approx(-1 + 0.5)


def test_the_model_learns_them_along_and_logs_the_factors(opposed):
    model, batch = opposed(dict(type='UncertaintyWeights', tasks=['verb', 'noun']))
    losses = model(**model.data_preprocessor(batch, True), mode='loss')
    assert losses['weighting/verb'] == 1
    model.parse_losses(losses)[0].backward()
    assert all(value.grad != 0 for value in model.weighting.parameters())


def test_two_processes_learn_the_weights_that_one_learns(weighted_steps):
    """Labels are uneven, and one process has none of the third task."""
    one, *two = weighted_steps['UncertaintyWeights']
    gradients = [value for name, value in one['gradients'].items() if 'log_variances' in name]
    assert len(gradients) == 3
    assert all(gradient != 0 for gradient in gradients)
    for process in two:
        torch.testing.assert_close(process, one, rtol=1e-5, atol=1e-5)


def test_other_tasks_than_the_heads_are_refused():
    with pytest.raises(ValueError, match=r"tasks=\['verb'\], but the heads are for \['noun'\]"):
        UncertaintyWeights(tasks=['verb'])(dict(noun=torch.tensor(1.0)), [])
    with pytest.raises(ValueError, match=r"`regression` out of it; got \['verb'\] and \['gaze'\]"):
        UncertaintyWeights(tasks=['verb'], regression=['gaze'])
