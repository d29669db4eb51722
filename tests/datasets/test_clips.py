"""A data set of one's own adds how its file reads; test_epic.py holds what all of them share."""

import time

import pytest
from mmcv.transforms import BaseTransform
from torch.utils.data import DataLoader

from egomm.datasets import watch
from egomm.datasets.clips import ClipDataset


class Notes(ClipDataset):
    """A line a clip: video, start, stop, class."""

    def read_records(self):
        with open(self.ann_file) as file:
            cells = [line.split() for line in file]
        return [
            {
                'narration_id': f'note {number}',
                'participant_id': 'me',
                'video_id': video,
                'start_seconds': float(start),
                'stop_seconds': float(stop),
                'start_frame': 1 + int(25 * float(start)),
                'stop_frame': int(25 * float(stop)),
                'gt': {'mood': int(mood)},
            }
            for number, (video, start, stop, mood) in enumerate(cells)
        ]


def build(tmp_path, **changes):
    return Notes(
        'notes.txt',
        {'mood': 2},
        sources={'rgb': {'type': 'video', 'path': '{participant}/{video}.mp4'}},
        pipeline=[
            {'type': 'SampleSegments', 'num_frames': 2},
            {'type': 'LoadRGB'},
            {'type': 'CentreCrop', 'size': 16},
            {'type': 'PackSample', 'inputs': ['rgb'], 'tasks': ['mood']},
        ],
        data_root=str(tmp_path),
        **changes,
    )


def test_a_data_set_without_a_reader_cannot_be_built_and_one_without_class_files_says_so(tmp_path):
    with pytest.raises(TypeError, match='abstract method .?read_records'):
        ClipDataset('notes.txt', {'mood': 2})
    with pytest.raises(ValueError, match=r'reads no class .*moods\.csv\. .*`read_class_names\('):
        Notes('notes.txt', {'mood': 'moods.csv'}, data_root=str(tmp_path))


def test_a_reader_that_forgets_a_key_is_told_which(tmp_path, monkeypatch):
    records = [{'narration_id': 'a', 'video_id': 'walk', 'start_seconds': 0.0, 'gt': {'mood': 1}}]
    monkeypatch.setattr(Notes, 'read_records', lambda self: records)
    words = (
        r"Notes\.read_records: record 1 of .*notes\.txt lacks \['participant_id', 'start_frame', "
        r"'stop_frame', 'stop_seconds'\]; it has \['gt', .*Add what"
    )
    with pytest.raises(ValueError, match=words):
        build(tmp_path).full_init()


@pytest.mark.parametrize(
    'changes, words',
    [
        (dict(gt=dict(mood=2)), r'\(note 1\) has 2 as mood; wanted is a number within 0\.\.1\.'),
        (dict(gt=dict(mood=None)), r'\(note 1\) has None as mood; .* leave the task out of `gt`'),
        (dict(gt=dict(mood='glad')), r"\(note 1\) has 'glad' as mood; wanted is a number within"),
        (dict(stop_seconds=0.1), r'\(note 1\) ends at 0\.1 s, before it begins at 0\.4 s'),
        (dict(narration_id='note 0'), "has the narration_id 'note 0' of a record before it"),
    ],
)
def test_a_record_that_would_fail_later_is_refused_with_its_place(
    tmp_path, monkeypatch, changes, words
):
    (tmp_path / 'notes.txt').write_text('walk 0.1 0.5 1\nwalk 0.4 0.9 0\n')
    read = Notes.read_records
    monkeypatch.setattr(
        Notes, 'read_records', lambda self: [read(self)[0], read(self)[1] | changes]
    )
    with pytest.raises(ValueError, match=rf'read_records: record 2 of .*notes\.txt {words}'):
        build(tmp_path, check_files=False).full_init()


def test_a_reader_that_forgets_to_return_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(Notes, 'read_records', lambda self: None)
    with pytest.raises(ValueError, match=r'Notes\.read_records gives a NoneType; wanted is a list'):
        build(tmp_path).full_init()


class Forgetful(BaseTransform):
    """Works on what it was given, and gives nothing back."""

    def transform(self, results):
        results['seen'] = True


def test_a_transform_that_forgets_to_return_is_named(tmp_path):
    (tmp_path / 'notes.txt').write_text('walk 0.1 0.5 1\n')
    dataset = Notes(
        'notes.txt', {'mood': 2}, pipeline=[Forgetful()], data_root=str(tmp_path), check_files=False
    )
    with pytest.raises(ValueError, match='Forgetful gives None; wanted are the .* `return results'):
        dataset[0]


def test_a_step_behind_the_packing_one_is_refused_and_a_free_place_named(tmp_path):
    steps = {
        'grey': None,
        'pack': {'type': 'PackSample', 'inputs': ['rgb'], 'tasks': ['mood']},
        'flip': {'type': 'RandomFlip'},
    }
    with pytest.raises(ValueError, match=r"\['flip'\] stand behind it.*free \(\['grey'\]\)"):
        Notes('notes.txt', {'mood': 2}, pipeline=steps)


def test_a_reader_of_records_is_all_a_data_set_adds(tmp_path, files):
    files.write_video(tmp_path / 'me/walk.mp4', seconds=1.0)
    (tmp_path / 'notes.txt').write_text('walk 0.1 0.5 1\nwalk 0.4 0.9 0\n')
    sample = build(tmp_path)[0]
    assert sample['inputs']['rgb'].shape == (3, 2, 16, 16)
    assert sample['data_samples'].gt == {'mood': 1}
    assert len(build(tmp_path, keep={'fraction': 0.5, 'seed': 0})) == 1


def test_videos_without_a_modality_are_counted(tmp_path, files):
    (tmp_path / 'notes.txt').write_text('walk 0.1 0.5 1\n')
    with pytest.raises(ValueError, match='None of the 1 videos has rgb'):
        build(tmp_path)


def test_a_clip_whose_decoder_is_stuck_ends_its_process_and_counts_as_unreadable(
    tmp_path, files, monkeypatch, capfd
):
    files.write_video(tmp_path / 'me/walk.mp4', seconds=1.0)
    (tmp_path / 'notes.txt').write_text('walk 0.1 0.5 1\nwalk 0.4 0.9 0\n')
    monkeypatch.setattr(watch, 'STUCK_SECONDS', 1)
    dataset, load = build(tmp_path), Notes._load

    def hang_at_the_first(self, clip, *others):
        while clip == 0:
            time.sleep(1)
        return load(self, clip, *others)

    monkeypatch.setattr(Notes, '_load', hang_at_the_first)
    assert not dataset.leave_out_stuck()
    with pytest.raises(RuntimeError, match='exited unexpectedly'):
        next(iter(DataLoader(dataset, num_workers=1, collate_fn=list)))
    assert 'hang_at_the_first' in capfd.readouterr().err  # where it was
    assert dataset.leave_out_stuck()
    assert not dataset.leave_out_stuck()  # told once
    [line] = dataset.report()['failed']
    assert line.startswith('note 0: its decoder gave no answer in')
    assert dataset[0]['data_samples'].gt == {'mood': 0}  # the other clip in its place
