"""What each modality has at the sampled instants."""

import shutil

import numpy as np
import pytest

from egomm.datasets.media import MediaError
from egomm.datasets.transforms import LoadAudio, LoadFlow, LoadRGB

RATE = 24_000


@pytest.fixture
def sources(world):
    """Resolved sources of P01_01 in `world`."""
    p01 = f'{world}/P01'
    return {
        'rgb': {
            'type': 'frames',
            'path': p01 + '/rgb_frames/P01_01/frame_{index:010d}.jpg',
            'first': 1,
        },
        'flow': {
            'type': 'flow',
            'path': p01 + '/flow_frames/P01_01/{axis}/frame_{index:010d}.jpg',
            'axes': ('u', 'v'),
            'first': 1,
            'stride': 2,
        },
        'audio': {'type': 'wav', 'path': p01 + '/audio/P01_01.wav'},
    }


def at(numbers):
    """Instants at images of a video with 60 a second."""
    return {'frame_indices': np.array(numbers), 'times': np.array(numbers) / 60}


def level(images):
    return np.rint(images.reshape(len(images), -1, images.shape[-1]).mean(1)).astype(int)


def test_rgb_frames_by_official_number(results, sources):
    out = LoadRGB()(results(sources=sources, **at([1, 60, 120])))
    assert out['rgb'].shape == (3, 48, 64, 3)
    np.testing.assert_allclose(level(out['rgb']), [[1, 0, 0], [60, 0, 0], [120, 0, 0]], atol=2)
    assert out['present'] == {'rgb': True}


def test_flow_by_stride_with_its_last_frame_repeated(results, sources):
    # Flow image (rgb - 1) // 2 + 1; RGB 119 and 120 want the 60th, of 59.
    out = LoadFlow()(results(sources=sources, **at([1, 2, 3, 118, 120])))
    assert out['flow'].shape == (5, 24, 32, 2)
    assert level(out['flow']).tolist() == [[1, 254], [1, 254], [2, 253], [59, 196], [59, 196]]


def test_rgb_and_flow_of_the_same_instant_fit_together(results, sources):
    out = LoadFlow()(LoadRGB()(results(sources=sources, **at([41]))))
    assert level(out['flow'])[0, 0] == 21  # (41 - 1) // 2 + 1
    assert level(out['rgb'])[0, 0] == pytest.approx(41, abs=2)


@pytest.mark.parametrize('numbers', [[118, 121], [118, 123]])
def test_a_little_after_the_last_frame_it_stands_in(results, sources, numbers):
    out = LoadRGB()(results(sources=sources, **at(numbers)))
    np.testing.assert_allclose(level(out['rgb'])[:, 0], [118, 120], atol=2)


def test_frames_far_after_the_end_are_missing(results, sources):
    with pytest.raises(MediaError, match=r'frame_0000000124\.jpg: a frame is expected here'):
        LoadRGB()(results(sources=sources, **at([118, 124])))
    with pytest.raises(MediaError, match=r'u/frame_0000000061\.jpg'):
        LoadFlow()(results(sources=sources, **at([121])))


def test_hole_in_the_frames_is_an_error_even_at_the_last_instant(results, sources, tmp_path):
    folder = tmp_path / 'frames'
    shutil.copytree(sources['rgb']['path'].rpartition('/')[0], folder)
    (folder / 'frame_0000000050.jpg').unlink()
    source = {**sources['rgb'], 'path': str(folder) + '/frame_{index:010d}.jpg'}
    for numbers in ([40, 50], [50, 60]):
        with pytest.raises(MediaError, match=r'frame_0000000050\.jpg: a frame is expected'):
            LoadRGB()(results(sources={'rgb': source}, **at(numbers)))


def test_frames_of_two_sizes_are_an_error(results, sources, tmp_path, files):
    folder = tmp_path / 'frames'
    files.write_image(folder / 'frame_0000000001.jpg', 5)
    files.write_image(folder / 'frame_0000000002.jpg', 5, (24, 32))
    source = {**sources['rgb'], 'path': str(folder) + '/frame_{index:010d}.jpg'}
    with pytest.raises(MediaError, match=r'0002\.jpg: a frame of \(48, 64\).*got \(24, 32\)'):
        LoadRGB()(results(sources={'rgb': source}, **at([1, 2])))


def test_missing_modalities_get_placeholders(results):
    empty = dict.fromkeys(['rgb', 'flow', 'audio'])
    out = LoadAudio()(LoadFlow()(LoadRGB()(results(sources=empty, **at([1, 2, 3])))))
    assert out['present'] == {'rgb': False, 'flow': False, 'audio': False}
    assert out['rgb'].shape == (3, 16, 16, 3)
    assert not out['rgb'].any()
    assert out['flow'].shape == (3, 16, 16, 2)
    assert (out['flow'] == 128).all()
    assert out['waveform'].shape == (3, 30_696)
    assert not out['waveform'].any()
    assert out['conditions'] == {'audio': 'absent'}


def test_windows_of_sound_are_centred_on_the_instants(results, sources):
    # Sample i of this wav is i / 48,000.
    out = LoadAudio(window=0.1)(results(sources=sources, times=np.array([0.5, 0.52, 1.2])))
    assert out['waveform'].shape == (3, 2_400)
    assert out['waveform'].dtype == np.float32
    np.testing.assert_allclose(out['waveform'][:, 1_200] * 2, [0.5, 0.52, 1.2], atol=1e-4)
    np.testing.assert_allclose(np.diff(out['waveform']), 1 / 48_000, atol=4e-5)
    assert out['conditions'] == {'audio': 'whole'}


@pytest.mark.parametrize(
    ('times', 'condition'),
    [
        ([0.5, 1.5], 'whole'),
        ([0.1, 1.5], 'padded'),  # 0.05 s before the beginning
        ([1.9, 2.3], 'padded'),  # 0.25 of 0.7 s is there
        ([1.95, 3.0], 'absent'),  # 0.2 of 1.35 s is there
        ([5.0, 6.0], 'absent'),
    ],
)
def test_conditions_of_sound(results, sources, times, condition):
    out = LoadAudio(window=0.3)(results(sources=sources, times=np.array(times)))
    assert out['conditions']['audio'] == condition
    assert out['present']['audio'] == (condition != 'absent')
    assert out['waveform'].shape == (2, 7_200)
    if condition == 'absent':
        assert not out['waveform'].any()


def test_exact_silence_counts_as_no_sound_but_a_whisper_does_not(results, files, tmp_path):
    for name, sample, condition in (('silent', 0, 'silent'), ('whisper', 1.5 / 32767, 'whole')):
        samples = np.zeros(2 * RATE)
        samples[20_000] = sample
        path = files.write_wav(tmp_path / f'{name}.wav', samples)
        source = {'audio': {'type': 'wav', 'path': str(path)}}
        out = LoadAudio(window=0.3)(results(sources=source, times=np.array([0.5, 0.9])))
        assert out['conditions']['audio'] == condition
        assert out['present']['audio'] == (condition == 'whole')


def test_video_and_its_sound_are_read_by_time(results, world):
    path = str(world / 'P02/videos/P02_101.MP4')
    sources = {'rgb': {'type': 'video', 'path': path}, 'audio': {'type': 'container', 'path': path}}
    start = results(sources=sources, times=np.array([1.0, 1.5]), frame_indices=np.array([1, 1]))
    out = LoadAudio()(LoadRGB()(start))
    np.testing.assert_allclose(level(out['rgb'])[:, 0], [8 + 2.4 * 25, 8 + 2.4 * 37], atol=2)
    assert out['present'] == {'rgb': True, 'audio': True}
    assert np.abs(out['waveform']).max() == pytest.approx(0.5, abs=0.05)


def test_loaders_need_instants_and_sources(results, sources):
    with pytest.raises(ValueError, match='LoadRGB reads at sampled instants.*`SampleSegments`'):
        LoadRGB()(results(sources=sources))
    with pytest.raises(ValueError, match=r"LoadFlow reads flow, but .* \['rgb'\] only"):
        LoadFlow()(results(sources={'rgb': sources['rgb']}, **at([1])))
    with pytest.raises(ValueError, match='window of at least one sample; got 0'):
        LoadAudio(window=0)
