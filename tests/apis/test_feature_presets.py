import json

import numpy as np
import pytest
import torch
from mmengine.config import Config

from egomm.apis.clip_models import Clip, load_clip_model
from egomm.apis.parity import compare_features
from egomm.registry import MODELS
from tests.apis.conftest import ROOT

PRESETS = ROOT / 'configs/features'
WINDOWS = {'omnivore_swin-l': (32, 16, 30), 'clip_vit-b16': (1, 16, 30)}


@pytest.mark.parametrize('name', WINDOWS)
def test_presets_state_window_stride_and_rate(name):
    features = Config.fromfile(PRESETS / f'{name}.py').features
    assert (features.window, features.stride, features.fps) == WINDOWS[name]
    assert {path.stem for path in PRESETS.glob('*.py')} == {*WINDOWS}


def test_omnivores_preset_is_the_mean_of_the_last_map_of_what_is_prepared(tmp_path):
    config = Config.fromfile(PRESETS / 'omnivore_swin-l.py')
    config.model.backbone.arch = dict(embed_dims=12, depths=[1, 1], num_heads=[1, 2])
    config.model.backbone.out_indices = (1,)
    torch.manual_seed(0)
    network = MODELS.build(dict(config.model.backbone, type='mmaction.SwinTransformer3D'))
    state = {f'backbone.{name}': value for name, value in network.state_dict().items()}
    torch.save(dict(state_dict=state), tmp_path / 'w.pth')
    model = load_clip_model(config, str(tmp_path / 'w.pth'))
    assert model.frames_needed() == 32
    # Frames of the size that the network sees, so that nothing is resized.
    images = np.random.default_rng(0).integers(0, 256, (32, 256, 256, 3), np.uint8)
    [found] = model.encode([model.pack(Clip(images, 30.0))])
    seen = torch.from_numpy(images[:, 16:240, 16:240]).permute(3, 0, 1, 2)[None] / 255
    mean, std = (
        torch.tensor(values).view(1, 3, 1, 1, 1)
        for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    network.eval()  # gives nothing back
    with torch.no_grad():
        [wanted] = network((seen - mean) / std).flatten(2).mean(2)
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


@pytest.fixture
def clip_folder(tmp_path):
    from transformers import CLIPConfig, CLIPModel

    torch.manual_seed(0)
    sizes = dict(hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2)
    config = CLIPConfig(
        text_config=dict(sizes, vocab_size=9, max_position_embeddings=4),
        vision_config=dict(sizes, image_size=32, patch_size=16),
        projection_dim=8,
    )
    CLIPModel(config).save_pretrained(tmp_path / 'clip')
    settings = dict(
        size=dict(shortest_edge=32),
        crop_size=dict(height=32, width=32),
        image_mean=[0.5, 0.4, 0.3],
        image_std=[0.2, 0.25, 0.5],
    )
    (tmp_path / 'clip/preprocessor_config.json').write_text(json.dumps(settings))
    return tmp_path / 'clip'


def test_clips_preset_gives_the_image_features_of_the_middle_frame(clip_folder):
    from transformers import CLIPModel

    weights = clip_folder / 'model.safetensors'
    model = load_clip_model(PRESETS / 'clip_vit-b16.py', str(weights))
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 40, 3), np.uint8)
    found = model.encode([model.pack(Clip(images, 30.0))])
    pixels = images[1, :, 4:36] / 255  # the middle of the middle frame
    pixels = (pixels - [0.5, 0.4, 0.3]) / [0.2, 0.25, 0.5]
    pixels = torch.from_numpy(pixels.transpose(2, 0, 1)[None].astype(np.float32))
    reference = CLIPModel.from_pretrained(clip_folder).eval()
    with torch.no_grad():
        wanted = reference(pixel_values=pixels, input_ids=torch.tensor([[1, 2]])).image_embeds
    wide = found / found.norm(dim=-1, keepdim=True)  # transformers gives it of length 1
    torch.testing.assert_close(wide, wanted, rtol=1e-5, atol=1e-5)
    with pytest.raises(ValueError, match='CLIP has no classes'):
        model.predict([])


def test_a_folder_that_is_not_whole_is_named(clip_folder):
    (clip_folder / 'preprocessor_config.json').unlink()
    with pytest.raises(ValueError, match=r'preprocessor_config.json: CLIP wants model.safetensors'):
        load_clip_model(PRESETS / 'clip_vit-b16.py', str(clip_folder / 'model.safetensors'))


def test_features_are_compared_by_direction_and_number(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(6, 4)).astype(np.float32)
    moved = x.copy()
    moved[-1] = 9  # Ego4D's last window lies elsewhere
    turned = x.copy()
    turned[0] = -turned[0]
    for folder, arrays in (('made', dict(a=x, b=x, c=x)), ('stored', dict(a=moved, b=turned))):
        (tmp_path / folder).mkdir()
        for name, array in arrays.items():
            np.save(tmp_path / folder / f'{name}.npy', array)
    said = []
    first, second = compare_features(tmp_path / 'made', tmp_path / 'stored', 'abc', 4, said.append)
    assert first.near
    assert first.mean_cosine == pytest.approx(1)
    assert first.largest == 0
    assert not second.near
    assert second.mean_cosine == pytest.approx(3 / 5)  # one of five is turned round
    assert second.least_cosine == pytest.approx(-1)
    assert said[2] == f'c: not in {tmp_path / "stored"}'
    with pytest.raises(ValueError, match='has features of none of these videos'):
        compare_features(tmp_path / 'made', tmp_path / 'stored', 'c', 4, said.append)
