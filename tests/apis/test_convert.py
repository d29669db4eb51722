"""Checkpoints of other projects: every entry accounted for, and the same features."""

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from egomm.apis.convert import SOURCES, check, convert, convert_file
from egomm.registry import MODELS
from egomm.structures import Stream

GOLDEN = Path(__file__).parents[1] / 'golden'
SWIN = json.loads((GOLDEN / 'mimo' / 'swin_t_keys.json').read_text())
MFNET = json.loads((GOLDEN / 'mtl' / 'mfnet3d_kinetics400_keys.json').read_text())
OMNIVORE = SOURCES['omnivore']


def wave(count, phase):
    return np.sin(0.37 * np.arange(count) + phase)


def swin_trunk(phase=0.0):
    """Omnivore's Swin-T trunk with the made-up weights of the golden features, float64."""
    index = MODELS.build(OMNIVORE.networks[96]).state_dict()
    state = {}
    for name, shape in SWIN['omnivore_trunk'].items():
        if name.endswith('relative_position_index'):
            state[name] = index[name]
            continue
        base = 1 if 'norm' in name and name.endswith('weight') else 0
        values = base + 0.05 * wave(np.prod(shape), phase + zlib.crc32(name.encode()) % 1000)
        state[name] = torch.from_numpy(values).reshape(shape)
    return state


def empty(shapes):
    return {name: torch.zeros(shape) for name, shape in shapes.items()}


@pytest.fixture(scope='module')
def trunk():
    return swin_trunk()


@pytest.fixture(scope='module')
def heads():
    return empty(SWIN['checkpoint_layout']['heads'])


@pytest.fixture(scope='module')
def swin(trunk, heads, tmp_path_factory):
    """The converted golden network, float64, as a config with `pretrained` builds it."""
    folder = tmp_path_factory.mktemp('swin')
    torch.save(dict(trunk=trunk, heads=heads), folder / 'swinT_checkpoint.torch')
    convert_file('omnivore', folder / 'swinT_checkpoint.torch', folder / 'swin_t.pth')
    network = dict(OMNIVORE.networks[96], init_cfg=None)
    backbone = MODELS.build(
        dict(type='WrappedBackbone', model=network, pretrained=str(folder / 'swin_t.pth'))
    ).double()
    backbone.init_weights()
    backbone.eval()
    return backbone


@pytest.fixture(scope='module')
def features():
    return np.load(GOLDEN / 'mimo' / 'swin_t.npz')


def clip(features, *shape):
    values = np.sin(0.013 * np.arange(np.prod(shape)) + features['phase'])
    return Stream(torch.from_numpy(values).reshape(shape))


@torch.no_grad
def test_converted_swin_t_gives_omnivore_s_features(swin, features):
    x = swin(clip(features, 1, 3, 8, 224, 224)).x
    np.testing.assert_allclose(x[0, ::16], features['full_feat_sub'], rtol=0, atol=1e-9)
    np.testing.assert_allclose(x.mean((2, 3, 4)), features['full_pooled'], rtol=0, atol=1e-9)


@torch.no_grad
def test_converted_swin_t_sees_a_single_frame_as_omnivore_does(swin, features):
    x = swin(clip(features, 1, 3, 1, 224, 224)).x
    assert x.shape == (1, 768, 1, 7, 7)
    expected = features['full_single_frame_pooled']
    np.testing.assert_allclose(x.mean((2, 3, 4)), expected, rtol=0, atol=1e-9)


@torch.no_grad
def test_a_small_trunk_gives_omnivore_s_features(golden):
    data = np.load(golden / 'mimo' / 'swin.npz')
    names = [name for name in data if name.startswith('small_sd/')]
    trunk = {name.removeprefix('small_sd/'): torch.from_numpy(data[name]) for name in names}
    net = MODELS.build(
        dict(
            type='mmaction.SwinTransformer3D',
            arch=dict(embed_dims=12, depths=[2, 2, 2, 2], num_heads=[1, 2, 2, 4]),
            window_size=tuple(data['small_window'].tolist()),
            pretrained2d=False,
        )
    ).double()
    indices = {name: x for name, x in net.state_dict().items() if name.endswith('position_index')}
    net.load_state_dict(convert(OMNIVORE, trunk).state | indices)
    net.eval()
    np.testing.assert_allclose(
        net(torch.from_numpy(data['small_x'])), data['small_feat'], rtol=0, atol=1e-9
    )


@pytest.mark.parametrize('layout', ['published', 'bare', 'legacy'])
def test_every_entry_of_omnivore_is_accounted_for(layout, heads):
    trunk = empty(SWIN['omnivore_trunk'])
    checkpoint, where, others = {
        'published': (dict(trunk=trunk, heads=heads), 'trunk.', [f'heads.{n}' for n in heads]),
        'bare': (trunk, '', []),
        'legacy': (
            dict(classy_state_dict=dict(base_model=dict(model=dict(trunk=trunk)), epoch=3)),
            'classy_state_dict.base_model.model.trunk.',
            ['classy_state_dict.epoch'],
        ),
    }[layout]
    conversion = convert(OMNIVORE, checkpoint)
    assert len(conversion.taken) == 181
    assert conversion.renamed == {'norm.weight': 'norm3.weight', 'norm.bias': 'norm3.bias'}
    depth = [f'depth_patch_embed.{part}' for part in ('proj.weight', 'proj.bias')]
    depth += [f'depth_patch_embed.{part}' for part in ('norm.weight', 'norm.bias')]
    assert conversion.dropped == [*(where + name for name in depth), *others]
    shapes = {name: list(value.shape) for name, value in conversion.state.items()}
    assert shapes == SWIN['mmaction2_swin3d_tiny']
    assert check(OMNIVORE, conversion)['arch'] == 'tiny'


def test_swin_b_has_its_own_window():
    state = MODELS.build(OMNIVORE.networks[128]).state_dict()
    state['norm.weight'], state['norm.bias'] = state.pop('norm3.weight'), state.pop('norm3.bias')
    network = check(OMNIVORE, convert(OMNIVORE, dict(trunk=state)))
    assert (network['arch'], network['window_size']) == ('base', (16, 7, 7))


def mfnet_file(**more):
    names = {f'module.{name}': shape for name, shape, _ in MFNET['keys']}
    return dict(state_dict=empty({**names, **more}), epoch=80)


def test_public_kinetics_file_fits_mfnet3d(tmp_path):
    published = mfnet_file()
    published['state_dict']['module.tail.bn.bias'] += 7
    torch.save(published, tmp_path / 'kinetics.pth')
    report = convert_file('mfnet', tmp_path / 'kinetics.pth', tmp_path / 'new' / 'mfnet.pth')
    assert '419 taken\n    conv1.conv.weight\n' in report
    assert '0 renamed\n3 dropped\n    state_dict.module.classifier.weight\n' in report
    written = torch.load(tmp_path / 'new' / 'mfnet.pth', weights_only=True)
    assert list(written) == ['state_dict']
    net = MODELS.build(dict(type='MFNet3D'))
    net.load_state_dict(written['state_dict'])
    assert (net.tail.bn.bias == 7).all()


def test_heads_of_the_multitask_authors_are_dropped():
    names = ('coord_layers.hm_conv.weight', 'classifier_list.classifier_list.0.weight')
    conversion = convert(SOURCES['mfnet'], mfnet_file(**{f'module.{n}': (2, 768) for n in names}))
    assert check(SOURCES['mfnet'], conversion) == dict(type='MFNet3D')
    assert {f'state_dict.module.{name}' for name in names} < set(conversion.dropped)


def test_counters_that_old_pytorch_did_not_write_are_added():
    old = {n.removeprefix('module.'): x for n, x in mfnet_file()['state_dict'].items()}
    old = {name: value for name, value in old.items() if not name.endswith('num_batches_tracked')}
    conversion = convert(SOURCES['mfnet'], old)
    check(SOURCES['mfnet'], conversion)
    assert conversion.state['tail.bn.num_batches_tracked'] == 0
    assert f'{len(conversion.added)} added\n    conv1.bn.num_batches_tracked' in conversion.report()
    assert conversion.state.keys() == MODELS.build(dict(type='MFNet3D')).state_dict().keys()


def test_result_holds_no_more_than_its_tensors(tmp_path):
    published = mfnet_file()
    names = published['state_dict']
    names['module.tail.bn.bias'] = torch.zeros(10_000_000)[:768]  # a view of 40 MB
    torch.save(published, tmp_path / 'x.pth')
    convert_file('mfnet', tmp_path / 'x.pth', tmp_path / 'y.pth')
    assert (tmp_path / 'y.pth').stat().st_size < 32e6


def spoiled(**changes):
    trunk = empty(SWIN['omnivore_trunk'])
    trunk.update({name.replace('__', '.'): value for name, value in changes.items()})
    return dict(trunk={name: value for name, value in trunk.items() if value is not None})


@pytest.mark.parametrize(
    'checkpoint, words',
    [
        ([1], r"of 'trunk\.patch_embed\.proj\.weight', .* is expected; it holds a list"),
        (dict(model=dict(a=1, b=2)), r'it holds model\.a, model\.b\. Give the file as its auth'),
        (mfnet_file(), r'it holds state_dict\.module\.conv1\.conv\.weight, '),
        (spoiled(norm__bias=None, x=torch.zeros(1)), r'1 missing: norm3\.bias; 1 unexpected: x\.'),
        (spoiled(norm__bias=torch.zeros(3)), r'norm3\.bias \(3,\) instead of \(768,\)'),
        (spoiled(norm__bias='text'), r'trunk\.norm\.bias is a str, a tensor is expected'),
        (
            spoiled(patch_embed__proj__weight=torch.zeros(160, 3, 2, 4, 4)),
            r'patch_embed\.proj\.weight gives 160 channels, 96 or 128 or 192 are expected',
        ),
    ],
)
def test_what_is_no_omnivore_trunk_is_refused_and_nothing_is_written(checkpoint, words, tmp_path):
    torch.save(checkpoint, tmp_path / 'x.pth')
    with pytest.raises(
        ValueError,
        match=rf'x\.pth cannot be converted: it is no Omnivore Swin-T, .* trunk: .*{words}',
    ):
        convert_file('omnivore', tmp_path / 'x.pth', tmp_path / 'y.pth')
    assert [path.name for path in tmp_path.iterdir()] == ['x.pth']


def test_an_existing_file_is_replaced_only_on_demand(tmp_path):
    torch.save(mfnet_file(), tmp_path / 'x.pth')
    (tmp_path / 'y.pth').write_text('mine')
    with pytest.raises(ValueError, match=r'y\.pth exists\. Give another name, or --force'):
        convert_file('mfnet', tmp_path / 'x.pth', tmp_path / 'y.pth')
    assert (tmp_path / 'y.pth').read_text() == 'mine'
    convert_file('mfnet', tmp_path / 'x.pth', tmp_path / 'y.pth', overwrite=True)
    assert 'state_dict' in torch.load(tmp_path / 'y.pth', weights_only=True)
    assert {path.name for path in tmp_path.iterdir()} == {'x.pth', 'y.pth'}


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    torch.save(mfnet_file(), tmp_path / 'x.pth')
    with pytest.raises(ValueError, match=r'x\.pth/y\.pth cannot be written: .*Give another place'):
        convert_file('mfnet', tmp_path / 'x.pth', tmp_path / 'x.pth' / 'y.pth')


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    torch.save(mfnet_file(), tmp_path / 'x.pth')
    (tmp_path / 'y.pth').write_text('mine')

    def full(checkpoint, path):
        Path(path).write_text('half')
        raise RuntimeError('no space left')

    monkeypatch.setattr(torch, 'save', full)
    with pytest.raises(ValueError, match=r'y\.pth cannot be written: no space left'):
        convert_file('mfnet', tmp_path / 'x.pth', tmp_path / 'y.pth', overwrite=True)
    assert (tmp_path / 'y.pth').read_text() == 'mine'
    assert {path.name for path in tmp_path.iterdir()} == {'x.pth', 'y.pth'}
