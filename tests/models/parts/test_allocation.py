import math
from pathlib import Path

import numpy as np
import pytest
import torch

from egomm.registry import MODELS
from egomm.structures import Stream

GOLDEN = Path(__file__).parents[2] / 'golden' / 'mimo' / 'alloc_loss.npz'
TASKS = ('verb', 'noun')


def part(**options):
    settings = dict(
        type='AllocationLoss', tasks=TASKS, modalities=('rgb', 'flow', 'audio'), weight=1.0
    )
    return MODELS.build(settings | options)


def golden_outputs():
    """Attention and unimodal predictions of the golden file, as neck and part leave them."""
    data = {key: torch.from_numpy(value) for key, value in np.load(GOLDEN).items()}
    mass = torch.stack([data[f'{task}_s'] for task in TASKS], dim=2).requires_grad_()
    batch = mass.shape[0]
    outputs = {'attention': Stream(mass)}
    for task in TASKS:
        logits = data[f'{task}_unimodal_logits'].transpose(1, 2)
        outputs[f'unimodal_{task}'] = Stream(logits, torch.ones(batch, 3, dtype=torch.bool))
    return outputs, {task: [0] * batch for task in TASKS}, data


@pytest.mark.parametrize(
    'direction, suffix', [('text', '_described'), ('as_printed', '')], ids=['text', 'as_printed']
)
def test_loss_and_gradient_are_the_golden_ones(direction, suffix):
    outputs, targets, data = golden_outputs()
    losses = part(direction=direction).loss(outputs, targets)
    for index, task in enumerate(TASKS):
        golden = data[f'{task}_loss{suffix}_per_sample']
        torch.testing.assert_close(
            losses[f'{task}_loss'].double(), golden.mean(), atol=1e-6, rtol=0
        )
        (gradient,) = torch.autograd.grad(
            losses[f'{task}_loss'], outputs['attention'].x, retain_graph=True
        )
        torch.testing.assert_close(
            gradient[:, :, index] * len(golden), data[f'{task}_grad_s{suffix}'], atol=1e-6, rtol=0
        )


def test_normalised_entropies_scale_the_loss():
    outputs, targets, data = golden_outputs()
    plain = part().loss(outputs, targets)['noun_loss']
    scaled = part(normalise=True).loss(outputs, targets)['noun_loss']
    classes = data['noun_unimodal_logits'].shape[2]
    torch.testing.assert_close(scaled, plain / math.log(classes))


def test_weight_zero_only_logs_who_looks_at_what():
    outputs, targets, data = golden_outputs()
    logged = part(weight=0.0).loss(outputs, targets)
    assert not any('loss' in name for name in logged)
    expected = data['verb_s'].mean(dim=(0, 1)).float()
    got = torch.stack([logged[f'verb_{name}_share'] for name in ('rgb', 'flow', 'audio')])
    torch.testing.assert_close(got, expected)


def test_shuffled_entropies_are_those_of_other_samples():
    outputs, targets, _ = golden_outputs()
    same = {name: Stream(s.x[:1].expand_as(s.x), s.mask) for name, s in outputs.items()}
    plain = part().loss(same, targets)['verb_loss']
    torch.testing.assert_close(part(shuffle=True).loss(same, targets)['verb_loss'], plain)
    values = {part(shuffle=True).loss(outputs, targets)['verb_loss'].item() for _ in range(8)}
    assert len(values) > 1


def test_missing_modalities_and_unlabelled_samples_take_no_part():
    outputs, targets, _ = golden_outputs()
    outputs = {name: Stream(s.x.detach().clone(), s.mask) for name, s in outputs.items()}
    for task in TASKS:
        outputs[f'unimodal_{task}'].mask[:, 2] = False
        targets[task] = [0, *[None] * (len(targets[task]) - 1)]
    expected = part().loss(outputs, targets)
    outputs['attention'].x[:, :, :, 2] = math.nan
    outputs['attention'].x[1:] = math.nan
    outputs['unimodal_verb'].x[:, :, 2] = math.nan
    got = part().loss(outputs, targets)
    assert got['verb_loss'] == expected['verb_loss']
    assert got['verb_rgb_share'] == expected['verb_rgb_share']
    assert got['verb_audio_share'] == 0


def test_one_modality_gives_loss_zero():
    outputs = {
        'attention': Stream(torch.rand(2, 4, 1, 1)),
        'unimodal_verb': Stream(torch.rand(2, 5, 1), torch.ones(2, 1, dtype=torch.bool)),
    }
    loss = part(tasks=('verb',), modalities=('rgb',)).loss(outputs, dict(verb=[1, 2]))
    assert loss['verb_loss'].item() == 0


@pytest.mark.parametrize(
    'lacking, words',
    [
        ('attention', r"'attention' of \(2, 3\) tasks and modalities; got none among"),
        ('unimodal_noun', r"for 'noun'; got none\. Give the model parts=dict\(unimodal="),
    ],
)
def test_what_it_reads_must_be_there(lacking, words):
    outputs, targets, _ = golden_outputs()
    del outputs[lacking]
    with pytest.raises(ValueError, match=words):
        part().loss(outputs, targets)


def test_another_number_of_modalities_is_refused():
    outputs, targets, _ = golden_outputs()
    with pytest.raises(ValueError, match=r'got \(2, 3\)'):
        part(modalities=('rgb', 'flow')).loss(outputs, targets)


@pytest.mark.parametrize(
    'options', [dict(weight=-1.0), dict(weight=math.inf), dict(direction='up')]
)
def test_settings_that_cannot_be_meant_are_refused(options):
    with pytest.raises(ValueError, match='wants finite weight >= 0 and direction'):
        part(**options)
