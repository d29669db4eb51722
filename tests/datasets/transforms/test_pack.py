"""The item that leaves the pipeline."""

import numpy as np
import pytest
import torch

from egomm.datasets.media import MediaError
from egomm.datasets.transforms import PackSample


@pytest.fixture
def loaded(results):
    """Results of a clip with all modalities."""
    rng = np.random.default_rng(0)
    return results(
        rgb=rng.integers(0, 255, (2, 4, 5, 3), dtype=np.uint8)[:, :, ::-1],
        flow=rng.integers(0, 255, (2, 4, 5, 2), dtype=np.uint8),
        audio=rng.random((2, 6, 7), dtype=np.float32),
        times=np.array([1.25, 1.75]),
        present={'rgb': True, 'flow': False, 'audio': True},
    )


def test_channels_first_and_types_kept(loaded):
    sample = PackSample()(loaded)
    assert set(sample) == {'inputs', 'present', 'data_samples'}
    inputs = sample['inputs']
    assert {name: tuple(x.shape) for name, x in inputs.items()} == {
        'rgb': (3, 2, 4, 5),
        'flow': (2, 2, 4, 5),
        'audio': (1, 2, 6, 7),
    }
    assert [inputs[name].dtype for name in inputs] == [torch.uint8, torch.uint8, torch.float32]
    assert inputs['rgb'][2, 1, 3, 4] == int(loaded['rgb'][1, 3, 4, 2])
    assert inputs['flow'][1, 0, 2, 3] == int(loaded['flow'][0, 2, 3, 1])
    assert sample['present'] == {'rgb': True, 'flow': False, 'audio': True}


@pytest.mark.parametrize('dtype', [np.int64, np.float64, np.bool_])
def test_frames_of_every_type_of_number_are_taken(loaded, dtype):
    expected = PackSample()(dict(loaded))['inputs']['rgb'].numpy().astype(dtype)
    rgb = PackSample()({**loaded, 'rgb': loaded['rgb'].astype(dtype)})['inputs']['rgb']
    np.testing.assert_array_equal(rgb, expected, strict=True)


def test_sample_knows_its_clip_and_labels(loaded):
    sample = PackSample()(loaded)['data_samples']
    assert sample.metainfo == {
        'narration_id': 'P01_01_0',
        'participant_id': 'P01',
        'video_id': 'P01_01',
        'start_seconds': 1.0,
        'stop_seconds': 2.0,
        'times': [1.25, 1.75],
        'present': {'rgb': True, 'flow': False, 'audio': True},
    }
    assert sample.gt == {'verb': 1, 'noun': 2}


def test_only_the_tasks_asked_for_and_labelled(loaded):
    assert PackSample(tasks=['noun'])(loaded)['data_samples'].gt == {'noun': 2}
    loaded['gt'] = {'noun': 2}
    assert PackSample()(loaded)['data_samples'].gt == {'noun': 2}


def test_input_that_nothing_made_names_the_transform(loaded):
    del loaded['audio']
    with pytest.raises(ValueError, match="wants 'audio', which.*Add `LoadAudio` and `LogPower`"):
        PackSample()(loaded)
    with pytest.raises(ValueError, match="wants 'depth'.*remove 'depth' from `inputs`"):
        PackSample(inputs=['rgb', 'depth'])(loaded)


def test_other_inputs_pass_as_they_are(loaded):
    loaded['depth'] = np.zeros((2, 9))
    sample = PackSample(inputs=['depth'])(loaded)
    assert sample['inputs']['depth'].shape == (2, 9)
    assert sample['present'] == {'depth': True}


def test_clip_with_nothing_real_is_refused(loaded):
    with pytest.raises(MediaError, match=r"P01_01: the clip has none of \['flow'\]"):
        PackSample(inputs=['flow'])(loaded)


def test_a_word_in_the_place_of_a_list_is_refused():
    with pytest.raises(ValueError, match=r"as `inputs`; got 'rgb'. Write inputs=\['rgb'\]"):
        PackSample(inputs='rgb')


def test_views_are_dealt_out_with_the_same_instants_for_all(results):
    # Two instants a view, three sets of them; three crops: frames are numbered 10 * instant + crop
    instants = np.arange(6)
    frames = (10 * np.repeat(instants, 3) + np.tile(range(3), 6)).reshape(18, 1, 1, 1)
    views = PackSample(inputs=['rgb', 'audio', 'depth'])(
        results(
            rgb=frames.astype(np.uint8),
            audio=(10 * instants).reshape(6, 1, 1),
            depth=instants * 10,
            times=instants / 10,
            temporal_views=3,
            crops=3,
        )
    )
    assert len(views) == 9
    for number, view in enumerate(views):
        first, crop = divmod(number, 3)
        expected = [10 * first, 10 * (first + 3)]
        assert (view['inputs']['rgb'].flatten() - crop).tolist() == expected
        assert view['inputs']['audio'].shape == (1, 2, 1, 1)
        assert view['inputs']['audio'].flatten().tolist() == expected
        assert view['inputs']['depth'].tolist() == expected
        assert view['data_samples'].times == [first / 10, (first + 3) / 10]
        assert view['data_samples'].gt == {'verb': 1, 'noun': 2}


def test_an_input_that_does_not_count_instants_cannot_be_dealt_out(results):
    start = results(depth=np.zeros(5), times=np.arange(6) / 10, temporal_views=3)
    with pytest.raises(ValueError, match="deals 'depth' out .* wants 6 entries there; got 5"):
        PackSample(inputs=['depth'])(start)
