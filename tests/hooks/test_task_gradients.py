from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapper

from egomm.hooks import TaskGradientHook
from egomm.registry import MODELS
from egomm.structures import EgoSample


def build(tasks=('verb', 'noun')):
    head = dict(type='ClassificationHead', in_channels=4, num_classes=3, source='rgb', dropout=0.0)
    conv = dict(type='torch.nn.Conv3d', in_channels=1, out_channels=4, kernel_size=1)
    return MODELS.build(
        dict(
            type='MultiIOModel',
            data_preprocessor=dict(
                type='EgoDataPreprocessor', modalities=dict(rgb=dict(mean=[0.0], std=[1.0]))
            ),
            backbones=dict(rgb=dict(type='WrappedBackbone', model=conv)),
            neck=dict(type='torch.nn.Identity'),
            heads=dict.fromkeys(tasks, head),
            weighting=dict(type='FixedWeights', weights={tasks[-1]: 0.1}),
        )
    )


def test_losses_norms_and_cosines_are_logged_at_intervals():
    model = build()
    samples = [EgoSample(gt=dict(verb=1, noun=2)), EgoSample(gt=dict(verb=0))]
    batch = dict(
        inputs=dict(rgb=list(torch.rand(2, 1, 2, 2, 2))),
        present=dict(rgb=[True, True]),
        data_samples=samples,
    )
    losses = model(**model.data_preprocessor(batch, True), mode='loss')
    shared = list(model.backbones.parameters())
    verb, noun = (
        torch.cat([g.flatten() for g in torch.autograd.grad(loss, shared, retain_graph=True)])
        for loss in (losses['verb/loss'], losses['noun/loss'] * 10)
    )
    hub = MessageHub('task gradients')
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    runner = SimpleNamespace(
        model=model, iter=0, message_hub=hub, optim_wrapper=OptimWrapper(optimizer)
    )
    hook = TaskGradientHook(interval=2)
    hook.before_train(runner)
    model.train_step(batch, runner.optim_wrapper)
    assert not hub.log_scalars
    runner.iter = 1
    model.train_step(batch, runner.optim_wrapper)
    logged = {name: value.current() for name, value in hub.log_scalars.items()}
    assert logged == pytest.approx(
        {
            'train/tasks/verb_loss': losses['verb/loss'].item(),
            'train/tasks/noun_loss': 10 * losses['noun/loss'].item(),
            'train/tasks/verb_gradient': verb.norm().item(),
            'train/tasks/noun_gradient': noun.norm().item(),
            'train/tasks/verb_noun_cosine': torch.cosine_similarity(verb, noun, dim=0).item(),
        },
        rel=1e-5,
    )
    hook.after_train(runner)
    runner.iter = 3
    model.train_step(batch, runner.optim_wrapper)
    assert len(hub.get_scalar('train/tasks/verb_loss').data[0]) == 1


def test_a_task_alone_has_no_cosine():
    model = build(tasks=('verb',))
    hub = MessageHub('one task')
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    runner = SimpleNamespace(
        model=model, iter=0, message_hub=hub, optim_wrapper=OptimWrapper(optimizer)
    )
    TaskGradientHook(interval=1).before_train(runner)
    batch = dict(
        inputs=dict(rgb=[torch.rand(1, 2, 2, 2)]),
        present=dict(rgb=[True]),
        data_samples=[EgoSample(gt=dict(verb=1))],
    )
    model.train_step(batch, runner.optim_wrapper)
    assert set(hub.log_scalars) == {'train/tasks/verb_loss', 'train/tasks/verb_gradient'}


def test_an_interval_below_one_is_refused():
    with pytest.raises(ValueError, match='interval >= 1; got 0'):
        TaskGradientHook(interval=0)
