"""Small recognizers with weights, and videos to show them."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from mmengine.config import Config

from egomm.registry import MODELS

ROOT = Path(__file__).resolve().parents[2]

MMACTION = """
default_scope = 'mmaction'
model = dict(
    type='Recognizer3D',
    backbone=dict(
        type='ResNet3dSlowFast', pretrained=None, resample_rate=4, speed_ratio=4, channel_ratio=4,
        slow_pathway=dict(
            type='resnet3d', depth=18, pretrained=None, lateral=True, conv1_kernel=(1, 3, 3),
            base_channels=8, dilations=(1, 1, 1, 1), inflate=(0, 0, 1, 1), conv1_stride_t=1,
            pool1_stride_t=1),
        fast_pathway=dict(
            type='resnet3d', depth=18, pretrained=None, lateral=False, base_channels=2,
            conv1_kernel=(5, 3, 3), conv1_stride_t=1, pool1_stride_t=1)),
    cls_head=dict(type='SlowFastHead', in_channels=80, num_classes=5, average_clips='prob'),
    data_preprocessor=dict(
        type='ActionDataPreprocessor', mean=[123.7, 116.3, 103.5], std=[58.4, 57.1, 57.4],
        format_shape='NCTHW'))
test_pipeline = [
    dict(type='DecordInit'),
    dict(type='SampleFrames', clip_len=8, frame_interval=2, num_clips=2, test_mode=True),
    dict(type='DecordDecode'),
    dict(type='Resize', scale=(-1, 40)),
    dict(type='CenterCrop', crop_size=32),
    dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs')]
test_dataloader = dict(dataset=dict(type='VideoDataset', pipeline=test_pipeline, test_mode=True))
"""


@pytest.fixture(scope='session')
def recognizer(tmp_path_factory):
    """Config and checkpoint of the toy query model, with random weights."""
    return _with_weights(ROOT / 'configs/toy/mimo_query.py', tmp_path_factory.mktemp('recognizer'))


@pytest.fixture(scope='session')
def mmaction_recognizer(tmp_path_factory):
    """Config and checkpoint of a tiny SlowFast of mmaction2 that looks at two clips of a window."""
    folder = tmp_path_factory.mktemp('mmaction')
    (folder / 'slowfast.py').write_text(MMACTION)
    return _with_weights(folder / 'slowfast.py', folder)


@pytest.fixture(scope='session')
def make_video():
    """Writes grey frames that get lighter, with a tone: ``make_video(path, seconds, tone=440)``."""

    def make(path, seconds=4.0, fps=30, size=(48, 64), tone=440):
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(path), 'w') as container:
            video = container.add_stream('libx264', rate=fps, options={'crf': '5', 'g': '12'})
            video.height, video.width, video.pix_fmt = *size, 'yuv420p'
            video.thread_count = 1
            sound = None if tone is None else container.add_stream('aac', rate=24_000)
            for number in range(round(seconds * fps)):
                image = np.full((*size, 3), (8 + 3 * number) % 240, np.uint8)
                container.mux(video.encode(av.VideoFrame.from_ndarray(image, format='rgb24')))
            container.mux(video.encode(None))
            if sound is not None:
                wave = np.sin(2 * np.pi * tone * np.arange(round(seconds * 24_000)) / 24_000)
                for start in range(0, len(wave), 1024):
                    part = wave[None, start : start + 1024].astype(np.float32) / 2
                    frame = av.AudioFrame.from_ndarray(part, format='fltp', layout='mono')
                    frame.sample_rate, frame.pts = 24_000, start
                    frame.time_base = Fraction(1, 24_000)
                    container.mux(sound.encode(frame))
                container.mux(sound.encode(None))
        return path

    return make


def _with_weights(config, folder):
    torch.manual_seed(5)
    settings = Config.fromfile(config).model
    kind = settings.type if settings.type == 'MultiIOModel' else f'mmaction.{settings.type}'
    model = MODELS.build({**settings, 'type': kind})
    torch.save({'state_dict': model.state_dict()}, folder / 'weights.pth')
    return str(config), str(folder / 'weights.pth')
