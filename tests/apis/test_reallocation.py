import pytest
import torch

from egomm.apis.reallocation import SavedClips, cross_fit, gather, logits, search, top1
from egomm.registry import MODELS
from egomm.structures import EgoSample, Stream

NAMES = ('rgb', 'audio')


def model(**neck):
    """Query fusion on vectors, with weights that are not tiny."""
    torch.manual_seed(3)
    built = MODELS.build(
        dict(
            type='MultiIOModel',
            backbones={name: dict(type='torch.nn.Identity') for name in NAMES},
            neck=dict(
                type='QueryFusion',
                in_channels=dict.fromkeys(NAMES, 8),
                out_channels=8,
                tasks=('verb', 'noun'),
                num_heads=2,
                **neck,
            ),
            heads={
                task: dict(type='ClassificationHead', in_channels=8, num_classes=k, source=task)
                for task, k in (('verb', 3), ('noun', 4))
            },
            record=('readout',),
        )
    )
    with torch.no_grad():
        for value in built.parameters():
            value.copy_(torch.randn_like(value))
    return built.eval()


def inputs(count):
    torch.manual_seed(5)
    return {name: Stream(torch.randn(count, 8, 3)) for name in NAMES}


def dump(count=24, people=4):
    """Samples as a test run with recorded attention leaves them."""
    torch.manual_seed(7)
    samples = [
        EgoSample(
            metainfo=dict(participant_id=f'P{i % people:02d}'),
            gt=dict(verb=i % 3, noun=(i * 7) % 4) if i else dict(verb=0),
        )
        for i in range(count)
    ]
    with torch.no_grad():
        model()(inputs(count), samples, mode='predict')
    return [sample.to_dict() | dict(gt=sample.gt, pred=sample.pred) for sample in samples]


def test_the_closed_form_answers_as_the_network_does_with_these_weights():
    weights = torch.tensor([[2.0, 0.5], [0.0, 3.0]])
    found = logits(model(), gather(dump(), model()), weights)
    table = dict(verb=dict(rgb=2.0, audio=0.5), noun=dict(rgb=0.0, audio=3.0))
    network = model(reallocation=dict(type='FixedReallocation', weights=table))
    samples = network(inputs(24), [EgoSample() for _ in range(24)], mode='predict')
    for task in ('verb', 'noun'):
        expected = torch.stack([sample.pred[task] for sample in samples])
        torch.testing.assert_close(found[task], expected)


def test_no_steps_change_nothing():
    clips = gather(dump(), model())
    fit = cross_fit(model(), clips, steps=0)
    assert (fit.weights == 1).all()
    assert fit.plain == fit.held_out == fit.in_sample


def test_the_search_lowers_the_loss_of_each_task():
    clips, network = gather(dump(), model()), model()
    weights = search(network, clips, steps=20)
    assert (weights != 1).any()
    for task in ('verb', 'noun'):
        known = clips.labels[task] >= 0
        before, after = (
            torch.nn.functional.cross_entropy(
                logits(network, clips, table)[task][known], clips.labels[task][known]
            )
            for table in (torch.ones(2, 2), weights)
        )
        assert after <= before


def test_a_modality_that_only_misleads_is_switched_off():
    """Labels are what the network says without audio."""
    clips, network = gather(dump(), model()), model()
    truth = logits(network, clips, torch.tensor([[1.0, 0.0], [1.0, 0.0]]))
    labels = {task: values.argmax(dim=1) for task, values in truth.items()}
    clips = SavedClips(clips.readout, labels, clips.participants)
    weights = search(network, clips, steps=20)
    assert (weights[:, 1] < 0.5 * weights[:, 0]).all()
    assert top1(logits(network, clips, weights), labels)['action'] > 90


def test_each_half_is_scored_with_the_weights_of_the_other(monkeypatch):
    clips, network = gather(dump(), model()), model()
    chosen_on = []

    def remember(model, part, steps, progress):
        chosen_on.append(set(part.participants))
        return torch.ones(2, 2)

    monkeypatch.setattr('egomm.apis.reallocation.search', remember)
    cross_fit(network, clips, steps=5)
    everybody, one, other = chosen_on
    assert everybody == one | other
    assert not one & other


def test_top1_counts_labelled_clips_alone():
    scores = dict(verb=torch.eye(3), noun=torch.eye(3))
    labels = dict(verb=torch.tensor([0, 1, -1]), noun=torch.tensor([0, 2, 2]))
    found = top1(scores, labels)
    assert found == pytest.approx(dict(verb=100, noun=200 / 3, action=50))


def test_a_dump_without_what_the_closed_form_needs_is_refused():
    samples = dump()
    del samples[0]['pred']['readout']
    with pytest.raises(ValueError, match=r"without 'readout'\. Make it with tools/test\.py"):
        gather(samples, model())


@pytest.mark.parametrize('place', [0, 5])
def test_a_clip_without_readout_or_with_nan_is_refused(place):
    samples = dump()
    samples[place]['pred']['readout'] = samples[place]['pred']['readout'] * float('nan')
    with pytest.raises(ValueError, match=f'1 clips is not finite, first of clip {place}'):
        gather(samples, model())
    del samples[place]['pred']['readout']
    with pytest.raises(ValueError, match="some or all without 'readout'"):
        gather(samples, model())


def test_a_dump_of_another_model_is_refused():
    samples = dump()
    samples[3]['gt'] = dict(verb=0, noun=4)
    with pytest.raises(ValueError, match='has noun 4, but the head of the model has 4 classes'):
        gather(samples, model())
    samples[3]['gt'] = dict(verb=0)
    samples[3]['pred']['readout'] = torch.zeros(2, 2, 4, 5)
    with pytest.raises(ValueError, match=r'readout \(2, 2, 4, 5\).* gives \(2, 2, 3, 5\)'):
        gather(samples, model())


def test_answers_of_another_checkpoint_or_of_several_views_are_refused():
    samples, other = dump(), model()
    with torch.no_grad():
        other.heads['noun'].linear.bias[0] += 1
    with pytest.raises(ValueError, match='answers to noun in the dump are not those of this model'):
        gather(samples, other)
    for sample in samples:
        sample['pred']['verb'] = sample['pred']['verb'].log_softmax(dim=0)
    with pytest.raises(ValueError, match='answers to verb .* test in a single view'):
        gather(samples, model())


@pytest.mark.parametrize('label', ['cut', (1, 2), -3, float('nan')])
def test_what_is_no_class_is_refused_as_label(label):
    samples = dump()
    samples[3]['gt'] = dict(verb=label, noun=0)
    with pytest.raises(ValueError, match=r'has the label .*; the number of a class is wanted'):
        gather(samples, model())


def test_clips_of_nobody_cannot_be_halved():
    samples = dump()
    del samples[2]['participant_id']
    with pytest.raises(ValueError, match='lack a participant_id'):
        gather(samples, model())


def test_a_task_called_action_keeps_its_own_accuracy():
    found = top1(
        dict(action=torch.eye(2), verb=torch.eye(2)),
        dict(action=torch.tensor([0, 1]), verb=torch.tensor([1, 1])),
    )
    assert found == dict(action=100, verb=50)


def test_a_task_without_labels_is_refused_also_if_only_half_the_people_have_them():
    samples = dump()
    for index, sample in enumerate(samples):
        sample['gt'] = dict(noun=0, verb=1) if index % 2 else dict(noun=0)
    with pytest.raises(ValueError, match=r"Half of the participants have no label of \['verb'\]"):
        cross_fit(model(), gather(samples, model()), steps=1)
    for sample in samples:
        sample['gt'] = dict(noun=0)
    with pytest.raises(ValueError, match=r"No clip of the dump has a label of \['verb'\]"):
        gather(samples, model())


def test_one_participant_cannot_be_halved():
    clips = gather(dump(people=1), model())
    with pytest.raises(ValueError, match=r"at least two participants; got \['P00'\]"):
        cross_fit(model(), clips, steps=1)
