"""Hand tracks of detections, from the command line to what the data sets read."""

import pickle
import runpy
from pathlib import Path

import cv2
import numpy as np
import pytest

from egomm.datasets.hands import read_hands

MAIN = runpy.run_path(str(Path(__file__).parents[2] / 'tools/prepare/hands.py'))['main']
SESSION = 'P21-R04-ContinentalBreakfast'
CLIP = f'{SESSION}-291175-294945-F006979-F007088'
HEAD = 'video,frame,side,left,top,right,bottom\n'


def run(tmp_path, dataset, kind, source, *options):
    MAIN([dataset, kind, str(tmp_path / source), str(tmp_path / 'out'), *options])
    return tmp_path / 'out'


def message(frame):
    """A left hand over the left half of the frame, see tests/datasets/test_hand_detections.py."""
    hand = '0a0f150000003e1d0000003f250000803f150000403f'
    return bytes.fromhex(f'10{frame:02x}1a{len(hand) // 2:02x}{hand}')


def test_a_video_of_the_epic_release_becomes_a_track_of_its_images(tmp_path, capsys):
    (tmp_path / 'in/P01').mkdir(parents=True)
    frames = [message(1), b'\x10\x02', message(3), b'\x10\x04']
    (tmp_path / 'in/P01/P01_09.pkl').write_bytes(pickle.dumps(frames))
    track = read_hands(run(tmp_path, 'epic', 'epic100', 'in') / 'P01_09.npz')
    assert track.first_frame == 1
    np.testing.assert_allclose(track.points[:3, 0], [[0.5, 0.125, 1]] * 3)
    assert track.points[:, :, 2].tolist() == [[1, 0], [1, 0], [1, 0], [0, 0]]
    said = capsys.readouterr().out
    assert 'Wrote 1 files of hands' in said
    assert 'of 4 frames 75.0 % show the left and 0.0 % the right one, 33.3 % of these' in said


def test_images_of_a_clip_are_frames_of_its_session(tmp_path):
    hands = {f'img_{n:05d}.jpg': np.array([[64, 48, 128, 96, 0.9, 0, 0, 0, 0, 1]]) for n in (0, 1)}
    np.savez(tmp_path / f'{CLIP}.npz', **hands)
    out = run(tmp_path, 'egtea', '100doh', '.', '--first', '0')
    track = read_hands(out / SESSION / f'{CLIP}.json')
    assert track.first_frame == 6979
    np.testing.assert_allclose(track.points[:, 1], [[0.1, 0.1, 1]] * 2, rtol=1e-6)


def test_frames_of_a_session_count_from_0(tmp_path):
    (tmp_path / 'hands.csv').write_text(f'{HEAD}{SESSION},5,left,0,0,320,240\n')
    out = run(tmp_path, 'egtea', 'csv', 'hands.csv', '--size', '1280', '960')
    track = read_hands(out / f'{SESSION}.npz')
    assert track.first_frame == 4
    np.testing.assert_allclose(track.points[0, 0], [0.25, 0, 1])


def test_masks_have_their_own_size(tmp_path):
    folder = tmp_path / 'in/P01_09'
    folder.mkdir(parents=True)
    mask = np.zeros((10, 20), np.uint8)
    mask[5:, 10:] = 2
    cv2.imwrite(str(folder / 'frame_0000000001.png'), mask)
    track = read_hands(run(tmp_path, 'epic', 'egohos', 'in') / 'P01_09.npz')
    np.testing.assert_allclose(track.points[0, 1], [0.5, 0.5, 1])


def test_options_reach_the_track(tmp_path):
    rows = ['P01_09,1,left,0,0,9,9,0.3', 'P01_09,3,left,0,0,9,9,0.9', 'P01_09,6,left,0,0,9,9,0.9']
    (tmp_path / 'hands.csv').write_text('\n'.join([HEAD.strip() + ',score', *rows]))
    options = ('--min-score', '0.2', '--max-gap', '1')
    track = read_hands(run(tmp_path, 'epic', 'csv', 'hands.csv', *options) / 'P01_09.npz')
    assert track.points[:, 0, 2].tolist() == [1, 1, 1, 0, 0, 1]


def test_what_is_no_detection_is_explained(tmp_path):
    with pytest.raises(ValueError, match='holds no .pkl file of epic100'):
        run(tmp_path, 'epic', 'epic100', '.')
    (tmp_path / 'P01_09.pkl').write_bytes(pickle.dumps({'a': 1}))
    with pytest.raises(ValueError, match='P01_09.pkl: a list of messages, one a frame'):
        run(tmp_path, 'epic', 'epic100', '.')
    (tmp_path / 'P01_09.pkl').unlink()
    (tmp_path / 'P01_09.npz').write_bytes(b'PK')
    with pytest.raises(ValueError, match='P01_09.npz: an NPZ file of arrays is expected'):
        run(tmp_path, 'epic', '100doh', '.')
    (tmp_path / 'hands.csv').write_text(f'{HEAD}P01_09,1,left,9,0,9,9\n')
    with pytest.raises(ValueError, match='hands.csv, P01_09: boxes with left < right'):
        run(tmp_path, 'epic', 'csv', 'hands.csv')


def test_two_files_of_one_video_are_refused(tmp_path):
    for folder in ('a', 'b'):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / 'P01_09.pkl').write_bytes(pickle.dumps([message(1)]))
    with pytest.raises(ValueError, match='has P01_09 twice'):
        run(tmp_path, 'epic', 'epic100', '.')
