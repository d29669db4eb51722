"""PCGrad in MMEngine's flow against gradients taken and projected one by one."""

import pytest
import torch
from mmengine.optim import OptimWrapper


def shared(model):
    return list(model.backbones.parameters())


def expected_gradient(model, batch):
    """The two tasks' gradients of separate passes, each without what points against the other."""
    gradients = []
    for task in ('verb', 'noun'):
        losses = model(**model.data_preprocessor(batch, True), mode='loss')
        parts = torch.autograd.grad(losses[f'{task}/loss'], shared(model))
        gradients.append(torch.cat([part.flatten() for part in parts]))
    one, other = gradients
    product = one @ other
    assert product < 0
    return one - product / (other @ other) * other + other - product / (one @ one) * one


def flat_gradient(model):
    return torch.cat([parameter.grad.flatten() for parameter in shared(model)])


def backward(model, batch):
    losses = model(**model.data_preprocessor(batch, True), mode='loss')
    model.parse_losses(losses)[0].backward()
    return losses


def test_shared_parameters_get_the_projected_sum_and_heads_their_own(opposed):
    model, batch = opposed(dict(type='PCGrad'))
    plain, _ = opposed()
    wanted = expected_gradient(plain, batch)
    backward(plain, batch)
    losses = backward(model, batch)
    assert not torch.allclose(flat_gradient(plain), wanted)
    torch.testing.assert_close(flat_gradient(model), wanted, rtol=1e-6, atol=1e-12)
    for task in ('verb', 'noun'):
        torch.testing.assert_close(
            model.heads[task].linear.weight.grad, plain.heads[task].linear.weight.grad
        )
    assert losses['weighting/loss'] == 0
    assert losses['weighting/conflicts'] == 100


def test_any_optimizer_wrapper_takes_it(opposed):
    model, batch = opposed(dict(type='PCGrad'))
    wanted = expected_gradient(opposed()[0], batch)
    before = torch.cat([parameter.detach().clone().flatten() for parameter in shared(model)])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    wrapper = OptimWrapper(optimizer, accumulative_counts=2)
    for _ in range(2):  # two micro-batches, the same one
        logged = model.train_step(batch, wrapper)
    after = torch.cat([parameter.detach().flatten() for parameter in shared(model)])
    torch.testing.assert_close(before - after, 0.5 * wanted, rtol=1e-6, atol=1e-12)
    assert logged['loss'] == logged['verb/loss'] + logged['noun/loss']


def test_under_autocast_only_the_network_rounds(opposed):
    model, batch = opposed(dict(type='PCGrad'))
    model = model.float()
    wanted = expected_gradient(opposed()[0], batch).float()
    with torch.autocast('cpu', torch.bfloat16):
        losses = model(**model.data_preprocessor(batch, True), mode='loss')
        model.parse_losses(losses)[0].backward()
    torch.testing.assert_close(flat_gradient(model), wanted, rtol=0.1, atol=0.02)


def test_two_processes_with_a_scaler_project_the_gradients_that_one_does(weighted_steps):
    """Also what TaskGradientHook logs; labels are uneven, one process has none of one task."""
    one, *two = weighted_steps['PCGrad']
    assert one['logged']['weighting/conflicts'] > 0
    assert one['logged']['train/tasks/noun_action_cosine'] < 0
    for process in two:
        torch.testing.assert_close(process, one, rtol=1e-5, atol=1e-5)


def test_small_gradients_in_float16_are_projected_as_in_float32(opposed):
    """The losses are so small that their gradients are 0 in float16 unless they are scaled."""
    fixed, (model, batch) = opposed()[0], opposed(dict(type='PCGrad'))
    batch['inputs']['rgb'] = [1e-3 * clip for clip in batch['inputs']['rgb']]
    fixed, model = fixed.float(), model.float()
    for head in (*fixed.heads.values(), *model.heads.values()):
        head.linear.weight.data *= 1e-3
    wanted = expected_gradient(fixed, batch)
    scaler = torch.amp.GradScaler('cpu')
    with torch.autocast('cpu', torch.float16):
        losses = model(**model.data_preprocessor(batch, True), mode='loss')
        total = model.parse_losses(losses)[0]
    scaler.scale(total).backward()
    got = flat_gradient(model) / scaler.get_scale()
    assert losses['weighting/conflicts'] == 100
    # Weights and biases apart: those of the weights are the small ones.
    for part, whole in zip(got.split(4), wanted.split(4), strict=True):
        assert (part - whole).norm() < 0.02 * whole.norm()


def test_a_task_alone_and_a_pass_without_gradients_have_no_conflicts(opposed):
    model, batch = opposed(dict(type='PCGrad'))
    with torch.no_grad():
        losses = model(**model.data_preprocessor(batch, True), mode='loss')
    assert 'weighting/conflicts' not in losses
    del model.heads['noun']
    losses = backward(model, batch)
    assert 'weighting/conflicts' not in losses
    assert flat_gradient(model).any()


def test_nothing_shared_is_refused(opposed):
    model, batch = opposed(dict(type='PCGrad'))
    model.backbones.requires_grad_(False)
    with pytest.raises(ValueError, match='got 2 and 0. Is every backbone frozen'):
        model(**model.data_preprocessor(batch, True), mode='loss')
