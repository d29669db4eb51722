"""The toy kitchen in the layout of EGTEA Gaze+."""

import runpy
import shutil
from pathlib import Path

import av
import pytest

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


def test_command_writes_it_beside_a_world_that_is_there(toy_world, tmp_path, monkeypatch):
    tool = Path(__file__).parents[2] / 'tools/make_toy_kitchen.py'
    shutil.copytree(toy_world, tmp_path / 'toy')
    monkeypatch.setattr('sys.argv', [str(tool), f'{tmp_path}/toy', '--videos', '4', '--egtea'])
    runpy.run_path(str(tool), run_name='__main__')
    assert (tmp_path / 'toy/egtea/action_annotation/verb_idx.txt').is_file()
