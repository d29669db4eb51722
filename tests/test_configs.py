"""Every config builds, trains a step on generated data and predicts; neighbours differ as said."""

from pathlib import Path

import pytest
import torch
from mmcv.cnn.bricks import DropPath
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope

from egomm.apis import launch
from egomm.datasets.token_writer import TokenWriter
from egomm.registry import DATASETS, METRICS, MODELS
from egomm.structures import EgoSample

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
# A cached twin differs in where the tokens come from alone.
TOKENS = (
    'tokens',
    'model.backbones',
    'model.data_preprocessor.modalities',
    'train_dataloader.dataset',
    'val_dataloader.dataset',
    'test_dataloader.dataset',
)
# TBN's dropout lies in the neck.
MID_LEVEL = (*FUSION, 'model.heads.verb.dropout', 'model.heads.noun.dropout')
BALANCE = ('default_hooks.modality_balance',)
DROP = ('train_dataloader.dataset.pipeline.drop',)
KEEP = ('train_dataloader.dataset.keep',)
# Rows of the tables, each of which has a twin on all of train.
ROWS = (
    *('concat', 'sum', 'gated', 'midlevel', 'query', 'query-aa', 'query-aa-ar'),
    *('concat-ogm-verb', 'concat-ogm-noun'),
)
ALLOCATION = 'model.parts.allocation.'
CONTROLS = [
    ('query-aa', 'query-uni', (f'{ALLOCATION}weight',)),
    ('query-aa', 'query-aa-shuffled', (f'{ALLOCATION}shuffle',)),
    ('query-aa', 'query-aa-printed', (f'{ALLOCATION}direction',)),
    (
        'query',
        'query-1token',
        ('model.neck.tasks', 'model.heads.verb.source', 'model.heads.noun.source'),
    ),
    ('query', 'query_mixed', ('model.mixing',)),
    ('concat', 'concat-2proj', ('model.neck.projections', *FUSION[1:-1])),
]
NEIGHBOURS = [
    (f'{start}_{first}.py', f'{start}_{second}.py', allowed)
    for start in ('configs/mimo/epic100_swin-t', 'configs/toy/mimo')
    for first, second, allowed in [
        ('query', 'query_tokens', TOKENS),
        ('query', 'query_dropout', DROP),
        ('query', 'concat', FUSION),
        ('query', 'sum', FUSION),
        ('query', 'gated', FUSION),
        ('query', 'midlevel', MID_LEVEL),
        ('query', 'query-aa', ('model.parts', 'model.record', 'channels')),
        ('query-aa', 'query-aa-ar', ('model.neck.reallocation',)),
        ('concat', 'concat-ogm-verb', BALANCE),
        ('concat-ogm-verb', 'concat-ogm-noun', ('default_hooks.modality_balance.task',)),
    ]
]
NEIGHBOURS += [
    (f'configs/toy/mimo_{first}.py', f'configs/toy/mimo_{second}.py', allowed)
    for first, second, allowed in CONTROLS
]
NEIGHBOURS += [
    (f'configs/mimo/epic100_swin-t_{row}.py', f'configs/mimo/epic100full_swin-t_{row}.py', KEEP)
    for row in ROWS
]
ANN_FILE = 'train_dataloader.dataset.ann_file'
SENSITIVITY = ('model.heads.moment.loss.sensitivity', 'model.heads.query.loss.sensitivity')
NEIGHBOURS += [
    (f'configs/{first}.py', f'configs/{second}.py', (*SENSITIVITY, *more))
    for first, second, *more in [
        ('asl/mq_asl_egovlp', 'asl/mq_base_egovlp'),
        ('asl/mq_asl_sf-ov-egovlp', 'asl/mq_base_sf-ov-egovlp'),
        ('asl/nlq_asl_sf-ov-clip', 'asl/nlq_base_sf-ov-clip'),
        ('toy/asl_mq', 'toy/asl_mq-base'),
        ('asl/nlq_asl_sf-ov-clip', 'asl/nlq_asl_sf-ov-clip_narrations', ANN_FILE),
        *(
            (f'asl/{row}', f'asl/{row}_trainval', ANN_FILE, 'val_', 'default_hooks.checkpoint')
            for row in ('mq_asl_internvideo-egovlp', 'nlq_asl_internvideo-egovlp')
        ),
        (
            'asl/nlq_asl_sf-ov-clip',
            'asl/nlq_asl_sf-ov-clip_finetuned',
            *('load_from', 'optim_wrapper.optimizer.lr'),
        ),
        *(
            (
                f'asl/{row.format("asl")}',
                f'asl/{row.format("actionformer")}',
                *('model.neck.temporal_share', 'model.neck.window'),
            )
            for row in ('mq_{}_egovlp', 'mq_{}_sf-ov-egovlp', 'nlq_{}_sf-ov-egovlp-clip')
        ),
    ]
]
BLOCKS = ('blocks', 'test_dataloader.dataset.pipeline.times', 'test_evaluator')
EVERY_FRAME = [f'multitask/egtea_mfnet_{row}' for row in ('ag', 'agh', 'avng', 'avnhg')]
EVERY_FRAME.append('toy/multitask_avnhg')
NEIGHBOURS += [
    (f'configs/{start}.py', f'configs/{start}_every-frame.py', BLOCKS) for start in EVERY_FRAME
]
TEST_SET = ('test_dataloader.dataset', 'test_evaluator')
NEIGHBOURS += [
    (f'configs/multitask/{row}.py', f'configs/multitask/{row}_test-sets.py', TEST_SET)
    for row in ('epic55_mfnet_vnh', 'epic55_mfnet_avnh')
]
# A step of training sees neither hooks nor how many clips there are nor how they are tested: a
# neighbour that differs in these alone would be built and trained as the other one.
UNSEEN_BY_A_STEP = ('default_hooks.', *KEEP, *BLOCKS, *TEST_SET)
SAME_STEP = {
    second
    for _, second, allowed in NEIGHBOURS
    if all(part.startswith(UNSEEN_BY_A_STEP) for part in allowed)
}


def write_tokens(config, folder):
    """Random tokens of two clips of the toy world, as the neck of a cached twin expects them."""
    shapes = {name: (size, 2, 2, 2) for name, size in config.model.neck.in_channels.items()}
    encoders = dict(dtype='float32', shapes=shapes)
    writer = TokenWriter(folder, encoders, dict(clips=2, metainfo={}))
    writer.start()
    writer.write(
        {name: torch.randn(2, *shape) for name, shape in shapes.items()},
        {name: [True, True] for name in shapes},
        [
            EgoSample(
                metainfo=dict(narration_id=f'P01_01_{label}', participant_id='P01'),
                gt=dict(verb=label, noun=label),
            )
            for label in (0, 1)
        ],
    )
    return str(folder)


def evaluators(config):
    given = config.val_evaluator
    return given if isinstance(given, list) else [given]


def on_toy_world(config, world, tmp_path):
    """Point a config at the toy world and shrink what it reads, not what it builds."""
    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        dataset = config[name].dataset
        if dataset.type == 'CachedTokens':
            dataset.folder = write_tokens(config, tmp_path / name)
            continue
        dataset.data_root = str(world)
        dataset.pop('keep', None)
        for step in ('crop', 'resize', 'spectrogram_size'):
            given = dataset.pipeline.get(step)
            if given and given.type == 'RandomScale':
                given.short = (64, 80)
            elif given and 'size' in given:
                given.size = 64
        if dataset.pipeline.get('drop'):
            dataset.pipeline.drop.prob = 0.0  # two clips have to reach every encoder
    for evaluator in evaluators(config):
        for key in ('tail_verbs', 'tail_nouns', 'unseen'):
            if key in evaluator:
                evaluator[key] = str(world / 'annotations' / Path(evaluator[key]).name)
    train_labels = str(world / 'annotations/EPIC_100_train.csv')
    for head in filter(None, config.model.heads.values()):
        for part, key in ((head, 'pairs'), (head.get('loss', {}), 'counts')):
            if isinstance(part.get(key), str):
                part[key] = train_labels
    return config


def on_feature_world(config, world, tmp_path):
    """Point a config at generated features; the networks of clips are made narrow as well.

    Every source reads the same few channels. Levels, blocks and heads stay what they are.
    """
    model = config.model
    if config.val_dataloader is None:  # trained on train and validation, tested on test
        config.val_dataloader, config.val_evaluator = config.test_dataloader, config.test_evaluator
    for name in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        dataset = config[name].dataset
        dataset.data_root = str(world)
        dataset.sources = {source: dict(path='features/ego') for source in dataset.sources}
        if dataset.type == 'MomentQueries':
            dataset.classes = 'annotations/moment_classes.txt'
            model.heads.moment.num_classes = 12
        elif dataset.type == 'EpicActionSegments':
            data = DATASETS.build({**dataset, 'check_files': False})
            if 'action' in model.heads:
                model.heads.action.num_classes = len(data.metainfo['actions'])
        elif 'path' in dataset.get('words', {}):
            dataset.words = dict(path='features/words')
            model.neck.words.in_channels = 8
    for source in dataset.sources:
        model.backbones[source].in_channels = 16
    model.neck.channels, model.neck.num_heads, model.neck.dropout = 32, 4, 0.0
    for head in model.heads.values():
        head.in_channels = 32
    return config


# What a config's data set reads: a fixture, how to point to it, and a score of its protocol,
# None for that by which the config chooses its best checkpoint.
EPIC = ('toy_world', on_toy_world, 'epic100/all_action_accuracy_at_1')
WORLDS = {
    'EpicKitchens': EPIC,
    'ShortClips': EPIC,
    'CachedTokens': EPIC,
    'Egtea': ('egtea_world', on_toy_world, None),
    'EpicKitchens55': ('epic55_world', on_toy_world, None),
    'MomentQueries': ('feature_world', on_feature_world, 'ego4d_mq/average_mAP'),
    'LanguageQueries': ('feature_world', on_feature_world, 'ego4d_nlq/mean_recall_1'),
    'EpicActionSegments': ('feature_world', on_feature_world, 'epic100_c2/{}_average_mAP'),
    'EpicSoundSegments': ('feature_world', on_feature_world, 'epic_sounds/{}_average_mAP'),
}


# Its classes and files are those of the real footage: tests/test_main_job.py trains it.
ON_TOY_WORLD = [
    path
    for path in CONFIGS
    if path.stem != 'mimo_query_real-files' and str(path.relative_to(ROOT)) not in SAME_STEP
]


@pytest.mark.parametrize('path', ON_TOY_WORLD, ids=lambda path: str(path.relative_to(ROOT)))
def test_config_trains_a_step_and_predicts(path, request, tmp_path):
    config = Config.fromfile(path)
    fixture, point, score = WORLDS[config.train_dataloader.dataset.type]
    config = point(config, request.getfixturevalue(fixture), tmp_path)
    with DefaultScope.overwrite_default_scope('egomm'):
        dataset = DATASETS.build(config.train_dataloader.dataset)
        model = MODELS.build(config.model)
        model.init_weights()
        for module in model.modules():
            if isinstance(module, DropPath):
                module.drop_prob = 0.0  # chance would take the gradient of a block now and then
        optim_wrapper = build_optim_wrapper(model, config.optim_wrapper)
        optim_wrapper.initialize_count_status(model, 0, 1)  # this batch is a step
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
        scores = {}
        for evaluator in evaluators(config):
            metric = METRICS.build(evaluator)
            metric.dataset_meta = validation.metainfo
            metric.process({}, [sample.to_dict() for sample in samples])
            scores.update(metric.evaluate(2))
    chosen_by = config.default_hooks.checkpoint.get('save_best', 'egtea/action_top1')
    assert (score.format(*config.model.heads) if score else chosen_by) in scores


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


def test_the_second_stage_starts_from_the_last_checkpoint_of_the_first():
    first, second = (
        Config.fromfile(ROOT / f'configs/asl/nlq_asl_sf-ov-clip_{stage}.py')
        for stage in ('narrations', 'finetuned')
    )
    name = Path(first.filename).stem
    assert second.load_from == f'work_dirs/{name}/epoch_{first.train_cfg.max_epochs}.pth'
    assert 'nlq_train' in second.train_dataloader.dataset.ann_file


def test_the_twin_on_all_of_train_has_no_subset():
    for row in ROWS:
        path = f'configs/mimo/epic100full_swin-t_{row}.py'
        assert Config.fromfile(ROOT / path).train_dataloader.dataset.keep is None


def test_the_control_of_projections_has_as_many_parameters_as_the_query_row():
    query, control = (
        sum(
            parameter.numel()
            for name, parameter in MODELS.build(Config.fromfile(path).model).named_parameters()
            if not name.startswith('backbones.')
        )
        for path in (
            ROOT / 'configs/toy/mimo_query.py',
            ROOT / 'configs/toy/mimo_concat-2proj.py',
        )
    )
    assert control == pytest.approx(query, rel=0.01)


def test_the_released_localizer_without_what_never_runs_has_222_million_parameters():
    config = Config.fromfile(ROOT / 'configs/asl/mq_asl_official-repo.py')
    with torch.device('meta'):
        model = MODELS.build(config.model)
    # 723.8 million in the released code, of which 501.7 million are never used.
    assert sum(value.numel() for value in model.parameters()) == 222_065_422


def test_encoders_start_from_the_files_that_the_command_line_names(tmp_path):
    config = Config.fromfile(ROOT / 'configs/toy/mimo_query.py')
    rgb = MODELS.build(config.model.backbones.rgb).model.state_dict()
    torch.save(dict(state_dict=rgb), tmp_path / 'swin.pth')
    options = {
        f'model.backbones.{name}.pretrained': str(tmp_path / 'swin.pth')
        for name in ('rgb', 'flow', 'audio')
    }
    launch.check_options(config, options)
    config.merge_from_dict(options)
    model = MODELS.build(config.model)
    model.init_weights()  # as the runner does before training
    for name, channels in dict(rgb=3, flow=2, audio=1).items():
        state = model.backbones[name].model.state_dict()
        assert state['patch_embed.proj.weight'].shape[1] == channels
        torch.testing.assert_close(
            state['layers.0.blocks.0.attn.qkv.weight'],
            rgb['layers.0.blocks.0.attn.qkv.weight'],
            rtol=0,
            atol=0,
        )
        torch.testing.assert_close(
            state['patch_embed.proj.weight'].sum(1) / channels,
            rgb['patch_embed.proj.weight'].sum(1) / 3,
        )


def test_nine_views_of_a_clip_give_one_prediction(toy_world, tmp_path):
    path = ROOT / 'configs/mimo/epic100_swin-t_query_3x3views.py'
    config = on_toy_world(Config.fromfile(path), toy_world, tmp_path)
    small = Config.fromfile(ROOT / 'configs/toy/mimo_query.py').model
    with DefaultScope.overwrite_default_scope('egomm'):
        validation = DATASETS.build(config.test_dataloader.dataset)
        model = MODELS.build(dict(small, keep_views=True)).eval()
    clips = [validation[0], validation[1]]
    with torch.no_grad():
        samples = model.test_step(pseudo_collate(clips))
        middle = model.test_step(pseudo_collate([views[4] for views in clips]))
    for sample, plain in zip(samples, middle, strict=True):
        assert len(sample.pred['views']) == 9
        torch.testing.assert_close(sample.pred['views'][4]['verb'], plain.pred['verb'])
        assert sample.pred['verb'].shape == (12,)
