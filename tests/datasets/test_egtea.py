"""EGTEA Gaze+: what the real splits hold, and clips out of files of clips and of sessions."""

import re
from collections import Counter

import numpy as np
import pytest

from egomm.datasets import SampleIndex
from egomm.datasets.egtea import read_index, read_split
from egomm.datasets.media import read_video_frames
from egomm.datasets.transforms import CentreCrop
from egomm.registry import DATASETS

CLASSES = {'action': 106, 'verb': 19, 'noun': 53}
CLIP = 'P21-R04-ContinentalBreakfast-291175-294945-F006979-F007088'
PIPELINE = [
    {'type': 'SampleSegments', 'num_frames': 4, 'mode': 'centre'},
    {'type': 'LoadRGB'},
    {'type': 'CentreCrop', 'size': 32},
    {'type': 'PackSample', 'inputs': ['rgb'], 'tasks': ['action', 'verb', 'noun']},
]
CLIP_FILE = {'type': 'video', 'path': 'cropped_clips/{video}/{clip}.mp4'}
SESSION_FILE = {'type': 'video', 'path': 'videos/{video}.mp4'}


def write(path, *lines):
    path.write_text('\n'.join(lines) + '\n')
    return path


def build(root, **changes):
    return DATASETS.build(
        {
            'type': 'Egtea',
            'ann_file': 'action_annotation/train_split1.txt',
            'data_root': str(root),
            'sources': {'rgb': CLIP_FILE},
            'pipeline': PIPELINE,
            **changes,
        }
    )


def test_line_becomes_a_record_with_classes_from_0(tmp_path):
    path = write(tmp_path / 'a.txt', f'{CLIP} 19 6 15 16 ')  # official lines may end in a blank
    assert read_split(path, CLASSES) == [
        {
            'narration_id': CLIP,
            'participant_id': 'P21',
            'video_id': 'P21-R04-ContinentalBreakfast',
            'start_seconds': 6979 / 24,
            'stop_seconds': 7089 / 24,
            'start_frame': 6979,
            'stop_frame': 7088,
            'action_seconds': (291.175, 294.945),
            'gt': {'action': 18, 'verb': 5, 'noun': 14},
            'all_noun_classes': [14, 15],
        }
    ]


@pytest.mark.parametrize('folder', ['gtea_clips_frames\\', 'gtea_clips_frames/P21/'])
def test_folders_before_the_clip_are_ignored(tmp_path, folder):
    path = write(tmp_path / 'a.txt', f'{folder}{CLIP} 1 1 1')
    assert read_split(path, CLASSES)[0]['narration_id'] == CLIP


@pytest.mark.parametrize(
    ('line', 'words'),
    [
        (f'{CLIP} 1 1', r'line 2: a clip with its action, verb and noun.*got .*1 1'),
        ('P21-R04-291175-294945-F006979-F007088 1 1 1', r'line 2: a clip with its action'),
        (CLIP.replace('294945', '291175') + ' 1 1 1', r'line 2: a clip that ends after its start'),
        (CLIP.replace('7088', '6979') + ' 1 1 1', r'line 2: a clip that ends after its start'),
        (f'{CLIP} 107 1 1', r"line 2: an id of action within 1\.\.106.*`action_cl.*got '107'"),
        (f'{CLIP} 1 0 1', r"line 2: an id of verb within 1\.\.19.*got '0'"),
        (f'{CLIP} 1 1 1 x', r"line 2: an id of noun within 1\.\.53.*got 'x'"),
        ('P01-R01-Pizza-10-900-F000001-F000021 1 1 1', r'line 2: clips that occur once.*line 1'),
    ],
)
def test_wrong_line_is_named(tmp_path, line, words):
    path = write(tmp_path / 'split.txt', 'P01-R01-Pizza-10-900-F000001-F000021 1 1 1', line)
    with pytest.raises(ValueError, match=rf'split\.txt, {words}'):
        read_split(path, CLASSES)


def test_missing_empty_and_binary_files_are_named(tmp_path):
    with pytest.raises(ValueError, match=r'none\.txt: no such file.*action_annotation\.zip'):
        read_split(tmp_path / 'none.txt', CLASSES)
    with pytest.raises(ValueError, match=r'a\.txt: the file is empty'):
        read_split(write(tmp_path / 'a.txt', ''), CLASSES)
    (tmp_path / 'b.txt').write_bytes(b'\xff\xfe\x00')
    with pytest.raises(ValueError, match=r'b\.txt: text in UTF-8 is expected'):
        read_split(tmp_path / 'b.txt', CLASSES)


def test_class_names_may_hold_blanks_and_come_in_any_order(tmp_path):
    path = write(tmp_path / 'verb_idx.txt', 'Turn on 2', 'Inspect/Read 1', '')
    assert read_index(path) == ['Inspect/Read', 'Turn on']
    with pytest.raises(ValueError, match=r"line 2: a name and an id of its own.*got 'Open 1'"):
        read_index(write(tmp_path / 'a.txt', 'Take 1', 'Open 1'))
    with pytest.raises(ValueError, match=r'ids from 1 to 2 are expected.*got \[1, 3\]'):
        read_index(write(tmp_path / 'b.txt', 'Take 1', 'Open 3'))


def test_real_splits_load(realdata):
    everything = {}
    for split, (train, test) in enumerate([(8299, 2022), (8299, 2022), (8300, 2021)], start=1):
        clips = {}
        for part, count in (('train', train), ('test', test)):
            dataset = build(
                realdata / 'egtea_splits', ann_file=f'{part}_split{split}.txt', check_files=False
            )
            assert len(dataset) == count
            clips |= {r['narration_id']: r for r in map(dataset.get_data_info, range(count))}
        assert len(clips) == 10_321  # none is in both parts
        everything |= clips
    records = everything.values()
    assert len(records) == 10_321
    assert Counter(len(r['all_noun_classes']) for r in records) == {1: 9816, 2: 221, 3: 284}
    assert len({r['video_id'] for r in records}) == 86
    people = {r['participant_id'] for r in records}
    assert people == {f'P{n:02d}' for n in range(1, 27)} | {f'OP{n:02d}' for n in range(1, 7)}
    for task, count in CLASSES.items():
        used = {r['gt'][task] for r in records}
        assert used == set(range(count)) - ({15, 43} if task == 'noun' else set())
    # An action is a verb and a first noun; eight have further ones, one of them two lists of them.
    pairs = {(r['gt']['action'], r['gt']['verb'], r['gt']['noun']) for r in records}
    assert (len(pairs), len({pair[1:] for pair in pairs})) == (106, 106)
    nouns = {(r['gt']['action'], tuple(r['all_noun_classes'])) for r in records}
    assert len({action for action, listed in nouns if len(listed) > 1}) == 8
    lists = Counter(action for action, _ in nouns)
    assert [action + 1 for action, count in lists.items() if count > 1] == [85]
    frames = np.array([r['stop_frame'] - r['start_frame'] + 1 for r in records])
    assert ((frames < 31).sum(), (frames <= 32).sum()) == (1648, 2007)
    # The clip file shows the annotated time and about a tenth of it on either side.
    action = np.array([r['action_seconds'] for r in records])
    clip = np.array([(r['start_seconds'], r['stop_seconds']) for r in records])
    assert ((action[:, 0] > clip[:, 0]) & (action[:, 1] < clip[:, 1])).all()
    share = (action[:, 0] - clip[:, 0]) / (action[:, 1] - action[:, 0])
    assert np.median(share) == pytest.approx(0.1, abs=0.005)


def test_frames_of_the_first_test_split_are_those_that_gaze_is_scored_on(realdata):
    folder = realdata / 'egtea_splits'
    records = read_split(folder / 'test_split1.txt', CLASSES)
    assert sum(r['stop_frame'] - r['start_frame'] + 1 for r in records) == 206_649
    scored = read_split(folder / 'frames_test_split1_gaze.txt', CLASSES)
    left_out = {r['narration_id'] for r in records} - {r['narration_id'] for r in scored}
    assert left_out == {'OP03-R01-PastaSalad-879780-892210-F021084-F021444'}


def test_blocks_visit_each_frame_of_the_first_test_split_once(realdata):
    dataset = build(
        realdata / 'egtea_splits',
        ann_file='test_split1.txt',
        check_files=False,
        test_mode=True,
        pipeline=[{'type': 'SampleBlocks', 'num_frames': 16}],
    )
    visited = Counter()
    for index in range(len(dataset)):
        block = dataset[index]
        frames = block['frame_indices'][::2][block['counted']]
        visited.update((block['narration_id'], frame) for frame in frames.tolist())
    assert (len(visited), set(visited.values())) == (206_649, {1})
    assert len({clip for clip, _ in visited}) == 2_022


def test_clip_files_and_session_files_show_the_same_frames(egtea_world):
    ours, theirs = (
        build(egtea_world, sources={'rgb': source}) for source in (CLIP_FILE, SESSION_FILE)
    )
    for index in range(len(ours)):
        one, other = ours[index], theirs[index]
        assert one['data_samples'].times == other['data_samples'].times
        assert one['data_samples'].gt == other['data_samples'].gt
        assert set(one['data_samples'].gt) == {'action', 'verb', 'noun'}
        # The two are compressed differently; still, the frames before and after are farther away.
        record = theirs.get_data_info(index)
        gaps = []
        for shift in (-1, 0, 1):
            times = np.array(one['data_samples'].times) + shift / 24
            images = read_video_frames(record['sources']['rgb']['path'], times.tolist())
            cut = CentreCrop(32)({'rgb': images, 'present': {'rgb': True}})['rgb'].transpose(
                3, 0, 1, 2
            )
            gaps.append(np.abs(one['inputs']['rgb'].numpy() - cut.astype(float)).mean())
        assert np.argmin(gaps) == 1


def test_numbered_images_begin_with_the_clip_or_with_the_session(tmp_path, files):
    record = 'P01-R01-Pizza-400-800-F000008-F000015 1 1 1'
    (tmp_path / 'action_annotation').mkdir()
    write(tmp_path / 'action_annotation/train_split1.txt', record)
    name = record.split()[0]
    for number in range(8, 16):  # the level tells the frame of the session
        files.write_image(tmp_path / f'clips/{name}/img_{number - 8:05d}.jpg', 10 * number)
    for number in range(24):
        files.write_image(tmp_path / f'sessions/P01-R01-Pizza/{number:06d}.jpg', 10 * number)
    for path in ('clips/{clip}/img_{index:05d}.jpg', 'sessions/{video}/{index:06d}.jpg'):
        source = {'type': 'frames', 'path': path, 'first': 0}
        sample = build(tmp_path, sources={'rgb': source})[0]
        levels = sample['inputs']['rgb'][0].float().mean(dim=(1, 2))
        # The middles of four segments of eight frames are its frames 1, 3, 4 and 6.
        np.testing.assert_allclose(levels, [90, 110, 120, 140], atol=2)


def test_sound_of_the_session_is_read_beside_the_file_of_the_clip(egtea_world, files):
    dataset = build(
        egtea_world,
        sources={'rgb': CLIP_FILE, 'audio': {'type': 'container', 'path': SESSION_FILE['path']}},
        pipeline=[
            PIPELINE[0],
            {'type': 'LoadRGB'},
            {'type': 'LoadAudio', 'window': 0.2},
            {'type': 'CentreCrop', 'size': 32},
            {'type': 'LogPower'},
            {'type': 'PackSample', 'inputs': ['rgb', 'audio'], 'tasks': ['verb']},
        ],
    )
    sample = dataset[3]
    assert sample['present'] == {'rgb': True, 'audio': True}
    record = dataset.get_data_info(3)
    assert record['sources']['rgb']['begin_frame'] == record['start_frame']
    assert record['sources']['audio']['begin_seconds'] == 0
    assert record['start_seconds'] < sample['data_samples'].times[0]


def test_flow_wants_a_stride_of_its_own(egtea_world):
    source = {'type': 'flow', 'path': 'flow/{video}/{axis}_{index:06d}.jpg'}
    with pytest.raises(ValueError, match=r"got 'P01-R01-ToyKitchen'.*flow stride yourself"):
        build(egtea_world, sources={'flow': source})


def test_clips_without_file_are_listed_by_name(egtea_world, tmp_path):
    path = write(tmp_path / 'a.txt', f'{CLIP} 1 1 1')
    with pytest.raises(
        ValueError, match=rf'None of the 1 clips has rgb.*{re.escape(CLIP)}\.mp4.*Correct'
    ):
        build(egtea_world, ann_file=str(path))


def test_class_files_give_names(egtea_world):
    names = {f'{task}_classes': f'action_annotation/{task}_idx.txt' for task in CLASSES}
    dataset = build(egtea_world, **names)
    assert dataset.metainfo['classes']['verb'][:2] == ['take', 'put']
    assert dataset.num_classes['verb'] == 12
    for index in range(len(dataset)):
        gt = dataset.get_data_info(index)['gt']
        words = {task: dataset.metainfo['classes'][task][gt[task]] for task in CLASSES}
        assert words['action'] == f'{words["verb"]} {words["noun"]}'


def test_gaze_of_the_session_becomes_a_target_in_training(egtea_world):
    dataset = build(
        egtea_world,
        sources={
            'rgb': CLIP_FILE,
            'gaze': [
                {'type': 'begaze', 'path': 'gaze_data/{video}-GazeData.txt'},
                {'type': 'begaze', 'path': 'gaze_data/{video}.txt'},
            ],
        },
        pipeline=[
            {'type': 'SampleWindow', 'num_frames': 4, 'interval': 1, 'speed': (1, 1)},
            {'type': 'LoadRGB'},
            {'type': 'LoadGaze'},
            {'type': 'CentreCrop', 'size': 32},
            {'type': 'PointTargets', 'every': 2},
            {'type': 'PackSample', 'inputs': ['rgb'], 'tasks': ['action', 'gaze']},
        ],
    )
    targets = np.stack([dataset[n]['data_samples'].gt['gaze'] for n in range(len(dataset))])
    assert targets.shape == (len(dataset), 2, 1, 3)
    assert 0.1 < targets[..., 2].mean() < 1  # untracked at times, or outside the crop
    assert set(dataset[SampleIndex(0, 0, True)]['data_samples'].gt) == set()
