"""One's own clip in, classes with names and scores out."""

import numpy as np
import pytest
import torch
from mmengine.config import Config

from egomm.apis import Recognizer
from egomm.apis.clip_models import Clip
from egomm.apis.recognizer import toy_notes
from egomm.datasets.media import MediaError
from egomm.datasets.streams import SoundStream, VideoFrames


@pytest.fixture(scope='module')
def video(make_video, tmp_path_factory):
    return make_video(tmp_path_factory.mktemp('recognizer video') / 'a clip.mp4')


@pytest.fixture(scope='module')
def toy(recognizer):
    return Recognizer(
        *recognizer, names=dict(verb=[f'do {number}' for number in range(12)], noun=[])
    )


def test_a_clip_is_recognised(toy, video):
    result = toy(video, start=1.0, stop=3.0, top=3)
    assert result['present'] == dict(rgb=True, flow=False, audio=True)
    assert [len(result['tasks'][task]) for task in ('verb', 'noun', 'action')] == [3, 3, 3]
    images = np.stack(list(VideoFrames(str(video), 30.0))[30:90])
    clip = Clip(images, 30.0, SoundStream(str(video)), 1.0)
    (sample,) = toy.clips.predict([toy.clips.pack(clip)])
    verb, noun = (sample.pred[task].softmax(-1) for task in ('verb', 'noun'))
    best = result['tasks']['verb'][0]
    assert best['label'] == int(verb.argmax())
    assert best['name'] == f'do {best["label"]}'
    assert best['score'] == pytest.approx(float(verb.max()), rel=1e-4)
    action = result['tasks']['action'][0]
    assert action['score'] == pytest.approx(float(verb.max() * noun.max()), rel=1e-4)
    assert action['name'] == f'do {verb.argmax()} noun {noun.argmax()}'
    assert 'no flow: masked' in result['notes']
    assert result['notes'][0].startswith('a toy model: its labels are those of a generated')
    assert result['notes'][-1] == 'scores rank the classes; they are no calibrated confidence'


def test_arrays_and_folders_are_taken(toy):
    frames = np.random.default_rng(0).integers(0, 255, (20, 48, 64, 3), np.uint8)
    result = toy(frames, fps=10.0)
    assert (result['source'], result['duration']) == ('array', 2.0)
    assert result['present'] == dict(rgb=True, flow=False, audio=False)


def test_silence_is_no_sound(toy, make_video, tmp_path):
    result = toy(make_video(tmp_path / 'silent.mp4', seconds=1.0, tone=0))
    assert result['present'] == dict(rgb=True, flow=False, audio=False)
    assert 'no audio: masked' in result['notes']
    assert 'no sound' not in result['notes']  # there is a track


def test_attention_is_told_as_shares(toy, video):
    attention = toy(video)['attention']
    assert list(attention) == ['verb', 'noun']
    for shares in attention.values():
        assert list(shares) == ['rgb', 'flow', 'audio']
        assert sum(shares.values()) == pytest.approx(1)
        assert shares['flow'] == 0  # it is absent


def test_every_window_of_a_video(toy, video):
    result = toy.over_time(video, window=30, stride=15)
    assert [(row['start'], row['stop']) for row in result['windows']] == [
        (start / 2, start / 2 + 1) for start in range(7)
    ]
    single = toy(video, start=1.0, stop=2.0, top=1)
    for task in ('verb', 'noun'):
        there, here = result['windows'][2]['tasks'][task][0], single['tasks'][task][0]
        assert there['label'] == here['label']
        assert there['score'] == pytest.approx(here['score'], rel=1e-3)


def test_mmaction2_names_actions(mmaction_recognizer, video):
    result = Recognizer(*mmaction_recognizer, names=dict(action=list('abcde')))(video, top=2)
    best, second = result['tasks']['action']
    assert best['name'] in 'abcde'
    assert 1 >= best['score'] >= second['score'] >= 0
    assert result['present'] == dict(rgb=True)


def test_toy_models_are_told_by_the_folder_of_their_data():
    def config(folder):
        return Config(dict(test_dataloader=dict(dataset=dict(data_root=folder))))

    assert toy_notes(config('data/toy_kitchen/')) != []
    assert toy_notes(config('/home/toyota/epic100')) == []


def test_points_are_in_pixels_of_the_frame(toy):
    points = torch.tensor([[[0.0, 0.0], [-1.0, 1.0]]])
    frames = np.zeros((8, 64, 128, 3), np.uint8)
    real = toy.clips.predict

    def with_points(items):
        samples = real(items)
        samples[0].pred['hands'] = dict(points=points)
        return samples

    toy.clips.predict = with_points
    try:
        result = toy(frames, fps=8.0)
    finally:
        del toy.clips.predict
    # The model sees the middle 64 x 64 of 128 x 64 pixels.
    assert result['tasks']['hands']['points'] == [[[64.0, 32.0], [32.0, 64.0]]]


def test_temperatures_of_the_checkpoint_make_confidences(recognizer, video, tmp_path):
    state = torch.load(recognizer[1], weights_only=True)
    torch.save({**state, 'temperatures': dict(verb=2.0)}, tmp_path / 'calibrated.pth')
    model = Recognizer(recognizer[0], tmp_path / 'calibrated.pth')
    result = model(video, stop=1.0, top=1)
    images = np.stack(list(VideoFrames(str(video), 30.0))[:30])
    clip = Clip(images, 30.0, SoundStream(str(video)))
    (sample,) = model.clips.predict([model.clips.pack(clip)])
    score = float((sample.pred['verb'] / 2).softmax(-1).max())
    assert result['tasks']['verb'][0]['score'] == pytest.approx(score, rel=1e-4)
    assert result['notes'][-1].startswith('scores of verb are confidences: their temperatures')


@pytest.mark.parametrize('start, stop', [(-1.0, 2.0), (3.0, 2.0), (1.0, 9.0)])
def test_a_clip_outside_its_video_is_refused(toy, video, start, stop):
    with pytest.raises(ValueError, match=r'a clip: 0 <= start < stop <= 4\.000 s is expected; got'):
        toy(video, start, stop)


def test_what_cannot_be_read_is_an_error(toy, tmp_path):
    with pytest.raises(MediaError, match='there is no such file'):
        toy(tmp_path / 'gone.mp4')
