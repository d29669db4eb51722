"""Two tasks' gradients, against those of plain backward passes; and that nothing is disturbed."""

import random

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from egomm.functional.conflict import pair_distance
from egomm.hooks.task_conflict import TaskConflictHook, measure_conflict, undisturbed
from egomm.registry import MODELS
from egomm.structures import EgoSample, Stream

LABELS = [dict(verb=0, noun=1), dict(verb=0, noun=2), dict(verb=1), dict(verb=2, noun=2)]


def model(query=False, frozen=False):
    neck = dict(type='ConcatFusion', in_channels=dict(rgb=4, audio=4))
    if query:
        neck = dict(
            type='QueryFusion',
            in_channels=dict(rgb=4, audio=4),
            out_channels=4,
            tasks=('verb', 'noun'),
            num_heads=2,
        )
    built = MODELS.build(
        dict(
            type='MultiIOModel',
            data_preprocessor=dict(
                type='EgoDataPreprocessor',
                modalities=dict(rgb=dict(mean=[0], std=[1]), audio=dict(mean=[0], std=[1])),
            ),
            backbones={
                name: dict(
                    type='WrappedBackbone',
                    model=dict(
                        type='torch.nn.Conv3d', in_channels=1, out_channels=4, kernel_size=2
                    ),
                )
                for name in ('rgb', 'audio')
            },
            neck=neck,
            heads={
                task: dict(
                    type='ClassificationHead',
                    in_channels=4 if query else 8,
                    num_classes=3,
                    source=task if query else 'fused',
                )
                for task in ('verb', 'noun')
            },
        )
    )
    for parameter in built.heads.parameters():
        torch.nn.init.normal_(parameter)
    built.backbones['rgb'].requires_grad_(not frozen)
    return built.eval()


def batch(rows=range(4)):
    generator = torch.Generator().manual_seed(0)
    clips = {name: torch.rand(4, 1, 3, 3, 3, generator=generator) for name in ('rgb', 'audio')}
    return dict(
        inputs={name: [x[row] for row in rows] for name, x in clips.items()},
        present={name: [True] * len(rows) for name in clips},
        data_samples=[EgoSample(gt=LABELS[row]) for row in rows],
    )


def gradients(net, task, parameters):
    """Of the task's mean loss over all four clips, by a backward pass."""
    data = net.data_preprocessor(batch(), True)
    net.zero_grad()
    net(**data, mode='loss')[f'{task}/loss'].backward()
    found = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    net.zero_grad()
    return torch.cat([gradient.flatten() for gradient in found])


@pytest.mark.parametrize('query', [False, True])
def test_cosines_are_those_of_backward_passes_however_the_clips_are_batched(query):
    net = model(query)
    measured = measure_conflict(net, [batch([0, 1, 2]), batch([3])], ('verb', 'noun'))
    places = {f'encoder_{name}': net.backbones[name] for name in ('rgb', 'audio')}
    if query:
        places['neck'] = net.neck
    for place, part in places.items():
        both = (gradients(net, task, list(part.parameters())) for task in ('verb', 'noun'))
        expected = F.cosine_similarity(*both, dim=0).item()
        assert measured[f'conflict/verb-noun/{place}'] == pytest.approx(expected, abs=1e-5)
    names = {'encoder_rgb', 'encoder_audio', 'feature_rgb', 'feature_audio'}
    names |= {'neck'} if query else {'fused'}
    assert {n.split('/')[2] for n in measured if n.startswith('conflict')} == names
    assert all(parameter.grad is None for parameter in net.parameters())


def test_on_a_shared_vector_the_cosine_is_that_of_the_heads_alone():
    net = model()
    measured = measure_conflict(net, [batch()], ('verb', 'noun'))
    fused = net.extract(net.data_preprocessor(batch(), True)['inputs'])['fused'].x.detach()
    fused.requires_grad_()
    both = []
    for task in ('verb', 'noun'):
        loss = net.heads[task].loss(Stream(fused), [labels.get(task) for labels in LABELS])['loss']
        both.append(torch.autograd.grad(loss, fused)[0].flatten())
    expected = F.cosine_similarity(*both, dim=0).item()
    assert measured['conflict/verb-noun/fused'] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize('query', [False, True])
def test_distances_are_of_labelled_clips_in_what_each_head_reads(query):
    net = model(query)
    measured = measure_conflict(net, [batch([0, 1]), batch([2, 3])], ('verb', 'noun'))
    outputs = net.extract(net.data_preprocessor(batch(), True)['inputs'])
    verb, noun = torch.tensor([0, 0, 2]), torch.tensor([1, 2, 2])
    for source in ('verb', 'noun') if query else ('fused',):
        x = outputs[source].x.detach()[[0, 1, 3]]
        for task, pair in (('verb', (verb, noun)), ('noun', (noun, verb))):
            name = f'distance/verb-noun/{source}_same_{task}'
            assert measured[name] == pytest.approx(pair_distance(x, *pair).item(), abs=1e-5)
    assert sum(name.startswith('distance') for name in measured) == (4 if query else 2)


def test_a_frozen_encoder_still_has_a_feature():
    measured = measure_conflict(model(frozen=True), [batch()], ('verb', 'noun'))
    assert 'conflict/verb-noun/encoder_rgb' not in measured
    assert 'conflict/verb-noun/feature_rgb' in measured
    assert 'conflict/verb-noun/encoder_audio' in measured


def test_modes_and_generators_are_as_before():
    net = torch.nn.Sequential(torch.nn.BatchNorm1d(3), torch.nn.Dropout(), torch.nn.Linear(3, 2))
    net[0].eval()  # frozen statistics in a training network
    state = {name: value.clone() for name, value in net.state_dict().items()}

    def draw():
        return torch.rand(1).item(), np.random.rand(), random.random()

    torch.manual_seed(0), np.random.seed(0), random.seed(0)
    expected = draw()
    torch.manual_seed(0), np.random.seed(0), random.seed(0)
    with undisturbed(net):
        assert not any(module.training for module in net.modules())
        net(torch.rand(5, 3))
        draw()
    assert draw() == expected
    assert [module.training for module in net.modules()] == [True, False, True, True]
    torch.testing.assert_close(net.state_dict(), state, rtol=0, atol=0)


@pytest.mark.parametrize('wrong', [dict(tasks=('verb', 'verb')), dict(clips=0)])
def test_two_tasks_and_positive_numbers_are_wanted(wrong):
    with pytest.raises(ValueError, match='wants the names of two tasks, and interval'):
        TaskConflictHook(**wrong)


def test_a_task_without_a_head_is_found_before_training():
    runner = type('Runner', (), dict(model=model()))
    with pytest.raises(ValueError, match=r"no head \['hands'\], only \['verb', 'noun'\]"):
        TaskConflictHook(tasks=('verb', 'hands')).before_train(runner)
