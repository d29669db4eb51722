"""Media files: numbering of flow, its scale, sound, and what a decoder reads back."""

import wave

import av
import cv2
import numpy as np
import pytest

from egomm.datasets import EpicKitchens
from egomm.datasets.flow import flow_to_bytes
from egomm.testing.media import FlowWriter, write_media
from egomm.testing.plan import Video
from egomm.testing.spec import KitchenSpec

SPEC = KitchenSpec(width=64, height=48)


def sliding_texture(count, step):
    noise = np.random.default_rng(0).normal(0, 1, (80, 200)).astype(np.float32)
    picture = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2.0), None, 0, 255, cv2.NORM_MINMAX)
    picture = cv2.cvtColor(picture.astype(np.uint8), cv2.COLOR_GRAY2RGB)
    return [
        np.ascontiguousarray(picture[:48, 100 - step * k : 164 - step * k]) for k in range(count)
    ]


def test_flow_bytes_by_hand():
    flow = np.array([0.0, 4.0, -4.0, 1.0, 99.0])
    np.testing.assert_array_equal(flow_to_bytes(flow, 4.0), [128, 255, 1, 160, 255])


@pytest.mark.parametrize(('stride', 'bytes_of_motion'), [(1, 128 + 127 / 4), (2, 128 + 127 / 2)])
def test_flow_is_the_motion_of_the_pixels_over_one_stride(tmp_path, stride, bytes_of_motion):
    """Texture slides right by 1 pixel an image: 1 or 2 pixels a flow image, none downward."""
    writer = FlowWriter(tmp_path, SPEC, stride)
    for frame in sliding_texture(9, 1):
        writer.add(frame)
    names = sorted(path.name for path in (tmp_path / 'u').iterdir())
    assert names == [
        f'frame_{k:010d}.jpg'
        for k in range(1, 9 // stride + (stride == 2) - 1 + 1)
        if k <= 8 // stride
    ]
    u, v = (cv2.imread(str(tmp_path / axis / names[-1]), cv2.IMREAD_GRAYSCALE) for axis in 'uv')
    assert np.median(u) == pytest.approx(bytes_of_motion, abs=4)
    assert np.median(v) == pytest.approx(128, abs=2)


@pytest.mark.parametrize(
    ('fps', 'number', 'name', 'flows'), [(60, 1, 'P03_01', 29), (50, 2, 'P03_102', 59)]
)
def test_official_files_of_one_video(tmp_path, fps, number, name, flows):
    video = Video('train', 3, number, fps, 60 / fps, (), 0)
    sound = 8000 * np.sin(2 * np.pi * 440 * np.arange(60 * 24_000 // fps) / 24_000)
    size = write_media(tmp_path, SPEC, video, sliding_texture(60, 1), sound.astype(np.int16))
    home = tmp_path / 'P03'
    images = sorted((home / 'rgb_frames' / name).iterdir())
    assert [p.name for p in (images[0], images[-1])] == [
        'frame_0000000001.jpg',
        'frame_0000000060.jpg',
    ]
    for axis in 'uv':
        assert len(list((home / 'flow_frames' / name / axis).iterdir())) == flows
    assert size == sum(p.stat().st_size for p in tmp_path.rglob('*') if p.is_file())

    with wave.open(str(home / 'audio' / f'{name}.wav')) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 24_000)
        assert file.getnframes() == len(sound)

    with av.open(str(home / 'videos' / f'{name}.MP4')) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.average_rate) == ('h264', fps)
        frames = list(container.decode(video=0))
    assert len(frames) == 60
    assert [float(f.time) for f in frames[:3]] == pytest.approx([0, 1 / fps, 2 / fps])
    # The same image as the JPEG of that number, but for two codecs.
    shown = frames[30].to_ndarray(format='bgr24').astype(int)
    assert np.abs(shown - cv2.imread(str(images[30]))).mean() < 8

    with av.open(str(home / 'videos' / f'{name}.MP4')) as container:
        assert container.streams.audio[0].codec_context.name == 'aac'
        heard = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])
    assert abs(len(heard) - len(sound)) < 2200
    assert np.abs(np.fft.rfft(heard)).argmax() * 24_000 / len(heard) == pytest.approx(440, abs=3)


def test_a_world_of_fewer_images_still_shows_every_action(make_toy_world):
    """RGB then comes from the videos; flow images are those around the labelled actions."""
    lean, full = (make_toy_world(videos=3, images=images) for images in ('actions', 'all'))
    assert not list(lean.rglob('rgb_frames'))
    counts = [len(list(root.rglob('flow_frames/*/u/*.jpg'))) for root in (lean, full)]
    assert 0 < counts[0] < counts[1]
    sources = dict(
        rgb=[
            dict(type='frames', path='{participant}/rgb_frames/{video}/frame_{index:010d}.jpg'),
            dict(type='video', path='{participant}/videos/{video}.MP4'),
        ],
        flow=dict(
            type='flow', path='{participant}/flow_frames/{video}/{axis}/frame_{index:010d}.jpg'
        ),
    )
    steps = [
        dict(type='SampleSegments', mode='centre'),
        dict(type='LoadRGB'),
        dict(type='LoadFlow'),
    ]
    clips = [
        EpicKitchens(
            ann_file='annotations/EPIC_100_train.csv',
            data_root=str(root),
            sources=sources,
            pipeline=steps,
            test_mode=True,
        )
        for root in (lean, full)
    ]
    for index in range(len(clips[0])):
        one, other = (dataset[index] for dataset in clips)
        np.testing.assert_array_equal(one['flow'], other['flow'])
        assert np.abs(one['rgb'].astype(int) - other['rgb']).mean() < 8  # two codecs
