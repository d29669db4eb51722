"""Runs of the ASL study on a tiny world."""

import json
from pathlib import Path

import pytest

from egomm.testing import study
from egomm.testing.asl_runs import (
    Setting,
    keep_file,
    main_score,
    run,
    run_seed,
    study_config,
    tune,
)
from egomm.testing.asl_study import GAUSSIAN_WAY, LEARNING_RATES, ROWS, World
from egomm.testing.moments import write_moment_annotations
from egomm.testing.timeline import TimelineSpec, plan_timelines
from egomm.testing.timeline_features import DIM, write_timeline_features

CONFIGS = Path(__file__).resolve().parents[2] / 'configs/toy'
SPEC = TimelineSpec(train=10, val=1, test=2, core='mixed', boundary_noise=0.3)
BY_NAME = {row.name: row for row in ROWS}


@pytest.fixture(scope='module')
def make_setting(tmp_path_factory):
    root = tmp_path_factory.mktemp('asl')
    timelines = plan_timelines(SPEC)
    write_moment_annotations(root / 'world', SPEC, timelines)
    write_timeline_features(root / 'features', SPEC, timelines)

    def make(task='moment', core='mixed'):
        world = World(core, 0.3, task=task)
        size = dict(length=32, channels=8, epochs=2, batch_size=4 if task == 'moment' else 64)
        places = dict(data=root / 'world', features=root / 'features', out=root / 'out' / task)
        return Setting(configs=CONFIGS, world=world, dim=DIM, **places, **size)

    return make


def test_all_rows_of_a_seed_run_once_and_the_constant_takes_the_means_of_the_learned(
    make_setting, monkeypatch
):
    setting = make_setting()
    rates = dict.fromkeys(BY_NAME, 3e-3)
    results = {result['row']: result for result in run_seed(setting, rates, 0)}
    assert set(results) == set(BY_NAME)
    learned, constant = results['learned']['h'], results['constant']['h']
    assert constant['mean'] == pytest.approx(learned['mean'], abs=1e-6)
    assert constant['ends'] == pytest.approx(learned['ends'], abs=1e-6)
    assert results['mean-one']['h']['mean'] == pytest.approx(1)
    assert results['fixed']['mu'] == [0.0] * 12
    assert any(results['learned']['mu'])
    assert 'h' not in results['base']
    assert 'mu' not in results['constant']
    assert all(0 <= main_score(result, 'test') <= 100 for result in results.values())
    monkeypatch.setattr(study, 'train', None)  # would fail if it was called
    assert run_seed(setting, rates, 0) == list(results.values())


def test_queries_run_as_well(make_setting):
    setting = make_setting('query')
    result = run(BY_NAME['learned'], setting, 3e-3, 0, ('test',))
    assert len(result['mu']) == 1
    assert 0 <= main_score(result, 'test') <= 100


def test_seeds_leave_out_other_participants_and_rows_of_a_seed_the_same(make_setting):
    setting = make_setting()
    left = []
    for seed in range(5):
        videos = json.loads(keep_file(setting, 'moments', seed).read_text())['videos']
        left.append({video['video_uid'] for video in videos})
    assert len({frozenset(names) for names in left}) == 5
    assert all(len(names) == 8 for names in left)
    assert len(set().union(*left)) == 10
    first = study_config(BY_NAME['base'], setting, 3e-3, 2)
    second = study_config(BY_NAME['learned'], setting, 6e-3, 2)
    assert first.train_dataloader == second.train_dataloader
    assert first.randomness == second.randomness


@pytest.mark.parametrize('rate', LEARNING_RATES)
def test_gaussians_can_go_as_far_as_in_the_paper_at_any_learning_rate(make_setting, rate):
    config = study_config(BY_NAME['learned'], make_setting(), rate, 0)
    (factor,) = config.optim_wrapper.paramwise_cfg.lr_mult.values()
    steps = 2 * 2  # epochs, batches of 4 of the 8 videos
    assert factor * rate * steps / 2 == pytest.approx(GAUSSIAN_WAY)
    for name in ('base', 'fixed'):
        config = study_config(BY_NAME[name], make_setting(), rate, 0)
        assert 'lr_mult' not in config.optim_wrapper.paramwise_cfg


def test_tuning_looks_at_the_videos_for_choices_alone(make_setting):
    result = tune(BY_NAME['base'], make_setting(), 3e-3)
    assert list(result['scores']) == ['val']


def test_the_constant_takes_the_rate_of_the_learned():
    rows = {row.name: row.tuned_as for row in ROWS}
    assert rows == dict(base=None, learned=None, **{'mean-one': None}, fixed='learned',
                        constant='learned')  # fmt: skip
