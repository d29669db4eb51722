import json
import wave
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from mmengine.config import Config

from egomm.datasets import prepared_media
from egomm.datasets.flow import FlowEngine, FlowSettings
from egomm.datasets.media import MediaError
from egomm.datasets.prepared_media import Wanted, prepare_video
from egomm.hooks import RunCardHook
from egomm.testing.media import MovieWriter

ROOT_NAMES = ('rgb', 'u', 'v')
WANTED = Wanted('rgb', '{axis}', 'a.wav', fps=10, short_side=48, settings=FlowSettings(stride=2))


def moving(count=12, speed=2):
    """A textured picture that moves to the right, ``speed`` pixels a frame."""
    texture = np.random.default_rng(0).integers(0, 256, (12, 40, 3), np.uint8)
    wide = cv2.resize(texture, (160, 48), interpolation=cv2.INTER_CUBIC)
    return [wide[:, 64 - speed * k : 128 - speed * k] for k in range(count)]


@pytest.fixture
def video(tmp_path):
    path = tmp_path / 'clip one.mp4'
    tone = (10_000 * np.sin(np.arange(28_800) / 20)).astype(np.int16)
    with MovieWriter(path, 64, 48, 10, tone) as movie:
        for image in moving():
            movie.add(image)
    return path


def nothing(seconds):
    return None


def files(root):
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob('*')
        if path.is_file()
    }


@pytest.mark.parametrize('setting', [dict(fps=-1.0), dict(short_side=-1), dict(sample_rate=0)])
def test_settings_without_meaning_write_nothing(setting, video, tmp_path):
    (tmp_path / 'out').mkdir()
    with pytest.raises(ValueError, match='fps and sample_rate above 0 and short_side from 0 up'):
        prepare_video(tmp_path / 'out', 'clip', video, WANTED._replace(**setting), nothing)
    assert not list((tmp_path / 'out').iterdir())


def test_frames_flow_and_sound_are_those_of_the_video(video, tmp_path):
    root = tmp_path / 'out'
    root.mkdir()
    entry = prepare_video(root, 'clip', video, WANTED, nothing)
    assert entry['frames']['images'] == 12
    assert entry['flow']['images'] == 5  # 1 -> 3, 3 -> 5, ... 9 -> 11
    assert entry['flow']['settings']['algorithm'] == 'dis'
    assert entry['audio']['seconds'] == pytest.approx(1.2, abs=0.1)
    third = cv2.imread(str(root / 'rgb/frame_0000000003.jpg'))[..., ::-1]
    assert np.abs(third.astype(int) - moving()[2]).mean() < 12
    u, v = (cv2.imread(str(root / axis / 'frame_0000000002.jpg'), 0) for axis in 'uv')
    # Four pixels to the right over two frames, of a bound of 8: 128 + 127 / 2.
    assert np.median(u[8:-8, 16:-16]) == pytest.approx(191.5, abs=6)
    assert np.median(v[8:-8, 16:-16]) == pytest.approx(128, abs=3)
    with wave.open(str(root / 'a.wav')) as sound:
        assert (sound.getframerate(), sound.getnchannels()) == (24_000, 1)
    assert json.loads((root / 'media.json').read_text())['videos']['clip'] == entry
    assert prepare_video(root, 'clip', video, WANTED, nothing) is None


def test_a_training_knows_how_prepared_flow_was_made(video, tmp_path):
    config = Config(dict(train_dataloader=dict(dataset=dict(sources=dict(flow=dict(type='flow'))))))
    config.train_dataloader.dataset.data_root = str(tmp_path / 'out')
    (tmp_path / 'out').mkdir()
    checkpoint = {}
    RunCardHook().before_save_checkpoint(SimpleNamespace(cfg=config), checkpoint)
    assert checkpoint['meta']['flow'] == dict(algorithm=None, bound=None, fps=None, stride='epic')
    prepare_video(tmp_path / 'out', 'clip', video, WANTED, nothing)
    RunCardHook().before_save_checkpoint(SimpleNamespace(cfg=config), checkpoint)
    assert checkpoint['meta']['flow'] == dict(algorithm='dis', bound=8.0, fps=10, stride='epic')


def test_an_interrupted_call_goes_on_to_the_same_bytes(video, tmp_path):
    whole, parts = tmp_path / 'whole', tmp_path / 'parts'
    for root in (whole, parts):
        root.mkdir()
    prepare_video(whole, 'clip', video, WANTED, nothing)

    def killed(seconds):
        if seconds > 0.65:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_video(parts, 'clip', video, WANTED, killed)
    (parts / 'rgb.part' / 'frame_0000000007.jpg').write_bytes(b'cut off')
    first = parts / 'rgb.part' / 'frame_0000000002.jpg'
    before = first.stat().st_mtime_ns
    prepare_video(parts, 'clip', video, WANTED, nothing)
    assert (parts / 'rgb/frame_0000000002.jpg').stat().st_mtime_ns == before
    assert files(parts) == files(whole)


def test_other_settings_foreign_folders_and_broken_videos_are_refused(video, tmp_path):
    root = tmp_path / 'out'
    root.mkdir()
    frames = Wanted(frames='rgb', fps=10)
    prepare_video(root, 'clip', video, frames, nothing)
    with pytest.raises(ValueError, match=r'frames of clip is there with fps=10; wanted is fps=5'):
        prepare_video(root, 'clip', video, frames._replace(fps=5), nothing)
    with pytest.raises(ValueError, match='is there already, from somewhere else'):
        prepare_video(root, 'other', video, frames, nothing)
    (tmp_path / 'empty.mp4').touch()
    with pytest.raises(MediaError):
        prepare_video(root, 'x', tmp_path / 'empty.mp4', Wanted(frames='x'), nothing)
    (root / 'media.json').write_text('{')
    with pytest.raises(ValueError, match='JSON is expected'):
        prepared_media.read_manifest(root)
    with pytest.raises(ValueError, match=r'algorithm of dis, farneback, tvl1.*got .*liteflow'):
        FlowSettings('liteflow').checked()


@pytest.mark.parametrize('algorithm', ['dis', 'farneback', 'tvl1'])
def test_every_algorithm_sees_the_motion(algorithm):
    images = moving(2)
    flow = FlowEngine(FlowSettings(algorithm, bound=4.0))(*map(np.ascontiguousarray, images))
    assert flow.shape == (48, 64, 2)
    middle = np.median(flow[12:-12, 16:-16], axis=(0, 1))
    assert middle == pytest.approx([191.5, 128], abs=12)  # 2 pixels of a bound of 4


def test_the_command_names_licence_and_steps_and_makes_frames_where_configs_look(
    command_line, video, tmp_path
):
    root = tmp_path / 'epic'
    (root / 'P01/videos').mkdir(parents=True)
    tool = (command_line.python, command_line.tools / 'prepare/media.py', 'epic100', root)
    said = command_line.call(*tool)
    assert said.startswith('1. Licence: CC BY-NC 4.0')
    assert '0 videos there' in said
    assert 'has no videos' in command_line.call(*tool, '--frames', code=2)
    video.rename(root / 'P01/videos/P01_101.MP4')
    (root / 'P01/videos/P01_02.MP4').write_bytes(b'none')
    said = command_line.call(*tool, '--frames', '--audio', code=1)
    assert 'P01_101: 60 frames, 1.2 s of sound' in said  # 50 a second
    assert 'P01_02: left out: ' in said
    assert '1 of 2 videos' in said
    assert (root / 'P01/rgb_frames/P01_101/frame_0000000060.jpg').is_file()
    assert (root / 'P01/audio/P01_101.wav').is_file()
    said = command_line.call(*tool, '--frames', '--audio', '--only', 'P01_101')
    assert 'P01_101: there already' in said
