import pytest
import torch

from egomm.registry import MODELS
from egomm.structures import Stream


def small_swin(pretrained=None, frozen=False, **kwargs):
    return MODELS.build(
        dict(
            type='WrappedBackbone',
            frozen=frozen,
            model=dict(
                type='mmaction.SwinTransformer3D',
                arch=dict(embed_dims=8, depths=[1, 1], num_heads=[1, 2]),
                window_size=(2, 4, 4),
                pretrained2d=False,
                **kwargs,
            ),
            pretrained=pretrained,
        )
    )


def test_video_swin_of_mmaction2_is_a_backbone():
    backbone = small_swin(in_channels=2, out_indices=(1,))
    backbone.init_weights()
    mask = torch.tensor([True])
    stream = backbone(Stream(torch.rand(1, 2, 4, 32, 32), mask))
    assert stream.x.shape == (1, 16, 2, 4, 4)  # patches of 2x4x4, then one merge in space
    assert stream.mask is mask


@pytest.mark.parametrize('channels', [3, 2, 1])
def test_flow_and_sound_start_from_the_weights_for_rgb(channels, tmp_path):
    rgb = small_swin(out_indices=(1,)).model.state_dict()
    torch.save(dict(state_dict=rgb), tmp_path / 'rgb.pth')
    backbone = small_swin(str(tmp_path / 'rgb.pth'), in_channels=channels, out_indices=(1,))
    backbone.init_weights()
    state = backbone.model.state_dict()
    kernel = rgb.pop('patch_embed.proj.weight')
    expected = (
        kernel if channels == 3 else kernel.mean(1, keepdim=True).expand(-1, channels, -1, -1, -1)
    )
    torch.testing.assert_close(state.pop('patch_embed.proj.weight'), expected)
    torch.testing.assert_close(state, rgb, rtol=0, atol=0)


def test_weights_of_another_network_are_refused(tmp_path):
    torch.save(small_swin(out_indices=(0,)).model.state_dict(), tmp_path / 'x.pth')
    backbone = small_swin(str(tmp_path / 'x.pth'), out_indices=(1,))
    with pytest.raises(
        ValueError, match=r'x\.pth does not fit SwinTransformer3D: 2 missing: norm1\.weight'
    ):
        backbone.init_weights()


def test_a_network_that_returns_several_maps_is_refused():
    backbone = small_swin(out_indices=(0, 1))
    with pytest.raises(ValueError, match='returned tuple.*out_indices'):
        backbone(Stream(torch.rand(1, 3, 4, 32, 32)))


def test_a_mask_of_steps_is_refused():
    backbone = small_swin(out_indices=(1,))
    with pytest.raises(ValueError, match=r'WrappedBackbone .*mask of shape \(1, 4\)'):
        backbone(Stream(torch.rand(1, 3, 4, 32, 32), torch.ones(1, 4, dtype=torch.bool)))


def test_a_frozen_network_stays_in_evaluation_and_gets_no_gradient():
    backbone = small_swin(frozen=True, out_indices=(1,), drop_path_rate=0.9)
    model = torch.nn.ModuleList([backbone, torch.nn.Dropout()])
    assert not any(part.training for part in backbone.modules())
    model.train()
    assert model[1].training
    assert not any(part.training for part in backbone.modules())
    assert not any(value.requires_grad for value in backbone.parameters())
    clip = torch.rand(1, 3, 4, 32, 32, requires_grad=True)
    first, second = (backbone(Stream(clip)).x for _ in range(2))
    assert torch.equal(first, second)  # no drop path
    assert not first.requires_grad


def test_a_network_that_is_not_frozen_learns():
    backbone = small_swin(out_indices=(1,)).train()
    assert backbone.model.training
    backbone(Stream(torch.rand(1, 3, 4, 32, 32))).x.sum().backward()
    assert backbone.model.patch_embed.proj.weight.grad is not None
