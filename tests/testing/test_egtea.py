"""The toy kitchen in the layout of EGTEA Gaze+."""

import json
import runpy
import shutil
from pathlib import Path

import av
import numpy as np
import pytest

from egomm.datasets.gaze import UNTRACKED, read_begaze
from egomm.datasets.hands import read_hands
from egomm.testing.egtea import clip_name
from egomm.testing.plan import Segment, Video


def test_clip_name_by_hand():
    action = Segment(1.0, 2.0, 5, 7, (5, 7), frozenset(), '', 0, 1.1, (1, 0))
    video = Video('train', 3, 2, 50, 9.0, (action,), 0)
    # A tenth more on either side: 0.9 s and 2.1 s are frames 21.6 and 50.4.
    assert clip_name(video, action) == 'P03-R02-ToyKitchen-1000-2000-F000022-F000050'


@pytest.mark.parametrize('name', ['train_split1.txt', 'test_split1.txt'])
def test_every_line_has_a_clip_of_as_many_frames_as_its_name_says(egtea_world, name):
    lines = (egtea_world / 'action_annotation' / name).read_text().splitlines()
    assert len(lines) >= 8
    for line in lines:
        clip = line.split()[0]
        session, first, last = clip.rsplit('-', 4)[0], *(int(n[1:]) for n in clip.split('-')[-2:])
        with av.open(str(egtea_world / 'cropped_clips' / session / f'{clip}.mp4')) as file:
            assert not file.streams.audio
            assert sum(1 for _ in file.decode(video=0)) == last - first + 1


def test_sessions_run_at_24_frames_with_sound(egtea_world):
    for path in (egtea_world / 'videos').iterdir():
        with av.open(str(path)) as file:
            assert file.streams.video[0].average_rate == 24
            assert file.streams.audio


def test_gaze_follows_the_truth_in_both_layouts(toy_world, egtea_world):
    widths = set()
    for path in sorted((egtea_world / 'gaze_data').iterdir()):
        widths.add(len(path.read_text().splitlines()[34].split()))
        person, recipe = path.stem.split('-')[:2]
        number = int(recipe[1:])
        record = next(  # 60 images a second, or 50
            found
            for name in (f'{person}_{number:02d}', f'{person}_{number + 100}')
            if (found := toy_world / f'truth/videos/{name}.json').is_file()
        )
        truth = json.loads(record.read_text())
        track = read_begaze(path)
        for frame in (0, 24, 60):
            shown = frame * truth['fps'] // 24
            assert (track.events[frame] != UNTRACKED) == truth['gaze']['tracked'][shown]
            if track.events[frame] != UNTRACKED:
                x, y = truth['gaze']['xy'][shown]
                expected = [(x + 0.5) / 96, (y + 0.5) / 64]
                np.testing.assert_allclose(track.points[frame], expected, atol=1e-4)
    assert widths == {7, 26}


def test_hands_follow_the_truth(toy_world, egtea_world):
    for path in sorted((egtea_world / 'hand_tracks').iterdir()):
        person, recipe = path.stem.split('-')[:2]
        record = next(
            found
            for add in (0, 100)  # 60 images a second, or 50
            if (
                found := toy_world / f'truth/videos/{person}_{int(recipe[1:]) + add:02d}.json'
            ).is_file()
        )
        truth = json.loads(record.read_text())
        track = read_hands(path)
        for frame in (0, 24, 60):
            shown = frame * truth['fps'] // 24
            for number, side in enumerate(('left', 'right')):
                x, y = truth['hands'][side]['xy'][shown]
                visible = truth['hands'][side]['visible'][shown]
                assert track.points[frame, number, 2] == visible
                if visible:
                    expected = [(x + 0.5) / 96, (y + 0.5) / 64]
                    np.testing.assert_allclose(track.points[frame, number, :2], expected, atol=1e-5)


def test_command_writes_it_beside_a_world_that_is_there(toy_world, tmp_path, monkeypatch):
    tool = Path(__file__).parents[2] / 'tools/make_toy_kitchen.py'
    shutil.copytree(toy_world, tmp_path / 'toy')
    command = [str(tool), f'{tmp_path}/toy', '--videos', '4', '--egtea', '--epic55']
    monkeypatch.setattr('sys.argv', command)
    for _ in range(2):
        runpy.run_path(str(tool), run_name='__main__')
    assert (tmp_path / 'toy/egtea/action_annotation/verb_idx.txt').is_file()
    assert (tmp_path / 'toy/epic55/annotations/EPIC_train_action_labels.csv').is_file()
