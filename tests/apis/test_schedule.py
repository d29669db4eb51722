import pytest
from mmengine.config import Config
from mmengine.registry import DefaultScope

from egomm.apis.schedule import learning_rates, steps_an_epoch


def config(**changes):
    settings = dict(
        train_cfg=dict(max_epochs=4),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=1.0, momentum=0.9)),
    )
    return Config({**settings, **changes})


@pytest.fixture(autouse=True)
def _scope():
    with DefaultScope.overwrite_default_scope('egomm'):
        yield


def test_a_warm_up_by_steps_and_halving_by_epochs():
    schedule = [
        dict(type='LinearLR', start_factor=0.25, by_epoch=False, begin=0, end=3),
        dict(type='StepLR', step_size=2, gamma=0.5),
    ]
    rates = learning_rates(config(param_scheduler=schedule), 3)
    assert rates == pytest.approx([0.25, 0.625, *[1.0] * 4, *[0.5] * 6])


def test_epochs_converted_to_steps_rise_in_every_step():
    schedule = dict(type='TriangularLR', up=2, down=2, peak_factor=9, convert_to_iter_based=True)
    rates = learning_rates(config(param_scheduler=schedule), 2)
    assert rates == pytest.approx([1, 3, 5, 7, 9, 7, 5, 3])


def test_without_a_schedule_it_is_constant():
    assert learning_rates(config(), 2) == [1.0] * 8


def test_what_cannot_be_known_is_said():
    with pytest.raises(ValueError, match=r'wants train_cfg\.max_epochs'):
        learning_rates(Config({}), 2)
    with pytest.raises(ValueError, match=r'at least one step; got 0'):
        learning_rates(config(), 0)
    with pytest.raises(ValueError, match='has no train_dataloader. Say how many steps'):
        steps_an_epoch(config())
