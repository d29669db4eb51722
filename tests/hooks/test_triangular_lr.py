"""The learning rate of every iteration against the authors' schedule in tests/golden/mtl."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import DefaultScope

from egomm.registry import PARAM_SCHEDULERS

GOLDEN = json.loads((Path(__file__).parents[1] / 'golden' / 'mtl' / 'cyclic_lr.json').read_text())


def optimizer_of(case):
    groups = [
        dict(params=[torch.nn.Parameter(torch.zeros(1))], lr=case['base_lr'] * factor)
        for factor in case['lr_mult']
    ]
    return OptimWrapper(torch.optim.SGD(groups, lr=case['base_lr']))


def scheduler_of(case, wrapper):
    return PARAM_SCHEDULERS.build(
        dict(
            type='TriangularLR',
            up=case['epochs_up'],
            down=case['epochs_down'],
            peak_factor=case['max_lr'] / case['base_lr'],
            halving=case['mode'] == 'triangular2',
            convert_to_iter_based=True,
        ),
        default_args=dict(optimizer=wrapper, epoch_length=case['iters_per_epoch']),
    )


def rates(wrapper, scheduler, count):
    seen = []
    for _ in range(count):
        seen.append([group['lr'] for group in wrapper.optimizer.param_groups])
        wrapper.step()
        scheduler.step()
    return seen


@pytest.mark.parametrize('case', GOLDEN, ids=lambda case: case['mode'])
def test_every_iteration_has_the_authors_learning_rate(case):
    wrapper = optimizer_of(case)
    scheduler = scheduler_of(case, wrapper)
    expected = case['lr_per_iteration']
    np.testing.assert_allclose(rates(wrapper, scheduler, len(expected)), expected, rtol=1e-12)


def test_a_resumed_run_goes_on_where_it_stopped():
    case = GOLDEN[1]
    wrapper = optimizer_of(case)
    scheduler = scheduler_of(case, wrapper)
    rates(wrapper, scheduler, 13)
    other = optimizer_of(case)
    resumed = scheduler_of(case, other)
    other.load_state_dict(wrapper.state_dict())
    resumed.load_state_dict(scheduler.state_dict())
    np.testing.assert_allclose(
        rates(other, resumed, 20), case['lr_per_iteration'][13:33], rtol=1e-12
    )


def test_a_config_finds_it_by_name_alone():
    from mmengine.registry import PARAM_SCHEDULERS as ROOT

    config = dict(type='TriangularLR', up=1, down=1, peak_factor=2)
    with DefaultScope.overwrite_default_scope('egomm'):
        scheduler = ROOT.build(config, default_args=dict(optimizer=optimizer_of(GOLDEN[0])))
    assert scheduler.peak_factor == 2


def test_a_peak_that_is_none_is_refused():
    with pytest.raises(ValueError, match='peak_factor > 1; got 1'):
        PARAM_SCHEDULERS.build(
            dict(type='TriangularLR', up=1, down=1, peak_factor=1),
            default_args=dict(optimizer=optimizer_of(GOLDEN[0])),
        )
