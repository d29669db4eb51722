import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from egomm.testing import moment_features
from egomm.testing.moment_features import recognizer_features, recognizer_world
from egomm.testing.spec import PRESETS
from egomm.testing.timeline import TimelineSpec, plan_timelines

CONFIGS = Path(__file__).resolve().parents[2] / 'configs/toy'


def test_the_recognizer_learns_the_same_words_from_other_people():
    spec = TimelineSpec()
    world, kitchen = recognizer_world(spec), spec.kitchen(PRESETS['study'])
    assert (world.verbs, world.nouns) == (spec.verbs, spec.nouns)
    assert world.seed != kitchen.seed  # looks and voices of people come from it


@pytest.mark.long
def test_features_of_long_videos_come_from_a_trained_recognizer(tmp_path, monkeypatch):
    spec, said = TimelineSpec(train=1, val=1, test=1), []
    look = dataclasses.replace(PRESETS['quick'].with_videos(3), images='actions')
    monkeypatch.setattr(moment_features, 'recognizer_world', lambda spec: spec.kitchen(look))
    folder, dim = recognizer_features(spec, tmp_path, CONFIGS, said.append)
    assert dim == 96
    for line in plan_timelines(spec):
        features = np.load(folder / f'{line.video_id}.npy')
        assert features.shape[1] == dim
        assert len(features) == pytest.approx(line.video.frames / 5, abs=2)
        assert np.isfinite(features).all()
    assert not (tmp_path / 'videos_centre').exists()
    assert not (tmp_path / 'recognizer').exists()
    assert any('training the recognizer' in line for line in said)
    shutil.rmtree(tmp_path / 'recognizer_run')  # what is there is not made again
    assert recognizer_features(spec, tmp_path, CONFIGS, said.append) == (folder, dim)
