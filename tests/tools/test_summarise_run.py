import importlib.util
from pathlib import Path

import pytest

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
