"""The components of the example: what each computes, how long it is, and how it is found."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MessageHub
from torch import nn

from egomm.registry import DATASETS, HOOKS, METRICS, MODELS, TRANSFORMS
from egomm.structures import Stream

HERE = Path(__file__).parent
COMPONENTS = {
    'PatchNet': MODELS,
    'LateMax': MODELS,
    'CosineHead': MODELS,
    'FocalCrossEntropy': MODELS,
    'ShortClips': DATASETS,
    'RandomGrey': TRANSFORMS,
    'MeanRank': METRICS,
    'WeightNormHook': HOOKS,
}


@pytest.fixture(scope='module')
def config():
    return Config.fromfile(HERE / 'mimo_example.py')


def test_custom_imports_register_one_component_of_each_kind(config):
    assert config.custom_imports.imports == ['projects.example.components']
    assert {name for name, registry in COMPONENTS.items() if name in registry} == set(COMPONENTS)


def test_no_component_is_longer_than_fifteen_lines():
    lengths = {}
    for path in HERE.glob('*.py'):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                lengths[node.name] = node.end_lineno - node.decorator_list[0].lineno + 1
    assert lengths.keys() == COMPONENTS.keys()
    assert {name: lines for name, lines in lengths.items() if lines > 15} == {}


def test_the_backbone_makes_a_map_of_patches(config):
    net = MODELS.build(config.model.backbones.flow)
    mask = torch.tensor([True])
    encoded = net(Stream(torch.rand(1, 2, 8, 64, 64), mask))
    assert encoded.x.shape == (1, 32, 4, 8, 8)
    assert encoded.mask is mask


def test_the_neck_keeps_the_strongest_modality_that_is_there(config):
    streams = dict(
        rgb=Stream(torch.tensor([[1.0, 5.0], [-1.0, -2.0]])),
        audio=Stream(torch.tensor([[2.0, 3.0], [9.0, 9.0]]), torch.tensor([True, False])),
    )
    fused = MODELS.build(config.model.neck)(streams)['fused'].x
    assert fused.tolist() == [[2.0, 5.0], [-1.0, -2.0]]


def test_the_logits_of_the_head_are_scaled_cosines():
    head = MODELS.build(dict(type='CosineHead', in_channels=2, num_classes=2, source='fused'))
    nn.init.eye_(head.linear.weight)
    logits = head.eval()(Stream(torch.tensor([[3.0, 4.0]])))
    torch.testing.assert_close(logits, torch.tensor([[9.6, 12.8]]))  # 16 times 0.6 and 0.8


def test_the_loss_is_cross_entropy_where_gamma_is_0_and_less_of_what_is_known():
    logits, labels = torch.tensor([[0.0, 0.0], [2.0, 0.0]]), torch.tensor([0, 0])
    plain, focal = (
        MODELS.build(dict(type='FocalCrossEntropy', gamma=gamma))(logits, labels)
        for gamma in (0.0, 2.0)
    )
    torch.testing.assert_close(plain, nn.functional.cross_entropy(logits, labels, reduction='none'))
    unknown = 1 - torch.softmax(logits, dim=1)[:, 0]
    torch.testing.assert_close(focal, plain * unknown**2)


def test_the_data_set_leaves_long_clips_out(tmp_path):
    columns = 'narration_id,participant_id,video_id,start_timestamp,stop_timestamp,start_frame,'
    rows = ['P01_01_0,P01,P01_01,00:00:01.00,00:00:03.00,50,150,0,0']
    rows += ['P01_01_1,P01,P01_01,00:00:01.00,00:00:03.50,50,175,0,0']
    header = f'{columns}stop_frame,verb_class,noun_class'
    (tmp_path / 'clips.csv').write_text('\n'.join([header, *rows]) + '\n')
    given = dict(ann_file=str(tmp_path / 'clips.csv'), check_files=False, test_mode=True)
    clips = DATASETS.build(dict(type='ShortClips', seconds=2.0, **given))
    assert [clips.get_data_info(i)['narration_id'] for i in range(len(clips))] == ['P01_01_0']


def test_the_transform_makes_all_channels_equal_and_asks_the_clips_own_numbers():
    rgb = np.array([[[[30, 60, 90]]]], dtype=np.uint8)
    transform = TRANSFORMS.build(dict(type='RandomGrey', prob=0.5))
    seen = set()
    for seed in range(8):
        clip = dict(rgb=rgb, present=dict(rgb=True), rng=np.random.default_rng(seed))
        seen.add(tuple(transform(clip)['rgb'].ravel()))
    assert seen == {(30, 60, 90), (60, 60, 60)}


def test_the_metric_counts_a_repeated_clip_once():
    metric = METRICS.build(dict(type='MeanRank', prefix='example'))
    best = dict(narration_id='a', gt=dict(verb=1), pred=dict(verb=torch.tensor([0.0, 2.0, 1.0])))
    last = dict(narration_id='b', gt=dict(verb=0), pred=dict(verb=torch.tensor([0.0, 2.0, 1.0])))
    metric.process({}, [best, last, last])
    assert metric.evaluate(3) == {'example/verb_mean_rank': 2.0}


def test_the_hook_gives_the_length_of_the_weights_to_the_log():
    net = nn.Linear(2, 1)
    net.weight.data, net.bias.data = torch.tensor([[2.0, 3.0]]), torch.tensor([6.0])
    hub = MessageHub('weight_norm')
    runner = SimpleNamespace(
        model=SimpleNamespace(backbones=dict(rgb=net)), message_hub=hub, iter=9
    )
    HOOKS.build(dict(type='WeightNormHook', interval=10)).after_train_iter(runner, 0)
    assert hub.get_scalar('train/norm_rgb').current() == pytest.approx(7.0)


PYPROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "egomm-kitchen"
version = "1.0"
[project.entry-points."egomm.plugins"]
kitchen = "kitchen.components"
[tool.setuptools]
packages = ["kitchen"]
"""


CODE = """
import sys
from mmengine.config import Config
from egomm.registry import DATASETS, HOOKS, METRICS, MODELS, TRANSFORMS

config = Config.fromfile(sys.argv[1])
model = MODELS.build(config.model)
head = model.heads['verb']
found = [model.backbones['rgb'], model.neck, head, head.sample_loss]
data = config.train_dataloader.dataset
found += [TRANSFORMS.build(data.pipeline.resize), METRICS.build(config.val_evaluator[1])]
found += [HOOKS.build(config.custom_hooks[0])]
print(*(type(part).__module__ for part in found), DATASETS.get(data.type).__module__)
"""


def test_a_wheel_of_somebody_else_is_found_by_its_entry_point(tmp_path):
    """The same files as a package: built, installed, and used by a config that imports nothing."""
    package = tmp_path / 'source' / 'kitchen'
    package.mkdir(parents=True)
    (package.parent / 'pyproject.toml').write_text(PYPROJECT)
    for path in HERE.glob('*.py'):
        if not path.name.startswith(('test_', 'mimo_')):
            shutil.copy(path, package)
    pip = [sys.executable, '-m', 'pip', '--quiet', '--disable-pip-version-check']
    build = ['wheel', '--no-deps', '--no-index', '--no-build-isolation', '-w', tmp_path]
    subprocess.run([*pip, *build, package.parent], check=True)
    wheel = tmp_path / 'egomm_kitchen-1.0-py3-none-any.whl'
    site = tmp_path / 'site'
    install = ['install', '--no-deps', '--no-index', '--no-compile', '--target', site]
    subprocess.run([*pip, *install, wheel], check=True)

    text = (HERE / 'mimo_example.py').read_text()
    text = re.sub(r'^custom_imports = .*\n', '', text, flags=re.MULTILINE)
    text = text.replace('../../configs', str(HERE.parents[1] / 'configs'))
    assert 'projects.example' not in text
    config = tmp_path / 'config.py'
    config.write_text(text)
    found = subprocess.run(
        [sys.executable, '-c', CODE, config],
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(map(str, (site, HERE.parents[1])))},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    names = (
        'patch_net late_max cosine_head focal_loss random_grey mean_rank weight_norm short_clips'
    )
    assert found.stdout.split() == [f'kitchen.{name}' for name in names.split()], found.stderr
