import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config

from egomm.registry import MODELS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope='module')
def summarise_run():
    spec = importlib.util.spec_from_file_location(
        'summarise_run', ROOT / 'tools' / 'summarise_run.py'
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sample(verb, noun, verb_scores, noun_scores):
    return dict(gt=dict(verb=verb, noun=noun), pred=dict(verb=verb_scores, noun=noun_scores))


SAMPLES = [
    sample(0, 1, [2.0, 0.0], [0.0, 1.0]),  # both right
    sample(0, 1, [2.0, 0.0], [0.0, 1.0]),  # both right
    sample(0, 0, [2.0, 0.0], [0.0, 1.0]),  # verb right
    sample(1, 0, [2.0, 0.0], [0.0, 1.0]),  # both wrong
]


def test_each_task_stands_beside_what_it_has_to_beat(summarise_run):
    report = summarise_run.measure(SAMPLES)
    assert report['verb']['top1'] == 75
    assert report['verb']['majority'] == 75  # three of four clips are verb 0
    assert report['verb']['ratio'] == 1
    assert report['noun']['top1'] == 50
    assert report['action']['top1'] == 50
    assert report['action']['majority'] == 50
    assert report['action']['product_of_accuracies'] == 37.5
    assert report['action']['product_of_majorities'] == 37.5
    # Wilson for 2 of 4: (0.5 + z^2/8 - z sqrt(1/16 + z^2/64)) / (1 + z^2/4) with z = 1.96
    assert report['noun']['lower95'] == pytest.approx(15.0, abs=0.05)


def test_a_masked_modality_is_compared_on_the_clips_that_have_another(summarise_run, monkeypatch):
    named = [dict(clip, narration_id=f'clip_{row}') for row, clip in enumerate(SAMPLES)]
    wrong = dict(verb=[0.0, 2.0], noun=[1.0, 0.0])
    # Without audio the last clip has nothing, and the first is no longer recognised.
    left = [dict(named[0], pred=wrong), *named[1:3]]
    monkeypatch.setattr(
        'egomm.apis.subsets.predict_subsets',
        lambda model, batches, subsets: {('audio',): [], ('rgb',): left},
    )
    model = SimpleNamespace(backbones=dict(rgb=None, audio=None))
    changes = summarise_run.without_each_modality(model, [], named)
    assert changes == dict(audio=pytest.approx(dict(verb=-100 / 3, noun=-100 / 3, action=-100 / 3)))


def test_a_dump_of_another_model_is_refused(summarise_run):
    model = SimpleNamespace(
        heads=dict(verb=SimpleNamespace(num_classes=2), noun=SimpleNamespace(num_classes=2))
    )
    summarise_run.check_answers(SAMPLES, model)
    silent = SimpleNamespace(heads=dict(verb=SimpleNamespace(), noun=SimpleNamespace()))
    summarise_run.check_answers(SAMPLES, silent)  # a head of one's own
    for other in (sample(0, 5, [1.0, 0.0], [1.0, 0.0]), sample(0, 0, [1.0, 0.0], [1.0])):
        with pytest.raises(ValueError, match='has 2 noun classes, but the dump has scores'):
            summarise_run.check_answers([*SAMPLES, other], model)


def test_tokens_are_no_clips_to_draw(summarise_run):
    loader = dict(dataset=dict(type='CachedTokens', folder='tokens'))
    config = Config(dict(train_dataloader=loader, test_dataloader=loader))
    with pytest.raises(ValueError, match='train_dataloader has the data set CachedTokens'):
        summarise_run.participants(config)


def test_frames_are_kept_of_the_wanted_clips_alone(summarise_run):
    clips = [SimpleNamespace(narration_id='a'), SimpleNamespace(narration_id='b')]
    batch = dict(inputs=dict(rgb=torch.rand(2, 3, 1, 4, 4)), data_samples=clips)
    frames = {}
    sound = dict(inputs=dict(audio=torch.rand(1)), data_samples=clips)
    assert list(summarise_run.keep_frames([batch, sound], {'b'}, frames)) == [batch, sound]
    assert list(frames) == ['b']
    assert torch.equal(frames['b'], batch['inputs']['rgb'][1])


def test_pictures_of_modalities_are_drawn_where_they_were_recorded(summarise_run):
    model = MODELS.build(
        dict(
            type='MultiIOModel',
            backbones=dict(rgb=dict(type='WrappedBackbone', model=dict(type='torch.nn.Identity'))),
            parts=dict(
                alone=dict(type='UnimodalHeads', in_channels=dict(rgb=4), num_classes=dict(verb=2))
            ),
            neck=dict(
                type='QueryFusion',
                in_channels=dict(rgb=4),
                out_channels=4,
                tasks=('verb', 'noun'),
                num_heads=2,
            ),
            heads=dict(
                verb=dict(type='ClassificationHead', in_channels=4, num_classes=2, source='verb')
            ),
        )
    )
    names = dict(verb=['cut', 'stir'], noun=['cup', 'pan'])
    assert summarise_run.draw_modalities(SAMPLES, SAMPLES, model, names) == {}
    recorded = [
        dict(
            clip,
            narration_id='clip',
            pred=dict(clip['pred'], attention=torch.rand(2, 2, 1), unimodal_verb=torch.rand(2, 1)),
        )
        for clip in SAMPLES
    ]
    figures = summarise_run.draw_modalities(recorded, recorded[:2], model, names)
    assert list(figures) == ['attention_by_class.png', 'confidence.png']
