"""One process each for what has to hold in a fresh interpreter; the rest in this one."""

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest
from mmengine.registry import OPTIMIZERS, DefaultScope

from egomm import registry
from egomm.registry import DATASETS, HOOKS, MODELS, TRANSFORMS

ROOT = Path(__file__).resolve().parents[1]
SMALL_SWIN = dict(
    type='mmaction.SwinTransformer3D',
    pretrained=None,
    arch=dict(embed_dims=24, depths=[1, 1, 1, 1], num_heads=[1, 2, 4, 8]),
)


def run_fresh(code):
    """Output of a new interpreter in which every warning is an error."""
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    done = subprocess.run(
        [sys.executable, '-W', 'error', '-c', code],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_loads_neither_torch_nor_mmaction():
    assert (
        run_fresh(
            'import sys, egomm.registry\n'
            "print([name for name in ('torch', 'mmaction', 'cv2', 'egomm.models') "
            'if name in sys.modules])'
        )
        == '[]\n'
    )


def test_first_import_finds_both_families_without_a_default_scope():
    assert run_fresh(
        'from egomm.registry import DATASETS, MODELS, TRANSFORMS\n'
        f'print(type(MODELS.build(dict({SMALL_SWIN!r}))).__name__)\n'
        "print(MODELS.get('MultiIOModel').__name__, MODELS.get('egomm.QueryFusion').__name__)\n"
        "print(TRANSFORMS.get('mmaction.FormatShape').__name__)\n"
        "print(DATASETS.get('mmaction.VideoDataset').__name__)"
    ) == ('SwinTransformer3D\nMultiIOModel QueryFusion\nFormatShape\nVideoDataset\n')


@pytest.mark.parametrize('scope', ['mmaction', 'mmengine', 'egomm'])
def test_default_scope_of_someone_else_does_not_matter(scope):
    with DefaultScope.overwrite_default_scope(scope):
        assert type(MODELS.build(dict(type='ConcatFusion', in_channels=dict(rgb=2)))).__name__ == (
            'ConcatFusion'
        )


def test_names_inside_a_component_of_mmaction_are_its_own():
    pathway = dict(type='resnet3d', depth=18, pretrained=None, conv1_stride_t=1, pool1_stride_t=1)
    network = MODELS.build(
        dict(
            type='mmaction.ResNet3dSlowFast',
            pretrained=None,
            slow_pathway=dict(pathway, lateral=True, conv1_kernel=(1, 7, 7)),
            fast_pathway=dict(pathway, lateral=False, base_channels=8, conv1_kernel=(5, 7, 7)),
        )
    )
    assert type(network.slow_path).__module__.startswith('mmaction.')


def test_misspelt_type_gives_close_names_and_how_to_register():
    with pytest.raises(
        ValueError,
        match=r"No model is called 'QueryFusoin'\. Close names: "
        r"'QueryFusion'.*@egomm\.registry\.MODELS\.register_module.*custom_imports",
    ):
        MODELS.build(dict(type='QueryFusoin'))


@pytest.mark.parametrize(
    'wrong, close',
    [
        ('SwinTransformer3D', "'mmaction.SwinTransformer3D'"),  # the scope forgotten
        ('mmaction.SwinTransfomer3D', "'mmaction.SwinTransformer3D'"),
        ('queryfusion', "'QueryFusion'"),
        ('Conv3D', "'Conv3d'"),
    ],
)
def test_close_names_come_from_every_scope(wrong, close):
    with pytest.raises(ValueError, match=f'Close names: .*{close}'):
        MODELS.get(wrong)


def test_a_module_that_python_finds_is_no_component():
    with pytest.raises(ValueError, match="No transform is called 'this'"):
        TRANSFORMS.get('this')
    assert 'this' not in TRANSFORMS
    assert 'mmaction.FormatShape' in TRANSFORMS


def test_full_paths_still_work():
    assert MODELS.get('torch.nn.ReLU').__name__ == 'ReLU'


def test_error_of_another_registry_names_its_variable():
    with pytest.raises(ValueError, match=r"No hook.*'PlainCheckpointHook'.*registry\.HOOKS\."):
        HOOKS.get('PlainCheckpointsHook')


def test_error_of_a_registry_that_egomm_adds_nothing_to_names_that_of_mmengine():
    with (
        DefaultScope.overwrite_default_scope('egomm'),
        pytest.raises(ValueError, match=r"'AdamW'.*@mmengine\.registry\.OPTIMIZERS\.register"),
    ):
        OPTIMIZERS.build(dict(type='AdamWW', params=[]))


def test_a_component_in_the_wrong_registry_is_told_so():
    with pytest.raises(ValueError, match=r"called 'QueryFusion'\. A model is called so, .*HOOKS"):
        HOOKS.get('QueryFusion')


def test_a_name_that_is_taken_is_shown_with_both_modules():
    words = 'QueryFusion is already registered in model at egomm.models.necks.query, and '
    with pytest.raises(KeyError, match=rf'{words}{__name__} has one .* yours another name'):
        MODELS.register_module(name='QueryFusion')(Plugin)
    assert MODELS.get('QueryFusion') is not Plugin


class Plugin:
    """An entry point as importlib.metadata gives it."""

    def __init__(self, name, value, loaded):
        self.name, self.value, self.loaded = name, value, loaded
        self.dist = type('Distribution', (), dict(name='egomm-late-max'))

    def load(self):
        self.loaded.append(self.value)
        if 'broken' in self.value:
            raise AttributeError('no such thing')


def give_plugins(monkeypatch, *plugins):
    monkeypatch.setattr(registry, '_loaded_plugins', set())
    monkeypatch.setattr(registry, 'entry_points', lambda group: plugins)


def test_plugins_are_loaded_once(monkeypatch):
    loaded = []
    give_plugins(monkeypatch, Plugin('late_max', 'late_max.model', loaded))
    monkeypatch.setattr(DATASETS, '_imported', False)
    monkeypatch.setattr(HOOKS, '_imported', False)
    HOOKS.get('PlainCheckpointHook')
    DATASETS.get('mmaction.VideoDataset')
    assert loaded == ['late_max.model']
    with pytest.raises(ValueError, match=r"group 'egomm\.plugins'; installed: 'late_max'\)"):
        HOOKS.get('LateMaxHook')


def test_broken_plugin_is_named_with_its_distribution(monkeypatch):
    give_plugins(monkeypatch, Plugin('late_max', 'broken.model', []))
    with pytest.raises(
        ImportError,
        match=r"late_max.*broken\.model.*'egomm-late-max'.*"
        rf'AttributeError: no such thing \({__file__}, line \d+\).*pip uninstall egomm-late-max',
    ):
        registry.load_plugins()


def test_entry_points_is_the_real_function():
    # What the tests above replace.
    assert registry.entry_points is importlib.metadata.entry_points
