import numpy as np
import pytest

from egomm.datasets.feature_clips import FeatureSource
from egomm.datasets.feature_store import FeatureStore

ABOUT = dict(dim=2, fps=30, stride=15, window=30)  # two positions a second, each looks at one
RECORD = dict(clip_id='clip', video_id='video', video_start_seconds=10.3, duration=20.0)


def source(folder, per='clip', positions=39, **options):
    folder.mkdir(exist_ok=True)
    ramp = np.arange(positions, dtype=np.float32)
    np.save(folder / f'{per}.npy', np.stack([ramp, -ramp], axis=1))
    return FeatureSource(str(folder), per=per, **{**ABOUT, **options})


def test_features_of_a_clip_keep_their_positions(tmp_path):
    array, grid = source(tmp_path / 'f').clip(RECORD, None)
    assert array.shape == (39, 2)
    assert grid.seconds(0) == 0.5
    assert grid.seconds(38) == 19.5


def test_features_of_a_video_are_cut_and_know_when_they_begin(tmp_path):
    array, grid = source(tmp_path / 'f', per='video', positions=100).clip(RECORD, None)
    # The clip is 10.3..30.3 s of the video; row 20 begins at 10 s, row 60 at 30 s.
    assert array[:, 0].tolist() == list(range(20, 61))
    assert grid.seconds(0) == pytest.approx(10.5 - 10.3)
    for index in (0, 7, 40):
        in_video = (array[index, 0] * 15 + 15) / 30
        assert grid.seconds(index) == pytest.approx(in_video - 10.3)


def test_a_clip_that_begins_before_its_video_has_what_there_is(tmp_path):
    record = {**RECORD, 'video_start_seconds': -0.4}
    array, grid = source(tmp_path / 'f', per='video', positions=100).clip(record, None)
    assert array[:, 0].tolist() == list(range(40))
    assert grid.seconds(0) == pytest.approx(0.5 + 0.4)


def test_resized_features_stand_for_the_same_times(tmp_path):
    # The value of a row is its number, so its time can be read from it after interpolation.
    for per, lead in (('clip', 0.0), ('video', 10.3)):
        array, grid = source(tmp_path / per, per, 39 if per == 'clip' else 100).clip(RECORD, 64)
        assert array.shape == (64, 2)
        middle = np.arange(8, 56)
        in_file = (array[middle, 0] * 15 + 15) / 30
        # The grid spreads windows without gaps, which moves times by half a window at the ends.
        assert np.abs(grid.seconds(middle) - (in_file - lead)).max() < 0.5


def test_the_cache_is_half_precision_in_a_map_and_used_again(tmp_path, monkeypatch):
    made = source(tmp_path / 'f', cache=str(tmp_path / 'cache'))
    plain = source(tmp_path / 'f').clip(RECORD, 16)
    first = made.clip(RECORD, 16)
    with monkeypatch.context() as patch:
        patch.setattr(FeatureStore, 'read', None)  # is not called again
        again = made.clip(RECORD, 16)
    for array, grid in (first, again):
        assert isinstance(array, np.memmap)
        assert array.dtype == np.float16
        assert np.abs(array - plain[0]).max() < 0.02
        assert grid == plain[1]
    assert len(made.clip(RECORD, 8)[0]) == 8  # another length is another entry
    assert not list((tmp_path / 'cache').rglob('*.part'))


def test_what_has_changed_since_it_was_cached_is_resized_anew(tmp_path):
    made = source(tmp_path / 'f', per='video', positions=100, cache=str(tmp_path / 'cache'))
    first = made.clip(RECORD, 16)
    later = made.clip(dict(RECORD, video_start_seconds=20.3), 16)
    assert (later[0][:, 0] > first[0][:, 0] + 10).all()  # other annotations
    np.save(tmp_path / 'f/video.npy', np.zeros((100, 2)))  # extracted again
    assert made.clip(RECORD, 16)[0].max() == 0
    for path in (tmp_path / 'cache').rglob('*.json'):
        path.write_text('')
    with pytest.raises(ValueError, match=r'clip\..*npy: cannot be read .* Remove .*cache/'):
        made.clip(RECORD, 16)


def test_values_too_large_for_the_cache_are_refused(tmp_path):
    made = source(tmp_path / 'f', cache=str(tmp_path / 'cache'))
    np.save(tmp_path / 'f/clip.npy', np.full((39, 2), 1e6, np.float32))
    with pytest.raises(ValueError, match=r'values up to 1e\+06 do not fit into float16'):
        made.clip(RECORD, 39)
    assert not list((tmp_path / 'cache').rglob('*.npy'))


@pytest.mark.parametrize('positions', [20, 60])
def test_features_of_another_length_than_the_clip_are_refused(tmp_path, positions):
    words = f'{positions} positions cover .* s, but clip clip lasts 20.0 s. Correct fps'
    with pytest.raises(ValueError, match=words):
        source(tmp_path / 'f', positions=positions).clip(RECORD, None)


def test_a_clip_beyond_the_end_of_its_video_is_refused(tmp_path):
    with pytest.raises(ValueError, match='0 positions cover'):
        source(tmp_path / 'f', per='video', positions=15).clip(RECORD, None)


def test_a_clip_shorter_than_one_window_has_one_position(tmp_path):
    array, grid = source(tmp_path / 'f', positions=1).clip(dict(RECORD, duration=0.4), 8)
    assert array.shape == (8, 2)
    assert grid.seconds(-0.5) == 0


def test_features_of_videos_want_to_know_where_the_clip_lies(tmp_path):
    record = dict(clip_id='clip', video_id=None, video_start_seconds=None, duration=20.0)
    with pytest.raises(ValueError, match='clip clip do not tell where it lies in its video'):
        source(tmp_path / 'f', per='video').clip(record, None)


def test_what_is_said_of_the_features_has_to_make_sense(tmp_path):
    with pytest.raises(ValueError, match="per='hour'"):
        source(tmp_path / 'f', per='hour')
    for stride in (0, '16', float('nan'), True):
        with pytest.raises(ValueError, match="above 0 are expected; got per='clip' and"):
            source(tmp_path / 'f', stride=stride)
