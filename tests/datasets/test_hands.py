"""Files of hand tracks: what is written is read, and whatever else is refused."""

import json
import pickle

import numpy as np
import pytest

from egomm.datasets.hands import read_hands, write_hands

LEFT = [[0.0, 0.0, 1], [31.5, 15.5, 1], [7, 9, 0]]
RIGHT = [[63.0, 31.0, 1], [np.nan, 0, 0], [70.0, 10.0, 1]]


@pytest.mark.parametrize('name', ['track.json', 'track.npz'])
def test_what_is_written_is_read_as_shares_of_the_frame(tmp_path, name):
    path = tmp_path / 'new' / name
    write_hands(path, (64, 32), 5, LEFT, RIGHT)
    track = read_hands(path)
    assert track.first_frame == 5
    left, right = track.points[:, 0], track.points[:, 1]
    hidden = [7.5 / 64, 9.5 / 32, 0]  # stays, for a head that learns such points too
    np.testing.assert_allclose(left, [[1 / 128, 1 / 64, 1], [0.5, 0.5, 1], hidden])
    # The last point lies outside the image; whether it counts is for PointTargets to say.
    np.testing.assert_allclose(
        right, [[127 / 128, 63 / 64, 1], [0, 0, 0], [70.5 / 64, 10.5 / 32, 1]], rtol=1e-6
    )


def test_nothing_is_visible_beyond_the_ends_of_a_track(tmp_path):
    write_hands(tmp_path / 'track.json', (64, 32), 5, LEFT, RIGHT)
    points = read_hands(tmp_path / 'track.json').at(np.array([4, 5, 6, 7, 8]))
    assert points[:, 0, 2].tolist() == [0, 1, 1, 0, 0]
    assert points[:, 1, 2].tolist() == [0, 1, 0, 1, 0]
    assert not points[[0, 4]].any()


def test_a_pickle_is_refused_and_the_converter_named(tmp_path):
    path = tmp_path / 'track.json'
    path.write_bytes(pickle.dumps({'left': LEFT, 'right': RIGHT}))
    with pytest.raises(ValueError, match=r'got a pickle.*tools/prepare/hand_pickles.py'):
        read_hands(path)
    objects = np.array([LEFT], dtype=object)
    np.savez(tmp_path / 'objects.npz', frame_size=[64, 32], first_frame=0, left=objects, right=0)
    with pytest.raises(ValueError, match=r'does not read.*allow_pickle=False'):
        read_hands(tmp_path / 'objects.npz')


def good(**changes):
    return {'frame_size': [64, 32], 'first_frame': 0, 'left': LEFT, 'right': LEFT, **changes}


@pytest.mark.parametrize(
    'text, words',
    [
        ('{"left": [', 'does not read: Expecting'),
        ('[1, 2]', 'frame_size, first_frame, left, right missing'),
        (json.dumps({'frame_size': [1, 1], 'first_frame': 0, 'left': LEFT}), '; right missing'),
        (json.dumps(good(frame_size=[64])), r'width and height are expected.*got \[64\]'),
        (json.dumps(good(left=LEFT[:2])), r'as many frames.*got \(2, 3\) and \(3, 3\)'),
        (json.dumps(good(left=[], right=[])), r'got \(0,\) and \(0,\)'),
        (json.dumps(good(left=[[1, 2, 0.5]] * 3)), 'a visibility of 0 or 1'),
        (json.dumps(good(left=[[1, np.nan, 1]] * 3)), 'numbers are expected for visible hands'),
        (json.dumps(good(left=[[1, 'x', 1]] * 3)), "could not convert string to float: 'x'"),
        (json.dumps(good(first_frame=None)), 'NoneType'),
        (json.dumps(good(first_frame=0.5)), 'a whole `first_frame` is expected; got 0.5. Correct'),
        (json.dumps(good(first_frame=np.inf)), 'infinity.*egomm.datasets.hands says'),
        (json.dumps(good(frame_size=[64, np.inf])), 'width and height are expected'),
        ('[' * 100_000, 'does not read: maximum recursion'),
    ],
)
def test_a_broken_file_is_explained_and_named(tmp_path, text, words):
    path = tmp_path / 'track.json'
    path.write_text(text)
    with pytest.raises(ValueError, match=rf'track.json: .*{words}'):
        read_hands(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match='none.json: no such file of hands'):
        read_hands(tmp_path / 'none.json')


def test_what_could_not_be_read_is_not_written(tmp_path):
    with pytest.raises(ValueError, match='a visibility of 0 or 1'):
        write_hands(tmp_path / 'track.json', (64, 32), 0, [[1, 2, 3]], [[1, 2, 1]])
    assert not (tmp_path / 'track.json').exists()
