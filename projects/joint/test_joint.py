"""One network, five tasks: who looks at what, and that all of it learns."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from egomm.registry import MODELS
from egomm.structures import Stream

CLASSES = ('action', 'verb', 'noun')


@pytest.fixture(scope='module')
def model():
    torch.manual_seed(0)
    return MODELS.build(Config.fromfile(Path(__file__).with_name('joint_toy.py')).model).eval()


def streams(audio, heard=True):
    rgb = torch.randn(2, 3, 8, 64, 64, generator=torch.Generator().manual_seed(1))
    present = torch.tensor([heard, heard])
    return dict(rgb=Stream(rgb, torch.tensor([True, True])), audio=Stream(audio, present))


def answers(model, inputs):
    with torch.no_grad():
        outputs = model(inputs)
        return {task: head(outputs[head.source]) for task, head in model.heads.items()}


def test_classes_listen_and_points_only_look(model):
    one, other = torch.randn(2, 2, 1, 8, 64, 64)
    first, second = (answers(model, streams(audio)) for audio in (one, other))
    for task in CLASSES:
        assert not torch.equal(first[task], second[task])
    for task in ('hands', 'gaze'):
        assert torch.equal(first[task], second[task])
        assert first[task].shape == (2, 2, {'hands': 2, 'gaze': 1}[task], 8, 8)


def test_without_sound_its_values_do_not_matter(model):
    one, other = torch.randn(2, 2, 1, 8, 64, 64)
    first, second = (answers(model, streams(audio, heard=False)) for audio in (one, other))
    for task, answer in first.items():
        assert torch.equal(answer, second[task])


def test_every_task_reaches_the_shared_encoder(model):
    outputs = model(streams(torch.randn(2, 1, 8, 64, 64)))
    first_layer = model.backbones['rgb'].layers[0].weight
    for task, head in model.heads.items():
        value = head(outputs[head.source])
        [gradient] = torch.autograd.grad((value**2).sum(), first_layer, retain_graph=True)
        assert gradient.abs().sum() > 0, task
