"""Batches leave their loading process with one tensor an input."""

import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import FUNCTIONS

from egomm.datasets.collate import stack_clips


def clip(number, length=3):
    inputs = dict(rgb=torch.full((3, 2, 4, 4), number), audio=torch.full((1, length), number))
    return dict(inputs=inputs, present=dict(rgb=True, audio=number > 1), data_samples=number)


def test_each_input_is_one_tensor_and_the_rest_stays_a_list():
    batch = stack_clips([clip(1), clip(2)])
    assert batch['inputs']['rgb'].shape == (2, 3, 2, 4, 4)
    assert batch['inputs']['audio'].tolist() == [[[1, 1, 1]], [[2, 2, 2]]]
    assert batch['present'] == dict(rgb=[True, True], audio=[False, True])
    assert batch['data_samples'] == [1, 2]
    assert FUNCTIONS.get('stack_clips') is stack_clips


def test_tensors_of_several_shapes_stay_a_list_which_the_model_complains_of():
    batch = stack_clips([clip(1), clip(2, length=5)])
    assert [tensor.shape for tensor in batch['inputs']['audio']] == [(1, 3), (1, 5)]
    assert batch['inputs']['rgb'].shape == (2, 3, 2, 4, 4)


def test_what_cannot_be_stacked_without_change_stays_a_list():
    kinds = [torch.int8, torch.half]
    inputs = [dict(rgb=torch.zeros(2, dtype=kind), words='cut') for kind in kinds]
    batch = stack_clips([dict(inputs=one) for one in inputs])
    assert [tensor.dtype for tensor in batch['inputs']['rgb']] == kinds
    assert batch['inputs']['words'] == ['cut', 'cut']


@pytest.mark.parametrize('item', [dict(inputs=torch.zeros(3)), (torch.zeros(3), 1)])
def test_clips_that_another_packer_made_are_refused(item):
    with pytest.raises(ValueError, match='stack_clips wants .*got (list|tuple).*`PackSample`'):
        stack_clips([item, item])


def test_views_become_one_batch_each():
    views = stack_clips([[clip(1), clip(2)], [clip(3), clip(4)]])
    assert [view['inputs']['rgb'][:, 0, 0, 0, 0].tolist() for view in views] == [[1, 3], [2, 4]]


def test_a_batch_without_inputs_is_left_to_the_model():
    assert stack_clips([dict(rgb=1), dict(rgb=2)]) == pseudo_collate([dict(rgb=1), dict(rgb=2)])
