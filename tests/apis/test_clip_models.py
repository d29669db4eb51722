"""A recognizer sees of a clip in memory what it sees of a file."""

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import init_default_scope

from egomm.apis.clip_models import Clip, load_clip_model
from egomm.apis.load import load_model
from egomm.compat import quiet_dependencies
from egomm.datasets.streams import SoundStream, VideoFrames
from egomm.registry import DATASETS


def test_a_clip_in_memory_is_the_clip_of_a_data_set(recognizer, toy_world):
    """The toy kitchen's frames from its MP4s, through the data set and through `Clip`."""
    config = Config.fromfile(recognizer[0])
    settings = config.val_dataloader.dataset
    settings.data_root = str(toy_world)
    settings.sources = dict(rgb=config.sources.rgb[1], audio=config.sources.audio[1])
    settings.pipeline.flow = None
    settings.pipeline.pack.inputs = ('rgb', 'audio')
    dataset = DATASETS.build(settings)
    config.test_dataloader.dataset = settings
    model = load_clip_model(config, recognizer[1])
    record = dataset.get_data_info(0)
    there = dataset[0]
    path = record['sources']['rgb']['path']
    images = list(VideoFrames(path, 60))
    first, last = (round(record[key] * 60) for key in ('start_seconds', 'stop_seconds'))
    clip = Clip(np.stack(images[first:last]), 60, SoundStream(path), first / 60)
    here = model.pack(clip)
    assert here['inputs']['rgb'].shape == there['inputs']['rgb'].shape
    # Times are rounded to frames: the same picture but for one frame's motion.
    difference = (here['inputs']['rgb'].float() - there['inputs']['rgb'].float()).abs().mean()
    assert difference < 3
    assert here['present'] == there['present']
    assert model.present(here) == dict(rgb=True, audio=True)


def test_features_are_what_the_heads_read(recognizer):
    model = load_clip_model(*recognizer)
    assert model.modalities == ('rgb', 'flow', 'audio')
    assert model.features == ('verb', 'noun')
    rng = np.random.default_rng(0)
    item = model.pack(Clip(rng.integers(0, 255, (32, 48, 64, 3), np.uint8), 30.0))
    assert model.present(item) == dict(rgb=True, flow=False, audio=False)
    features = model.encode([item, item])
    assert features.shape == (2, 192)
    (sample,) = model.predict([item])
    for place, task in enumerate(('verb', 'noun')):
        logits = model.model.heads[task].linear(features[:1, 96 * place : 96 * (place + 1)])
        torch.testing.assert_close(logits[0], sample.pred[task], rtol=1e-4, atol=1e-5)


def test_views_are_averaged(recognizer):
    config = Config.fromfile(recognizer[0])
    steps = config.test_dataloader.dataset.pipeline
    one = load_clip_model(config, recognizer[1])
    steps.crop.type = 'ThreeCrops'
    three = load_clip_model(config, recognizer[1])
    clip = Clip(np.random.default_rng(0).integers(0, 255, (8, 64, 96, 3), np.uint8), 30.0)
    assert len(three.pack(clip)) == 3
    single = one.encode(three.pack(clip))
    torch.testing.assert_close(three.encode([three.pack(clip)])[0], single.mean(0))


def test_mmaction2_recognizers_predict_what_mmaction2_predicts(mmaction_recognizer):
    model = load_clip_model(*mmaction_recognizer)
    assert model.frames_needed() == 16
    images = np.random.default_rng(0).integers(0, 255, (32, 48, 64, 3), np.uint8)
    item = model.pack(Clip(images, 30.0))
    config = Config.fromfile(mmaction_recognizer[0])
    with quiet_dependencies():
        init_default_scope('mmaction')
        steps = [step for step in config.test_pipeline if step.type != 'DecordInit']
        steps[1] = dict(type='ArrayDecode')
        data = Compose(steps)(
            dict(array=images, total_frames=32, start_index=0, modality='RGB', label=-1)
        )
        init_default_scope('egomm')
    torch.testing.assert_close(item['inputs'], data['inputs'])
    (sample,) = model.predict([item])
    expected = model.model.test_step(pseudo_collate([data]))[0].pred_score
    torch.testing.assert_close(sample.pred['action'], expected)
    features = model.encode([item, item])
    assert features.shape == (2, 80)  # 64 of the slow, 16 of the fast pathway
    inputs = model.model.data_preprocessor(pseudo_collate([item]))['inputs']
    maps = model.model.backbone(inputs[0])  # of two clips
    expected = torch.cat([part.mean((2, 3, 4)) for part in maps], 1).mean(0)
    torch.testing.assert_close(features[0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    'change, words',
    [
        (lambda config: config.pop('model'), 'has no `model`. Give the config of a recognizer'),
        (
            lambda config: config.test_dataloader.dataset.pop('pipeline'),
            'has no pipeline in test_dataloader.dataset',
        ),
    ],
)
def test_what_is_no_recognizer_is_said(recognizer, change, words):
    config = Config.fromfile(recognizer[0])
    change(config)
    with pytest.raises(ValueError, match=words):
        load_clip_model(config, recognizer[1])


def test_a_recognizer_of_mmaction2_without_rgb_is_said(mmaction_recognizer):
    config = Config.fromfile(mmaction_recognizer[0])
    config.test_dataloader.dataset.pipeline = [dict(type='LoadAudioFeature')]
    with pytest.raises(ValueError, match=r"pipeline \['LoadAudioFeature'\] decodes no RGB frames"):
        load_clip_model(config, mmaction_recognizer[1])


def test_a_model_without_backbones_by_modality_is_said(recognizer, tmp_path):
    config = Config.fromfile(recognizer[0])
    config.model = dict(type='torch.nn.Linear', in_features=1, out_features=1)
    torch.save(torch.nn.Linear(1, 1).state_dict(), tmp_path / 'linear.pth')
    with pytest.raises(ValueError, match='has a Linear; clips go to a MultiIOModel or to'):
        load_clip_model(config, str(tmp_path / 'linear.pth'))


def test_the_loaded_model_evaluates(recognizer):
    model = load_clip_model(*recognizer)
    assert not model.model.training
    expected = load_model(Config.fromfile(recognizer[0]), recognizer[1]).state_dict()
    torch.testing.assert_close(model.model.state_dict(), expected)
