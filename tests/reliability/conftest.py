"""Small runs of every family in this process, and what of them can be compared."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import DefaultScope

from egomm.apis.launch import build_runner
from egomm.compat import unformatted

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / 'tests' / 'tools' / 'tiny'


class Watch(Hook):
    """Notes the clips of every step, and does something after one of them."""

    def __init__(self, act=None, at=None):
        self.act, self.at = act, at
        self.seen = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        names = [
            sample.metainfo.get('narration_id') or sample.metainfo['clip_id']
            for sample in data_batch['data_samples']
        ]
        self.seen.append((runner.epoch, runner.iter, names))

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter + 1 == self.at:
            self.act()


class Runs:
    """Makes configs of the families and runs them in this process."""

    families = ('mimo', 'multitask', 'asl')

    def __init__(self, request, folder):
        self._request, self.folder = request, folder
        self._made = 0

    def config(self, family, epochs=2, workers=0, evaluate=False):
        """A config of a few steps an epoch, with dropout and whatever else draws numbers."""
        name = dict(
            mimo=TINY / 'config.py', multitask='toy/multitask_avnhg.py', asl='toy/asl_mq.py'
        )
        config = Config.fromfile(ROOT / 'configs' / name[family])
        loader = config.train_dataloader
        if family == 'mimo':
            for head in config.model.heads.values():
                head.dropout = 0.5
            config.custom_hooks = [dict(type='EMAHook', momentum=0.1)]
        else:
            fixture = dict(multitask='egtea_world', asl='feature_world')[family]
            loader.dataset.data_root = str(self._request.getfixturevalue(fixture))
            loader.batch_size = dict(multitask=4, asl=1)[family]
        if not evaluate:
            config.val_dataloader = config.val_cfg = config.val_evaluator = None
        config.test_dataloader = config.test_cfg = config.test_evaluator = None
        loader.num_workers = workers
        loader.persistent_workers = workers > 0
        config.train_cfg.max_epochs = epochs
        config.train_cfg.pop('val_begin', None)
        config.default_hooks.checkpoint.max_keep_ckpts = 2
        config.default_hooks.checkpoint.pop('save_best', None)
        config.default_hooks.logger.interval = 1
        config.log_level = 'WARNING'
        config.launcher = 'none'
        config.env_cfg.mp_cfg.mp_start_method = 'fork'
        config.visualizer = dict(type='Visualizer', vis_backends=[])
        return config

    def run(self, config, work_dir, *, resume=False, watch=None):
        """Train; the runner afterwards."""
        config = unformatted(config)
        self._made += 1
        config.experiment_name = f'{self.folder.name}_{self._made}'  # a message hub of its own
        config.work_dir, config.resume = str(self.folder / work_dir), resume
        runner = build_runner(config)
        if watch is not None:
            runner.register_hook(watch, priority='VERY_HIGH')
        runner.train()
        return runner


@pytest.fixture
def runs(request, tmp_path, monkeypatch):
    """See `Runs`."""
    monkeypatch.setenv('OMP_NUM_THREADS', '1')
    monkeypatch.syspath_prepend(str(TINY))
    # A runner sets the default scope of the process; it is set back here.
    with DefaultScope.overwrite_default_scope('egomm'):
        yield Runs(request, tmp_path)


def state_of(runner):
    """All that a run consists of, but for times."""
    ema = [hook for hook in runner.hooks if hasattr(hook, 'ema_model')]
    scalars = runner.message_hub.log_scalars
    return dict(
        weights=runner.model.state_dict(),
        optimizer=runner.optim_wrapper.state_dict(),
        schedules=[schedule.state_dict() for schedule in runner.param_schedulers],
        ema=[hook.ema_model.state_dict() for hook in ema],
        logs={
            name: torch.as_tensor(buffer.data[0])
            for name, buffer in scalars.items()
            if 'time' not in name
        },
    )


def flat(value, name=''):
    """Every leaf of nested dicts and lists, by its path; tensors as their bytes."""
    if isinstance(value, dict):
        return {k: v for key, item in value.items() for k, v in flat(item, f'{name}.{key}').items()}
    if isinstance(value, (list, tuple)):
        return flat(dict(enumerate(value)), name)
    if isinstance(value, torch.Tensor):
        return {name: (value.dtype, value.shape, value.detach().cpu().numpy().tobytes())}
    return {name: value}


@pytest.fixture
def same_state():
    """Asserts that two runs have come to the same state, bit by bit."""

    def check(one, two):
        one, two = flat(state_of(one)), flat(state_of(two))
        assert one.keys() == two.keys()
        assert [name for name in one if one[name] != two[name]] == []
        assert any('optimizer' in name for name in one)

    return check


@pytest.fixture
def watching():
    """`Watch`."""
    return Watch
