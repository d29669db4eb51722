"""Moments and answers in one's own videos are those of the data set that the model knows."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate

from egomm.apis import Localizer
from egomm.apis.windows import extract_windows
from egomm.registry import DATASETS, MODELS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope='module')
def world(recognizer, make_video, tmp_path_factory):
    """A video with extracted features, annotations, and the paths of two localizers."""
    root = tmp_path_factory.mktemp('localizer')
    video = make_video(root / 'videos/day.mp4', seconds=4.0)
    extract_windows(*recognizer, [video], root / 'features', window=16, stride=8)
    labels = [dict(label='wash', segment=[1.0, 3.0]), dict(label='cut', segment=[3.2, 3.9])]
    about = dict(parent_start_sec=0.0, video_id='day')
    moments = dict(day=dict(subset='val', duration=4.0, annotations=labels, **about))
    (root / 'moments.json').write_text(json.dumps(moments))
    (root / 'classes.txt').write_text('000\tcut\n001\twash\n')
    for kind in ('mq', 'nlq'):
        config = Config.fromfile(ROOT / f'configs/toy/asl_{kind}.py')
        source = dict(toy=dict(path='features'))
        config.test_dataloader.dataset.sources = source
        config.test_dataloader.dataset.data_root = str(root)
        words = {name: config.model.backbones[name] for name in ('words',) if kind == 'nlq'}
        config.model.backbones = dict(
            toy=dict(type='FeatureProjection', in_channels=192, out_channels=32), **words
        )
        config.model.neck.in_channels = dict(toy=32)
        if kind == 'mq':
            config.test_dataloader.dataset.classes = 'classes.txt'
            config.model.heads.moment.num_classes = 2
        head = config.model.heads['moment' if kind == 'mq' else 'query']
        head.decoding = dict(min_score=0.0, min_decayed=0.0)
        torch.manual_seed(3)
        model = MODELS.build(config.model)
        meta = dict(dataset_meta=dict(classes=dict(moment=['cut', 'wash'])))
        torch.save(dict(state_dict=model.state_dict(), meta=meta), root / f'{kind}.pth')
        config.dump(root / f'{kind}.py')
    return root, video


def localizer(world, kind, recognizer, **changes):
    arguments = dict(encoders=dict(toy=recognizer))
    return Localizer(world[0] / f'{kind}.py', world[0] / f'{kind}.pth', **{**arguments, **changes})


def test_moments_are_those_of_the_data_set(world, recognizer):
    root, video = world
    made = localizer(world, 'mq', recognizer)
    result = made.moments(video, top=7)
    config = Config.fromfile(root / 'mq.py')
    settings = config.test_dataloader.dataset
    settings.ann_file, settings.splits = 'moments.json', ['val']
    settings.cache = None
    dataset = DATASETS.build(settings)
    assert dataset.metainfo['sources'] == dict(toy=dict(fps=30.0, stride=8, window=16))
    (sample,) = made.model.test_step(pseudo_collate([dataset[0]]))
    found = sample.pred['moment']
    assert len(result['moments']) == 7
    for row, (start, stop), score, label in zip(
        result['moments'], found['segments'].tolist(), found['scores'], found['labels']
    ):
        assert (row['start'], row['stop']) == pytest.approx((start, stop), abs=1e-3)
        assert row['score'] == pytest.approx(float(score), rel=1e-3)
        assert row['name'] == ['cut', 'wash'][label]
    assert 'no flow: masked' in result['notes']
    assert not any('other weights' in note for note in result['notes'])


def test_stored_features_give_the_same_moments(world, recognizer):
    root, video = world
    made = localizer(world, 'mq', recognizer).moments(video)
    stored = localizer(world, 'mq', recognizer, encoders={}, features=dict(toy=root / 'features'))
    for there, here in zip(made['moments'], stored.moments(video)['moments'], strict=True):
        assert (here['name'], here['label']) == (there['name'], there['label'])
        for key in ('start', 'stop', 'score'):
            assert here[key] == pytest.approx(there[key], rel=1e-3, abs=1e-3)


def test_a_question_is_answered_and_one_look_serves_many(world, recognizer):
    made = localizer(world, 'nlq', recognizer)
    looked = made.look(world[1])
    first = made.answer(looked, 'Where did I wash the cup?', top=3)
    assert first['query'] == 'Where did I wash the cup?'
    assert [sorted(answer) for answer in first['answers']] == [['score', 'start', 'stop']] * 3
    scores = [answer['score'] for answer in first['answers']]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= row['start'] <= row['stop'] <= 4.01 for row in first['answers'])
    assert made.answer(world[1], 'Where did I wash the cup?', top=3) == first
    assert made.answer(looked, 'When did I open the door?', top=3)['answers'] != first['answers']


def test_an_array_is_looked_at(world, recognizer):
    frames = np.random.default_rng(0).integers(0, 255, (40, 48, 64, 3), np.uint8)
    result = localizer(world, 'mq', recognizer).moments(
        localizer(world, 'mq', recognizer).look(frames, fps=10.0)
    )
    assert result['duration'] == 4.0
    assert 'no audio: masked' in result['notes']


def test_other_weights_than_those_of_the_training_are_said(world, recognizer, tmp_path):
    other = tmp_path / 'other.pth'
    state = torch.load(recognizer[1], weights_only=True)
    torch.save(dict(state_dict={name: x * 1.01 for name, x in state['state_dict'].items()}), other)
    made = localizer(world, 'mq', recognizer, encoders=dict(toy=(recognizer[0], str(other))))
    assert any('features of toy from other weights than' in note for note in made.notes)


def test_stored_features_of_another_kind_are_refused_or_said(world, recognizer, tmp_path):
    root, video = world
    stored = json.loads((root / 'features/manifest.json').read_text())

    def other(**changes):
        (tmp_path / 'manifest.json').write_text(json.dumps({**stored, **changes}))
        return localizer(world, 'mq', recognizer, encoders={}, features=dict(toy=tmp_path))

    assert other().notes == other(window=16).notes
    with pytest.raises(ValueError, match='have fps=15.0, stride=4; .* trained on fps=30.0, strid'):
        other(fps=15.0, stride=4)
    with pytest.raises(ValueError, match='have dim=7; the localizer was trained on dim=192'):
        other(dim=7)
    notes = other(checkpoint=dict(sha256='0' * 64)).notes
    assert any(f'from other weights than those of {tmp_path}' in note for note in notes)


def test_flow_is_computed_as_for_the_features_of_the_training(world, recognizer, tmp_path):
    stored = json.loads((world[0] / 'features/manifest.json').read_text())
    stored['flow'] = dict(algorithm='farneback', bound=4.0, stride=2, opencv='5')
    (tmp_path / 'features').mkdir()
    (tmp_path / 'features/manifest.json').write_text(json.dumps(stored))
    config = Config.fromfile(world[0] / 'mq.py')
    config.test_dataloader.dataset.data_root = str(tmp_path)
    made = Localizer(config, world[0] / 'mq.pth', encoders=dict(toy=recognizer))
    frames = np.random.default_rng(0).integers(0, 255, (40, 48, 64, 3), np.uint8)
    notes = made.look(frames, fps=10.0).notes
    assert 'no audio: masked' in notes
    assert 'no flow: masked' not in notes


def test_what_does_not_fit_is_refused(world, recognizer):
    with pytest.raises(ValueError, match=r"\['toy'\]: \['toy'\] have no encoder or folder"):
        localizer(world, 'mq', recognizer, encoders={})
    with pytest.raises(ValueError, match=r"\['slow'\] is none"):
        localizer(world, 'mq', recognizer, features=dict(slow='x'))
    with pytest.raises(ValueError, match='a localizer has a data set with `sources`'):
        Localizer(*recognizer)
    with pytest.raises(ValueError, match='finds moments and takes no question'):
        localizer(world, 'mq', recognizer).answer(world[1], 'Where?')
    made = localizer(world, 'nlq', recognizer)
    with pytest.raises(ValueError, match='answers questions. Ask one'):
        made.moments(world[1])
    config = Config.fromfile(world[0] / 'nlq.py')
    config.test_dataloader.dataset.words = dict(path='words', dim=8)
    with pytest.raises(ValueError, match="vectors of words from 'words', .* --text-model"):
        Localizer(config, world[0] / 'nlq.pth', encoders=dict(toy=recognizer))


def test_a_question_is_read_as_vectors_of_a_text_model(world, recognizer, tmp_path, monkeypatch):
    class Encoder:
        about = dict(dim=8)

        def __init__(self, folder):
            self.folder = folder

        def __call__(self, sentences):
            return [np.full((60, 8), len(sentence), np.float32) for sentence in sentences]

    monkeypatch.setattr('egomm.apis.text_features.TextEncoder', Encoder)
    config = Config.fromfile(world[0] / 'nlq.py')
    config.test_dataloader.dataset.words = dict(path='words', dim=8)
    config.model.backbones.words = dict(type='torch.nn.Identity')
    config.model.neck.words.in_channels = 8
    torch.save(dict(state_dict=MODELS.build(config.model).state_dict()), tmp_path / 'w.pth')
    arguments = dict(encoders=dict(toy=recognizer), text_model='clip')
    made = Localizer(config, tmp_path / 'w.pth', **arguments)
    assert made.words('Where?').shape == (8, 48)  # as many words as the data set keeps
    assert len(made.answer(world[1], 'Where?', top=2)['answers']) == 2
    config.test_dataloader.dataset.words.dim = 4
    with pytest.raises(ValueError, match='clip gives vectors of 8, .* reads 4'):
        Localizer(config, tmp_path / 'w.pth', **arguments)


def test_an_encoder_of_another_width_is_refused(world, recognizer, mmaction_recognizer):
    made = localizer(world, 'mq', recognizer, encoders=dict(toy=mmaction_recognizer))
    with pytest.raises(ValueError, match="'toy' gives 80 channels, the localizer was trained on"):
        made.look(world[1])


def test_features_whose_times_nobody_knows_are_refused(world, recognizer, tmp_path):
    config = Config.fromfile(world[0] / 'mq.py')
    config.test_dataloader.dataset.data_root = str(tmp_path)
    with pytest.raises(ValueError, match=r"\['fps', 'stride', 'window'\] of the features 'toy'"):
        Localizer(config, world[0] / 'mq.pth', encoders=dict(toy=recognizer))
