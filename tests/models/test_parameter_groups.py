import re
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from torch import nn

from egomm.registry import MODELS

ROOT = Path(__file__).resolve().parents[2]
# Everything of MIMO's recognizer that does not decay, in words of its parameters' names.
WITHOUT_DECAY = re.compile(
    r'(\.bias|norm\w*\.weight|relative_position_bias_table|neck\.task_tokens'
    r'|neck\.modality_embedding)$'
)


def build(model, **paramwise_cfg):
    config = dict(
        constructor='GroupedOptimWrapperConstructor',
        optimizer=dict(type='AdamW', lr=1.0, weight_decay=0.5),
        paramwise_cfg=paramwise_cfg,
    )
    with DefaultScope.overwrite_default_scope('egomm'):
        return build_optim_wrapper(model, config).optimizer


def options_by_name(model, optimizer):
    names = {parameter: name for name, parameter in model.named_parameters()}
    return {
        names[parameter]: (group['lr'], group['weight_decay'])
        for group in optimizer.param_groups
        for parameter in group['params']
    }


def test_every_parameter_of_the_full_model_is_in_the_group_that_its_name_says():
    config = Config.fromfile(ROOT / 'configs/mimo/epic100_swin-t_query-aa.py')
    model = MODELS.build(config.model)
    with DefaultScope.overwrite_default_scope('egomm'):
        optimizer = build_optim_wrapper(model, config.optim_wrapper).optimizer
    found = options_by_name(model, optimizer)
    assert found.keys() == dict(model.named_parameters()).keys()
    assert len(optimizer.param_groups) == 4
    for name, (rate, decay) in found.items():
        assert rate == pytest.approx(1e-4 if name.startswith('backbones.') else 1e-3), name
        assert decay == (0.0 if WITHOUT_DECAY.search(name) else 0.05), name
    # The rule above speaks of what is really there.
    assert found['neck.task_tokens'] == found['neck.modality_embedding'] == (1e-3, 0.0)
    assert found['parts.unimodal.classifiers.verb.rgb.weight'] == (1e-3, 0.05)
    table = 'backbones.audio.model.layers.2.blocks.5.attn.relative_position_bias_table'
    assert found[table] == found['backbones.rgb.model.norm3.weight'] == (pytest.approx(1e-4), 0.0)


def test_a_norm_without_the_word_in_its_name_has_no_decay():
    model = nn.Sequential(nn.LayerNorm(2), nn.Linear(2, 2))
    found = options_by_name(model, build(model))
    assert {name for name, (_, decay) in found.items() if decay} == {'1.weight'}


def test_the_longest_module_sets_the_learning_rate_and_only_whole_names_count():
    model = nn.ModuleDict(
        {
            'neck': nn.ModuleDict({'one': nn.Linear(1, 1), 'two': nn.Linear(1, 1)}),
            'neck2': nn.Linear(1, 1),
        }
    )
    found = options_by_name(model, build(model, lr_mult={'neck': 0.1, 'neck.two': 0.5}))
    rates = {name: rate for name, (rate, _) in found.items() if name.endswith('weight')}
    assert rates == {'neck.one.weight': 0.1, 'neck.two.weight': 0.5, 'neck2.weight': 1.0}


def test_frozen_parameters_are_left_out():
    model = nn.Linear(2, 2)
    model.bias.requires_grad_(False)
    assert options_by_name(model, build(model)).keys() == {'weight'}


def test_a_module_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"lr_mult names 'encoders', .* Name one of \['0'\]"):
        build(nn.Sequential(nn.Linear(1, 1)), lr_mult=dict(encoders=0.1))


def test_options_of_other_constructors_are_refused():
    with pytest.raises(ValueError, match=r"got \['norm_decay_mult'\] as well. Remove them"):
        build(nn.Linear(1, 1), norm_decay_mult=0.0)


def test_an_optimizer_without_decay_keeps_its_own():
    model = nn.Linear(1, 1)
    with DefaultScope.overwrite_default_scope('egomm'):
        wrapper = build_optim_wrapper(
            model,
            dict(
                constructor='GroupedOptimWrapperConstructor',
                optimizer=dict(type='SGD', lr=1.0),
                paramwise_cfg=dict(no_decay=('x',)),
            ),
        )
    assert [group['weight_decay'] for group in wrapper.optimizer.param_groups] == [0, 0]
