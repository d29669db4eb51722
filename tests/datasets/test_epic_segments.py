import json
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

from egomm.datasets.epic_segments import EpicActionSegments, EpicSoundSegments, read_durations
from egomm.datasets.samplers import SampleIndex
from egomm.functional.feature_grid import TimeGrid

ROOT = Path(__file__).resolve().parents[2]
ABOUT = dict(dim=4, fps=30.0, stride=15, window=30, per='video')
C2 = 'narration_id,video,start,stop,verb,noun,action\n'
SOUNDS = 'annotation_id,participant_id,video_id,start_timestamp,stop_timestamp,class,class_id\n'


@pytest.fixture
def root(tmp_path):
    """Two videos of 20 and 30 s with actions and sounds."""
    (tmp_path / 'features').mkdir()
    (tmp_path / 'features/manifest.json').write_text(json.dumps(ABOUT))
    for video, positions in (('P01_01', 39), ('P02_03', 59)):
        np.save(tmp_path / f'features/{video}.npy', np.ones((positions, 4), np.float32))
    (tmp_path / 'lengths.csv').write_text('video,frames\nP01_01,600\nP02_03,900\n')
    rows = ['a,P01_01,30,90,0,2,2', 'b,P01_01,30,90,0,2,2', 'c,P02_03,300,390,1,2,302']
    rows.append('d,P01_01,540,660,1,0,300')  # 18 to 22 s
    (tmp_path / 'train.csv').write_text(C2 + '\n'.join(rows) + '\n')
    (tmp_path / 'val.csv').write_text(C2 + 'e,P02_03,60,120,1,2,302\nf,P02_03,30,60,0,0,0\n')
    (tmp_path / 'sounds.csv').write_text(
        SOUNDS + 's_0,P01,P01_01,00:00:02.500,00:00:04.000,rustle,4\n'
    )
    return tmp_path


def actions(root, ann_file='train.csv', **options):
    shared = dict(durations='lengths.csv', data_root=str(root), actions_from='train.csv')
    sources = dict(slowfast=dict(path='features'))
    return EpicActionSegments(ann_file, sources=sources, **{**shared, **options})


def test_a_video_has_its_verbs_nouns_and_actions_on_the_same_segments(root):
    data = actions(root)
    assert len(data) == 2
    assert data.metainfo == dict(
        num_classes=dict(verb=97, noun=300),
        actions=[(0, 2), (1, 2), (1, 0)],
        sources=dict(slowfast=dict(fps=30.0, stride=15, window=30)),
    )
    assert data.counts == dict(outside=1, empty=0, repeated=1)
    sample = data[0]
    made = sample['data_samples']
    assert sample['inputs']['slowfast'].shape == (4, 39)
    assert {task: target['labels'].tolist() for task, target in made.gt.items()} == dict(
        verb=[0, 1], noun=[2, 0], action=[0, 2]
    )
    grid = TimeGrid(*made.metainfo['grid'])
    for target in made.gt.values():
        seconds = grid.seconds(target['segments'].double())
        torch.testing.assert_close(seconds[0], torch.tensor([1.0, 3.0]).double())
        assert 18 <= seconds[1, 0] < seconds[1, 1] <= 20
    assert made.metainfo['annotations'][0] == dict(verb=0, noun=2, start_time=1.0, end_time=3.0)
    assert len(made.metainfo['annotations']) == 3


def test_pairs_that_training_never_saw_are_no_actions(root):
    gt = actions(root, 'val.csv', test_mode=True)[0]['data_samples'].gt
    assert gt['verb']['labels'].tolist() == [1, 0]
    assert gt['action']['labels'].tolist() == [1]
    assert 'action' not in actions(root, actions_from=None)[0]['data_samples'].gt


def test_a_stretch_to_train_on_has_at_most_so_many_positions(root):
    data = actions(root, longest=20, crop=(0.3, 1.0))
    lengths = {data[SampleIndex(epoch, 1)]['inputs']['slowfast'].shape[1] for epoch in range(9)}
    assert max(lengths) <= 20 < 59
    assert min(lengths) >= 17
    assert actions(root, longest=20, test_mode=True)[1]['inputs']['slowfast'].shape[1] == 59
    assert actions(root, longest=20)[1]['inputs']['slowfast'].shape[1] == 20


def test_sounds_come_from_their_own_columns(root):
    data = EpicSoundSegments(
        'sounds.csv', 'lengths.csv', dict(audio=dict(path='features')), str(root)
    )
    target = data[0]['data_samples'].gt['sound']
    assert target['labels'].tolist() == [4]
    grid = TimeGrid(*data[0]['data_samples'].metainfo['grid'])
    assert grid.seconds(target['segments'].double())[0].tolist() == pytest.approx([2.5, 4.0])
    with pytest.raises(ValueError, match=r'class_id wants numbers within 0\.\.3; got 4'):
        EpicSoundSegments(
            *('sounds.csv', 'lengths.csv', dict(audio=dict(path='features')), str(root)),
            sound_classes=4,
        )


def test_a_test_file_has_videos_without_labels(root):
    header = 'narration_id,participant_id,video_id,narration_timestamp,start_timestamp'
    (root / 'test.csv').write_text(
        f'{header},stop_timestamp,start_frame,stop_frame\n'
        'x,P01,P01_01,00:00:01.1,00:00:01.00,00:00:02.00,60,120\n'
    )
    data = actions(root, 'test.csv', test_mode=True)
    assert data[0]['data_samples'].gt == {}
    assert data[0]['data_samples'].metainfo['annotations'] is None


def test_a_video_without_duration_and_a_file_of_neither_layout_are_refused(root):
    (root / 'lengths.csv').write_text('video,frames\nP01_01,600\n')
    with pytest.raises(ValueError, match='video P02_03: `durations` does not tell how long it is'):
        actions(root)
    (root / 'lengths.csv').write_text('name,frames\nP01_01,600\n')
    with pytest.raises(ValueError, match="wanted is 'video_id', 'duration'"):
        actions(root)
    (root / 'lengths.csv').write_text('video,frames\nP01_01,600\nP02_03,900\nP01_01,60\n')
    with pytest.raises(ValueError, match='duration of 1 videos more than once: P01_01'):
        actions(root)


def test_training_on_actions_wants_some(root):
    (root / 'other.csv').write_text(C2 + 'g,P02_03,60,120,7,7,7\n')
    with pytest.raises(ValueError, match=r"2 records has a segment of \['action'\] to train on"):
        actions(root, actions_from='other.csv')
    (root / 'other.csv').write_text(C2 + 'g,P02_03,60,120,,7,\n')
    with pytest.raises(ValueError, match='other.csv: `actions_from` wants rows with a verb and a'):
        actions(root, actions_from='other.csv')


@pytest.mark.parametrize(
    'name, rows, videos', [('training', 67217, 495), ('validation', 9668, 138)]
)
def test_every_real_row_of_c2_is_loaded(realdata, root, name, rows, videos):
    folder = realdata / 'ek100_c2'
    data = EpicActionSegments(
        str(folder / f'{name}.csv'),
        str(folder / 'video_lengths.csv'),
        dict(slowfast=dict(path=str(root / 'features'))),
        actions_from=str(folder / 'training.csv'),
        check_files=False,
    )
    assert len(data) == videos
    assert sum(len(record['annotations']) for record in data.records) == rows
    learnt = sum(len(record['gt']['verb']['labels']) for record in data.records)
    assert learnt == rows - data.counts['repeated'] - data.counts['empty']
    seen = sum(len(record['gt']['action']['labels']) for record in data.records)
    assert seen == learnt if name == 'training' else seen < learnt
    for record in data.records:
        segments = record['gt']['noun']['segments']
        assert ((segments[:, 0] < segments[:, 1]) & (segments[:, 1] <= record['duration'])).all()


def test_both_files_of_durations_agree(realdata):
    official = read_durations(realdata / 'ek100/EPIC_100_video_info.csv')
    frames = read_durations(realdata / 'ek100_c2/video_lengths.csv')
    shared = official.keys() & frames.keys()
    assert len(shared) == 700
    assert max(abs(official[name] - frames[name]) for name in shared) < 0.2


def test_the_config_of_actions_has_as_many_as_the_real_train_file(realdata, root):
    folder = realdata / 'ek100_c2'
    data = EpicActionSegments(
        str(folder / 'validation.csv'),
        str(folder / 'video_lengths.csv'),
        dict(slowfast=dict(path=str(root / 'features'))),
        actions_from=str(folder / 'training.csv'),
        check_files=False,
    )
    config = Config.fromfile(ROOT / 'configs/asl/c2_asl_action_slowfast.py')
    assert config.model.heads.action.num_classes == len(data.metainfo['actions'])
