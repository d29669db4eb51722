"""Every config builds, trains a step on generated data and predicts; neighbours differ as said."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope

from egomm.registry import DATASETS, METRICS, MODELS

ROOT = Path(__file__).resolve().parent.parent
CONFIGS = sorted(
    path
    for folder in (ROOT / 'configs', ROOT / 'projects')
    for path in folder.rglob('*.py')
    if '_base_' in path.read_text() and '_base_' not in path.parts
)
# Parameters that may stay without gradient in a step, and why.
NO_GRADIENT: dict[str, str] = {}
# Neighbours in the paper's Table 1, and the only parts in which they may differ.
FUSION = (
    'model.neck',
    'model.heads.verb.source',
    'model.heads.verb.in_channels',
    'model.heads.noun.source',
    'model.heads.noun.in_channels',
    'model.record',
)
DROP = ('train_dataloader.dataset.pipeline.drop',)
NEIGHBOURS = [
    ('configs/mimo/epic100_swin-t_query.py', 'configs/mimo/epic100_swin-t_concat.py', FUSION),
    ('configs/toy/mimo_query.py', 'configs/toy/mimo_concat.py', FUSION),
    ('configs/mimo/epic100_swin-t_query.py', 'configs/mimo/epic100_swin-t_query_dropout.py', DROP),
    ('configs/toy/mimo_query.py', 'configs/toy/mimo_query_dropout.py', DROP),
]


def on_toy_world(config, world):
    """Point a config at the toy world and shrink what it reads, not what it builds."""
    for name in ('train_dataloader', 'val_dataloader'):
        dataset = config[name].dataset
        dataset.data_root = str(world)
        dataset.pop('keep', None)
        for step in ('crop', 'resize', 'spectrogram_size'):
            if dataset.pipeline.get(step):
                dataset.pipeline[step].size = 64
        if dataset.pipeline.get('drop'):
            dataset.pipeline.drop.prob = 0.0  # two clips have to reach every encoder
    for key in ('tail_verbs', 'tail_nouns', 'unseen'):
        config.val_evaluator[key] = str(
            world / 'annotations' / Path(config.val_evaluator[key]).name
        )
    return config


# Its classes and files are those of the real footage: tests/test_main_job.py trains it.
ON_TOY_WORLD = [path for path in CONFIGS if path.stem != 'mimo_query_real-files']


@pytest.mark.parametrize('path', ON_TOY_WORLD, ids=lambda path: str(path.relative_to(ROOT)))
def test_config_trains_a_step_and_predicts(path, toy_world):
    config = on_toy_world(Config.fromfile(path), toy_world)
    with DefaultScope.overwrite_default_scope('egomm'):
        dataset = DATASETS.build(config.train_dataloader.dataset)
        model = MODELS.build(config.model)
        model.init_weights()
        optim_wrapper = build_optim_wrapper(model, config.optim_wrapper)
        batch = pseudo_collate([dataset[0], dataset[1]])
        before = {name: value.detach().clone() for name, value in model.named_parameters()}
        optim_wrapper.optimizer.zero_grad = lambda: None  # keep the gradients to look at them
        logged = model.train_step(batch, optim_wrapper)
        assert all(torch.isfinite(value) for value in logged.values())
        without = {
            name
            for name, value in model.named_parameters()
            if value.requires_grad and (value.grad is None or not value.grad.any())
        }
        assert without <= NO_GRADIENT.keys()
        assert any(not torch.equal(before[n], value) for n, value in model.named_parameters())

        validation = DATASETS.build(config.val_dataloader.dataset)
        model.eval()
        with torch.no_grad():
            samples = model.val_step(pseudo_collate([validation[0], validation[1]]))
        metric = METRICS.build(config.val_evaluator)
        metric.dataset_meta = validation.metainfo
        metric.process({}, [sample.to_dict() for sample in samples])
        scores = metric.evaluate(2)
    assert 'epic100/all_action_accuracy_at_1' in scores


def flat(value, prefix=''):
    if isinstance(value, dict):
        return {
            key: item
            for name, child in value.items()
            for key, item in flat(child, f'{prefix}.{name}' if prefix else name).items()
        }
    return {prefix: value}


@pytest.mark.parametrize('first, second, allowed', NEIGHBOURS)
def test_neighbours_in_the_table_differ_in_the_named_part_alone(first, second, allowed):
    one, other = (flat(Config.fromfile(ROOT / path).to_dict()) for path in (first, second))
    differing = {key for key in one.keys() | other.keys() if one.get(key) != other.get(key)}
    stray = {key for key in differing if not key.startswith(allowed)}
    assert differing
    assert not stray


def test_every_config_says_how_to_run_it_and_what_to_expect():
    assert CONFIGS
    for path in CONFIGS:
        head = path.read_text().split('"""')[1]
        for word in ('Run:', 'Cost:', 'Expect:', 'Source:', str(path.relative_to(ROOT))):
            assert word in head, f'{path} lacks {word!r} in its header'


def test_the_paper_setting_is_eight_frames_sixty_epochs_and_a_quarter_of_train():
    config = Config.fromfile(ROOT / 'configs/mimo/epic100_swin-t_query.py')
    assert config.train_dataloader.dataset.pipeline.times.num_frames == 8
    assert config.val_dataloader.dataset.pipeline.times.num_frames == 8
    assert config.train_cfg.max_epochs == 60
    assert config.train_dataloader.dataset.keep.fraction == 0.25
    assert config.model.heads.verb.num_classes == 97
    assert config.model.heads.noun.num_classes == 300
