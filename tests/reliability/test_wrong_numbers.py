"""NaN and infinity reach no weight, and the clips that brought them are named."""

import pytest
import torch
from mmengine.hooks import Hook

from egomm.functional.finite import NonFiniteError


class Poison(Hook):
    """Puts NaN into the inputs of a step, or into a gradient."""

    def __init__(self, where, iteration):
        self.where, self.iteration = where, iteration

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter != self.iteration:
            return
        if self.where == 'inputs':
            values = data_batch['inputs']['rgb']
            data_batch['inputs']['rgb'] = [value.float() * float('nan') for value in values]
        else:
            [weight, *_] = runner.model.heads.parameters()
            handle = weight.register_hook(lambda gradient: self._spoil(gradient, handle))

    @staticmethod
    def _spoil(gradient, handle):
        handle.remove()
        return gradient * float('inf')


@pytest.mark.parametrize(
    'where, words',
    [
        ('inputs', r'the loss is not finite: .*verb/loss'),
        ('gradient', r'the gradient of \d+ parameters is not finite: .*weight'),
    ],
)
def test_the_run_stops_before_a_weight_is_touched_and_names_the_clips(runs, watching, where, words):
    watch = watching()
    config = runs.config('mimo')
    config.optim_wrapper.pop('clip_grad')
    runs_watch = Both(watch, Poison(where, 2))
    with pytest.raises(NonFiniteError, match=words + r'.*Clips of the step: P01_01_') as caught:
        runs.run(config, 'run', watch=runs_watch)
    assert all(name in str(caught.value) for name in watch.seen[-1][2])
    assert runs_watch.weights_are_finite


class Both(Hook):
    """Two hooks one after the other, and a look at the weights of every step."""

    def __init__(self, *hooks):
        self.hooks = hooks
        self.weights_are_finite = True
        self.model = None

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        for hook in self.hooks:
            hook.before_train_iter(runner, batch_idx, data_batch)
        self._look(runner)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self._look(runner)

    def _look(self, runner):
        state = runner.model.state_dict().values()
        self.weights_are_finite &= all(bool(value.isfinite().all()) for value in state)


@pytest.mark.parametrize('where', ['inputs', 'gradient'])
def test_a_step_is_left_out_where_the_config_allows_it(runs, where):
    config = runs.config('mimo')
    config.train_cfg.skip_steps = 1
    runner = runs.run(config, 'run', watch=Both(Poison(where, 2)))
    assert runner.iter == 6
    assert all(bool(value.isfinite().all()) for value in runner.model.state_dict().values())
    logs = ''.join(path.read_text() for path in (runs.folder / 'run').glob('*/*.log'))
    assert 'Step left out, 1 of at most 1' in logs


def test_more_steps_than_allowed_end_the_run(runs):
    config = runs.config('mimo')
    config.train_cfg.skip_steps = 1
    watch = Both(Poison('inputs', 1), Poison('inputs', 3))
    with pytest.raises(NonFiniteError, match=r'2 such steps; train_cfg.skip_steps=1 allows 1'):
        runs.run(config, 'run', watch=watch)
    assert watch.weights_are_finite


def test_statistics_that_have_seen_the_numbers_are_put_back(runs):
    """Batch norm, the one layer that a forward pass changes."""

    def before_train(runner):
        def count(*_):
            runner.model.seen.add_(float('nan') if runner.iter == 1 else 1.0)

        runner.model.register_buffer('seen', torch.zeros(1))
        runner.model.neck.register_forward_hook(count)

    config = runs.config('mimo')
    config.train_cfg.skip_steps = 1
    config.custom_hooks = []
    watch = Both(Poison('inputs', 1))
    watch.before_train = before_train
    runner = runs.run(config, 'run', watch=watch)
    assert runner.model.seen.item() == 5.0
