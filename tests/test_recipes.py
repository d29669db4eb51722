"""What the schedule and configs/_base_/recipes promise, in whole runs of a tiny model."""

from copy import deepcopy
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope

from egomm.apis import launch
from egomm.registry import MODELS

ROOT = Path(__file__).resolve().parent.parent
RECIPES = ROOT / 'configs/_base_/recipes'


@pytest.fixture
def build_tiny_runner(tmp_path, monkeypatch):
    """Makes runners of the tools' tiny config: 2 epochs of 3 batches."""
    monkeypatch.syspath_prepend(ROOT / 'tests/tools/tiny')

    def build(name, **settings):
        config = Config.fromfile(ROOT / 'tests/tools/tiny/config.py')
        config.merge_from_dict(settings)
        config.update(
            launcher='none', work_dir=str(tmp_path / name), experiment_name=str(tmp_path / name)
        )
        runner = launch.build_runner(config)
        runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
        return runner

    # The runner sets the default scope of the process; it is set back here.
    with DefaultScope.overwrite_default_scope('egomm'):
        yield build


def rates_of_steps(runner):
    rates = []
    optimizer = runner.optim_wrapper.optimizer
    optimizer.register_step_pre_hook(
        lambda optimizer, *_: rates.append(optimizer.param_groups[0]['lr'])
    )
    runner.train()
    return rates


def test_a_schedule_counts_batches_however_many_make_a_step(build_tiny_runner):
    schedule = dict(
        type='LinearLR', start_factor=0.1, by_epoch=True, end=2, convert_to_iter_based=True
    )
    single, several = (
        build_tiny_runner(
            f'accumulate_{count}',
            param_scheduler=schedule,
            optim_wrapper=dict(accumulative_counts=count),
        )
        for count in (1, 4)
    )
    rates = rates_of_steps(single)
    assert len(set(rates)) == 6  # 2 epochs of 3 batches, each with a rate of its own
    # A step ends with the epoch, so it is of three batches here.
    assert rates_of_steps(several) == [rates[2], rates[5]]


def test_the_average_is_saved_evaluated_and_resumed(build_tiny_runner, tmp_path):
    hooks = Config.fromfile(RECIPES / 'ema.py').custom_hooks
    hooks[0].update(interval=1)
    runner = build_tiny_runner('whole', custom_hooks=hooks)
    evaluated = []
    runner.model.neck.register_forward_hook(
        lambda neck, *_: None if neck.training else evaluated.append(neck.task_tokens.clone())
    )
    runner.train()
    whole = torch.load(tmp_path / 'whole/epoch_2.pth', weights_only=True)
    trained = {name: value.clone() for name, value in runner.model.state_dict().items()}
    for name, value in trained.items():  # goes on with its own weights, not with the average
        torch.testing.assert_close(whole['ema_state_dict'][f'module.{name}'], value, rtol=0, atol=0)
    average = whole['state_dict']
    assert not torch.equal(average['neck.task_tokens'], trained['neck.task_tokens'])
    assert torch.equal(evaluated[-1], average['neck.task_tokens'])

    half = tmp_path / 'whole/epoch_1.pth'
    build_tiny_runner('rest', custom_hooks=hooks, resume=True, load_from=str(half)).train()
    rest = torch.load(tmp_path / 'rest/epoch_2.pth', weights_only=True)
    for part in ('state_dict', 'ema_state_dict'):
        torch.testing.assert_close(rest[part], whole[part], rtol=0, atol=0)


def test_the_average_is_that_of_the_steps(build_tiny_runner, tmp_path):
    hooks = [dict(type='EMAHook', momentum=0.25)]
    seen = []
    runner = build_tiny_runner('average', custom_hooks=hooks)
    runner.optim_wrapper.optimizer.register_step_post_hook(
        lambda *_: seen.append(runner.model.neck.task_tokens.detach().clone())
    )
    runner.train()
    expected = seen[0]
    for value in seen[1:]:
        expected = 0.75 * expected + 0.25 * value
    saved = torch.load(tmp_path / 'average/epoch_2.pth', weights_only=True)['state_dict']
    torch.testing.assert_close(saved['neck.task_tokens'], expected)


def test_checkpointed_activations_change_no_bit(build_tiny_runner, tmp_path):
    encoder = dict(
        _delete_=True,
        type='WrappedBackbone',
        model=dict(
            type='mmaction.SwinTransformer3D',
            arch=dict(embed_dims=8, depths=[2, 1], num_heads=[1, 2]),
            patch_size=(2, 2, 2),
            window_size=(1, 2, 2),
            out_indices=(1,),
            drop_path_rate=0.5,  # the second pass has to drop what the first has dropped
            pretrained2d=False,
        ),
    )
    model = dict(backbones=dict(rgb=encoder), neck=dict(in_channels=dict(rgb=16)))
    weights = []
    for name, blocks in (('plain', None), ('twice', ['layers.0.blocks.0', 'layers.0.blocks.1'])):
        names = blocks and [f'backbones.rgb.model.{block}' for block in blocks]
        # A copy, as merging takes `_delete_` out.
        settings = dict(model=deepcopy(model), activation_checkpointing=names)
        runner = build_tiny_runner(name, **settings)
        calls = []
        block = runner.model.backbones.rgb.model.layers[0].blocks[1]
        block.attn.register_forward_hook(
            lambda module, *_, calls=calls: calls.append(module.training)
        )
        runner.train()
        weights.append(runner.model.state_dict())
        assert calls.count(True) == (6 if blocks is None else 12)  # 6 steps
    torch.testing.assert_close(*weights, rtol=0, atol=0)


def test_the_recipe_of_checkpointing_names_every_block_of_the_first_two_stages():
    encoder = Config.fromfile(ROOT / 'configs/_base_/models/mimo_swin-t.py').model.backbones.rgb
    encoder.model.arch.update(embed_dims=6, num_heads=[1, 1, 1, 1])
    blocks = {
        f'backbones.{modality}.{name}'
        for name, module in MODELS.build(encoder).named_modules()
        for modality in ('rgb', 'flow', 'audio')
        if type(module).__name__ == 'SwinTransformerBlock3D' and name.split('.')[2] in '01'
    }
    named = Config.fromfile(RECIPES / 'activation_checkpointing.py').activation_checkpointing
    assert len(named) == 12
    assert set(named) == blocks


def test_a_recipe_is_added_to_a_config_by_its_path(tmp_path):
    file = tmp_path / 'mine.py'
    bases = [ROOT / 'configs/mimo/epic100_swin-t_query.py', *sorted(RECIPES.glob('*.py'))]
    file.write_text(f'_base_ = {[str(base) for base in bases]}\n')
    config = Config.fromfile(file)
    assert config.custom_hooks[0].interval == config.optim_wrapper.accumulative_counts
    assert len(config.activation_checkpointing) == 12
