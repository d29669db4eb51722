"""A checkpoint of another architecture is an error, unless the config allows the difference."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from egomm.hooks import CheckpointMatchHook


def runner(resume=False):
    model = nn.ModuleDict(dict(backbone=nn.Linear(2, 3), heads=nn.Linear(3, 4)))
    return SimpleNamespace(model=model, _load_from='run/epoch_3.pth', _resume=resume)


def weights(**changes):
    state = dict(runner().model.state_dict())
    state.update({name.replace('__', '.'): value for name, value in changes.items()})
    return {name: value for name, value in state.items() if value is not None}


def test_equal_names_and_shapes_pass():
    CheckpointMatchHook().after_load_checkpoint(runner(), dict(state_dict=weights()))
    CheckpointMatchHook().after_load_checkpoint(runner(), weights())  # a bare state dict
    wrapped = {f'module.{name}': value for name, value in weights().items()}
    CheckpointMatchHook().after_load_checkpoint(runner(), dict(state_dict=wrapped))


def test_error_lists_every_kind_of_difference_and_the_way_out():
    state = weights(heads__weight=torch.zeros(9, 3), heads__bias=None, neck__x=torch.zeros(1))
    with pytest.raises(
        ValueError,
        match=(
            r'run/epoch_3\.pth is not of this architecture: 1 missing: heads\.bias; '
            r'1 unexpected: neck\.x; '
            r'1 of another shape: heads\.weight \(9, 3\) instead of \(4, 3\)\. Use the config.*'
            r'default_hooks\.checkpoint_match\.allow'
        ),
    ):
        CheckpointMatchHook().after_load_checkpoint(runner(), dict(state_dict=state))


def test_a_long_list_is_cut():
    extra = {f'x{index}': torch.zeros(1) for index in range(9)}
    with pytest.raises(ValueError, match='9 unexpected: x0, x1, x2, x3 and 5 more'):
        CheckpointMatchHook().after_load_checkpoint(runner(), {**weights(), **extra})


def test_allowed_parts_may_differ():
    state = weights(heads__weight=torch.zeros(9, 3), heads__bias=None)
    CheckpointMatchHook(allow=['heads.']).after_load_checkpoint(runner(), state)
    with pytest.raises(ValueError, match='1 missing: backbone.bias'):
        CheckpointMatchHook(allow=['heads.']).after_load_checkpoint(
            runner(), {**weights(backbone__bias=None)}
        )


def test_weights_alone_cannot_be_resumed():
    with pytest.raises(ValueError, match=r'no state of a run.*load_from=run/epoch_3\.pth'):
        CheckpointMatchHook().after_load_checkpoint(runner(resume=True), dict(state_dict=weights()))


@pytest.mark.parametrize(
    'checkpoint, words', [([1], 'got a list'), (dict(state_dict=None), 'got state_dict=None')]
)
def test_a_file_without_weights_is_refused(checkpoint, words):
    with pytest.raises(ValueError, match=rf'run/epoch_3\.pth holds no weights: .*{words}\. Give'):
        CheckpointMatchHook().after_load_checkpoint(runner(), checkpoint)


def test_actions_numbered_otherwise_than_in_the_data_are_refused():
    checkpoint = dict(state_dict=weights(), meta=dict(dataset_meta=dict(actions=[[0, 2], [1, 2]])))
    reads = runner()

    def load(actions, allow=()):
        dataset = SimpleNamespace(metainfo=dict(actions=actions))
        reads._test_loop = SimpleNamespace(dataloader=SimpleNamespace(dataset=dataset))
        CheckpointMatchHook(allow).after_load_checkpoint(reads, checkpoint)

    load([(0, 2), (1, 2)])
    load(None)  # data without actions
    load([(1, 2)], allow=['heads.'])
    words = (
        r'its 2 actions otherwise .*has 2: action 0 is verb and noun \(0, 2\) there and \(1, 2\)'
    )
    with pytest.raises(ValueError, match=words):
        load([(1, 2), (0, 2)])
    with pytest.raises(
        ValueError, match=r'action 1 is .*\(1, 2\) there and None here.*actions_from'
    ):
        load([(0, 2)])
