"""What is said of a hook that its run cannot call, or never calls."""

import pytest
from mmengine.hooks import Hook

from egomm.hooks import methods
from egomm.hooks.methods import check_methods
from egomm.registry import HOOKS


class Misspelt(Hook):
    def after_train_step(self, runner):
        raise AssertionError('nothing calls this')


class Narrow(Hook):
    def after_train_iter(self, runner, batch_idx):
        pass


class Wide(Hook):
    def after_train_iter(self, runner, *args, **kwargs):
        pass

    def before_save_checkpoint(self, runner, checkpoint):
        pass

    @staticmethod
    def before_run(runner):
        pass


@pytest.fixture
def warnings(monkeypatch):
    """Texts of what is logged."""
    texts: list[str] = []
    monkeypatch.setattr(methods, 'print_log', lambda text, **_: texts.append(text))
    return texts


def test_a_method_that_nothing_calls_is_warned_of_with_close_names(warnings):
    check_methods([Wide(), Misspelt()])
    [said] = warnings
    assert said.startswith('Misspelt.after_train_step is called by no run of MMEngine. Close names')
    assert 'after_train_iter' in said


def test_a_method_that_does_not_take_what_a_run_gives_is_shown_as_it_has_to_be():
    words = (
        r"Narrow\.after_train_iter does not take .*'data_batch'\). Define it as "
        r'`def after_train_iter\(self, runner, batch_idx, data_batch, outputs\)`'
    )
    with pytest.raises(ValueError, match=words):
        check_methods([Narrow()])


def test_no_hook_that_a_config_can_name_is_suspected(warnings):
    HOOKS.import_from_location()
    kinds = {**HOOKS.module_dict, **HOOKS.root.module_dict}
    own = [kind for kind in kinds.values() if kind.__module__.startswith(('egomm.', 'mmengine.'))]
    assert len(own) > 20
    check_methods([kind.__new__(kind) for kind in own])
    assert warnings == []
