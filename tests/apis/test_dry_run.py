import os
import re
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmengine.structures import BaseDataElement

from egomm.apis.dry_run import DryRunError, dry_run
from egomm.compat import unformatted
from egomm.registry import METRICS

TINY = Path(__file__).resolve().parents[1] / 'tools' / 'tiny'


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(TINY))
    config = unformatted(Config.fromfile(TINY / 'config.py'))
    config.work_dir, config.launcher = str(tmp_path / 'run'), 'none'
    config.log_level, config.experiment_name = 'ERROR', str(tmp_path)
    return config


def test_one_step_of_each_kind_is_made_and_nothing_is_left(config, tmp_path):
    train, val, save = dry_run(config)
    assert train.startswith('train: a first batch in ')
    assert train.endswith(' s, 3 steps an epoch')
    assert val.startswith('val: a first batch in ')
    assert save.endswith(' MB, read again')
    assert os.listdir(tmp_path) == []


def test_what_fails_in_evaluation_is_found_before_training(config):
    config.val_evaluator.noun_classes = 9
    words = r'config\.py: the first step of evaluation fails: .*noun'
    with pytest.raises(DryRunError, match=words):
        dry_run(config)


@METRICS.register_module()
class Strange(BaseMetric):
    """Scores whatever it is told to."""

    def __init__(self, scores, **kwargs):
        super().__init__(**kwargs)
        self.scores = scores

    def process(self, data_batch, data_samples):
        self.results += data_samples

    def compute_metrics(self, results):
        if self.scores == 'all':
            raise KeyError(f'{len(results)} clips')
        return self.scores


@pytest.mark.parametrize(
    'metrics, words',
    [
        ([dict(scores=0.5, prefix='a')], 'Strange.compute_metrics gives a float; wanted is a dict'),
        ([dict(scores=dict(b=1), prefix='a')] * 2, r"Strange gives \['a/b'\], which a metric bef"),
    ],
)
def test_scores_that_would_end_the_first_evaluation_end_the_dry_run(config, metrics, words):
    config.val_evaluator = [dict(type='Strange', **metric) for metric in metrics]
    with pytest.raises(DryRunError, match=rf'config\.py: the first step of evaluation .*{words}'):
        dry_run(config)


def test_a_metric_that_wants_more_than_one_batch_is_said_but_ends_nothing(config):
    config.val_evaluator = [dict(type='Strange', scores='all', prefix='a')]
    _, _, score, _ = dry_run(config)
    assert score.startswith('score: Strange fails on this batch alone, which may be as it should: ')
    assert re.search(rf"KeyError: '4 clips' \({re.escape(__file__)}, line \d+\)", score)


class Far(BaseDataElement):
    """As what a metric keeps on a GPU."""

    def to(self, *_):
        return 0.5


@METRICS.register_module()
class KeepsFar(Strange):
    """Scores what an evaluation would have moved to the CPU."""

    def process(self, data_batch, data_samples):
        self.results.append(Far())

    def compute_metrics(self, results):
        return {'b': float(results[0])}


def test_a_metric_gets_its_results_on_the_cpu_as_in_an_evaluation(config):
    config.val_evaluator = [dict(type='KeepsFar', scores=None, prefix='a')]
    assert [line.partition(':')[0] for line in dry_run(config)] == ['train', 'val', 'save']


def test_a_library_that_chokes_on_a_value_is_one_line(config):
    config.param_scheduler.start_factor = 'no_number'
    with pytest.raises(DryRunError, match=r'config\.py: building the run fails: .*LinearLR'):
        dry_run(config)


def test_a_disk_too_small_for_the_checkpoints_is_named(config, monkeypatch):
    monkeypatch.setattr('shutil.disk_usage', RoomForOne())
    with pytest.raises(ValueError, match=r'run: checkpoints want .* GB free. Make room'):
        dry_run(config)


class RoomForOne:
    """A disk that has room for the first file only."""

    def __init__(self):
        self.calls = 0

    def __call__(self, folder):
        self.calls += 1
        return type('Usage', (), dict(free=1e12 if self.calls == 1 else 10))
