"""Conversion of the authors' pickles of hands."""

import pickle
import runpy
from pathlib import Path

import numpy as np
import pytest

from egomm.datasets.hands import read_hands

MAIN = runpy.run_path(str(Path(__file__).parents[2] / 'tools/prepare/hand_pickles.py'))['main']
SESSION = 'P21-R04-ContinentalBreakfast'


def dump(path, **tracks):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(tracks))


def test_a_clip_becomes_a_file_that_begins_with_its_first_frame(tmp_path, capsys):
    clip = f'{SESSION}-291175-294945-F006979-F007088'
    dump(tmp_path / f'in/{clip}.pkl', left=[(0, 0), (5, 480)], right=[(319.5, 239.5), (1, 700)])
    MAIN(['egtea', str(tmp_path / 'in'), str(tmp_path / 'out')])
    track = read_hands(tmp_path / f'out/{SESSION}/{clip}.json')
    assert track.first_frame == 6979
    np.testing.assert_allclose(track.points[0, 1], [0.5, 0.5, 1])
    assert track.points[:, :, 2].tolist() == [[1, 1], [0, 0]]  # below the image: not detected
    np.testing.assert_allclose(track.points[1, :, 1], [480.5 / 480, 700.5 / 480], rtol=1e-6)
    assert 'Wrote 1 files' in capsys.readouterr().out


def test_actions_of_a_video_are_joined(tmp_path):
    folder = tmp_path / 'in/P01/P01_01'
    dump(folder / '7_10.pkl', left=[(1, 1), (2, 2)], right=[(9, 9), (9, 300)])
    dump(folder / '11_3_5.pkl', left=[(3, 999), (4, 4)], right=[(8, 8), (8, 8)])
    dump(folder / '8_13.pkl', left=[(5, 300)], right=[(7, 7)])
    MAIN(['epic', str(tmp_path / 'in'), str(tmp_path / 'out')])
    track = read_hands(tmp_path / 'out/P01_01.npz')
    assert track.first_frame == 10
    pixels = track.points[..., :2] * (456, 256) - 0.5
    np.testing.assert_allclose(pixels[:, 0], [[1, 1], [2, 2], [4, 4], [5, 300]], rtol=1e-5)
    np.testing.assert_allclose(pixels[:, 1], [[9, 9], [8, 8], [8, 8], [7, 7]], rtol=1e-5)
    assert track.points[:, 0, 2].tolist() == [1, 1, 1, 0]


def test_what_is_no_track_is_explained(tmp_path):
    with pytest.raises(ValueError, match='holds no .pkl file'):
        MAIN(['egtea', str(tmp_path), str(tmp_path / 'out')])
    dump(tmp_path / 'a.pkl', left=[])
    with pytest.raises(ValueError, match='a.pkl: the name of a clip is expected'):
        MAIN(['egtea', str(tmp_path), str(tmp_path / 'out')])
    with pytest.raises(ValueError, match='a.pkl: <uid>_<start frame>.pkl'):
        MAIN(['epic', str(tmp_path), str(tmp_path / 'out')])
    (tmp_path / 'a.pkl').rename(tmp_path / '1_2.pkl')
    with pytest.raises(ValueError, match="lists of .x, y., left and right.*KeyError.'right'"):
        MAIN(['epic', str(tmp_path), str(tmp_path / 'out')])
