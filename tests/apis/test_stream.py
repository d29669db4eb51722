"""A growing stream is recognised as the whole video is, window by window, and nothing ahead."""

import numpy as np
import pytest
import torch

from egomm.apis import Recognizer
from egomm.apis.stream import are_probabilities
from egomm.datasets.footage import open_footage


@pytest.fixture(scope='module')
def toy(recognizer):
    return Recognizer(*recognizer)


@pytest.fixture(scope='module')
def video(make_video, tmp_path_factory):
    return make_video(tmp_path_factory.mktemp('stream') / 'clip.mp4', seconds=2.2)


def test_a_stream_gives_what_the_whole_video_gives(toy, video):
    footage = open_footage(video)
    whole = toy.over_time(video, window=16, stride=8, fps=15.0, top=2)['windows']
    stream = toy.stream(
        *(footage.frames(15.0), 15.0),
        **dict(window=16, stride=8, top=2, sound=footage.sound()),
    )
    found = list(stream)
    assert len(found) == len(whole) == 4
    for here, there in zip(found, whole, strict=True):
        assert here['start'] == there['start']
        for task in ('verb', 'noun', 'action'):
            for one, other in zip(here['tasks'][task], there['tasks'][task], strict=True):
                assert one['label'] == other['label']
                assert one['score'] == pytest.approx(other['score'], rel=1e-4)
    latency = stream.latency()
    assert 0 < latency['p50'] <= latency['p95'] <= max(row['latency'] for row in found)


def test_an_answer_comes_with_the_last_frame_of_its_window(toy):
    shown = 0

    def camera():
        nonlocal shown
        for shown in range(1, 21):
            yield np.full((32, 32, 3), 12 * shown, np.uint8)

    seen = [shown for _ in toy.stream(camera(), 10.0, window=8, stride=4)]
    assert seen == [8, 12, 16, 20]


def test_smoothing_averages_log_probabilities(toy, monkeypatch):
    frames = np.random.default_rng(0).integers(0, 255, (12, 32, 32, 3), np.uint8)
    plain, smooth = (
        [row['tasks']['verb'] for row in toy.stream(frames, 10.0, window=8, stride=4, **settings)]
        for settings in (dict(top=12), dict(top=12, smoothing=0.25))
    )
    logs = [
        np.log([row['score'] for row in sorted(answers, key=lambda row: row['label'])])
        for answers in plain
    ]
    expected = np.exp(0.25 * logs[0] + 0.75 * logs[1])
    expected /= expected.sum()
    scores = [row['score'] for row in sorted(smooth[1], key=lambda row: row['label'])]
    np.testing.assert_allclose(scores, expected, rtol=1e-5)
    assert smooth[0] == plain[0]


def test_the_last_window_ends_with_the_frames(toy):
    frames = np.zeros((10, 32, 32, 3), np.uint8)
    rows = list(toy.stream(frames, 10.0, window=8, stride=4))
    assert [(row['start'], row['stop']) for row in rows] == [(0.0, 0.8), (0.4, 1.0)]


def test_a_stream_says_what_the_whole_video_says(toy):
    frames = np.zeros((8, 32, 32, 3), np.uint8)
    stream = toy.stream(frames, 10.0, window=8, stride=8)
    assert 'no rgb: masked' in stream.notes()  # nothing came yet
    list(stream)
    assert stream.notes() == toy.over_time(frames, 8, 8, 10.0, source_fps=10.0)['notes']


def test_what_scores_too_little_is_unknown(toy):
    frames = np.zeros((8, 32, 32, 3), np.uint8)
    (row,) = toy.stream(frames, 10.0, window=8, stride=8, unknown=1.0)
    (best,) = row['tasks']['verb']
    assert (best['label'], best['name']) == (None, 'unknown')
    assert 0 < best['score'] < 1


def test_settings_that_make_no_stream_are_refused(toy):
    with pytest.raises(ValueError, match='smoothing within 0..1, below 1, and unknown .* got 1.0'):
        toy.stream([], 10.0, smoothing=1.0)
    with pytest.raises(ValueError, match='1 <= stride <= window'):
        toy.stream([], 10.0, window=2, stride=4)
    with pytest.raises(ValueError, match='No window was complete yet'):
        toy.stream([], 10.0).latency()


def test_probabilities_are_told_from_logits():
    assert are_probabilities(torch.tensor([0.25, 0.75]))
    assert not are_probabilities(torch.tensor([0.25, 2.0]))
    assert not are_probabilities(torch.tensor([-1.0, 0.5]))
