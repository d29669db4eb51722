"""Annotation files: what the real ones hold, and every complaint with its place."""

import numpy as np
import pytest

from egomm.datasets.annotations import read_class_names, read_records

CLASSES = {'verb': 97, 'noun': 300}


def test_official_row_becomes_a_record(tmp_path, files):
    line = files.row('P01_11_0', 'P01_11', 1.5, 2.25, 60, verb=3, noun=4)
    path = files.write_csv(tmp_path / 'a.csv', [line])
    assert read_records(path, CLASSES) == [
        {
            'narration_id': 'P01_11_0',
            'participant_id': 'P01',
            'video_id': 'P01_11',
            'start_seconds': 1.5,
            'stop_seconds': 2.25,
            'start_frame': 90,
            'stop_frame': 135,
            'gt': {'verb': 3, 'noun': 4, 'action': (3, 4)},
            'all_noun_classes': [4],
        }
    ]


def test_c2_row_becomes_a_record_in_seconds_and_official_frames(tmp_path, files):
    path = files.write_csv(
        tmp_path / 'a.csv',
        ['P01_101_7,P01_101,30,75,0,2,106'],
        'narration_id,video,start,stop,verb,noun,action',
    )
    assert read_records(path, CLASSES) == [
        {
            'narration_id': 'P01_101_7',
            'participant_id': 'P01',
            'video_id': 'P01_101',
            'start_seconds': 1.0,
            'stop_seconds': 2.5,
            'start_frame': 50,
            'stop_frame': 125,
            'gt': {'verb': 0, 'noun': 2, 'action': (0, 2)},
        }
    ]


def test_test_file_and_empty_cell_give_absent_labels(tmp_path, files):
    header = ','.join(files.header.split(',')[:8])
    cells = files.row('P01_11_0', 'P01_11', 1, 2, 60).split(',')[:8]
    path = files.write_csv(tmp_path / 'test.csv', [','.join(cells)], header)
    assert read_records(path, CLASSES)[0]['gt'] == {}
    line = files.row('P01_11_0', 'P01_11', 1, 2, 60, verb='', noun=5)
    path = files.write_csv(tmp_path / 'half.csv', [line])
    assert read_records(path, CLASSES)[0]['gt'] == {'noun': 5}


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'verb_class': '97'}, r"line 3, column 'verb_class'.*0\.\.96.*got '97'"),
        ({'noun_class': 'door'}, r"line 3, column 'noun_class'.*number of a class.*got 'door'"),
        ({'start_frame': 'x'}, r"line 3, column 'start_frame'.*frame number; got 'x'"),
        ({'start_frame': '0'}, r"line 3, column 'start_frame'.*from 1; got '0'"),
        ({'stop_frame': '60'}, r"line 3, column 'stop_frame'.*after 60; got '60'"),
        ({'stop_timestamp': '00:00:01.00'}, r"line 3, column 'stop_timestamp'.*after 00:00:01.00"),
        ({'start_timestamp': '1.0'}, r"line 3, column 'start_timestamp'.*00:01:02.53; got '1.0'"),
        ({'narration_id': 'P01_11_0'}, r"line 3, column 'narration_id'.*once.*line 2"),
    ],
)
def test_wrong_cell_is_named_with_file_line_and_column(tmp_path, files, changes, words):
    names = files.header.split(',')
    cells = [
        'P01_11_1',
        'P01',
        'P01_11',
        '',
        '00:00:01.00',
        '00:00:02.00',
        '60',
        '120',
        'x',
        'x',
        '1',
        'x',
        '2',
        "['x']",
        '[2]',
    ]
    for name, value in changes.items():
        cells[names.index(name)] = value
    path = files.write_csv(
        tmp_path / 'wrong.csv', [files.row('P01_11_0', 'P01_11', 1, 2, 60), ','.join(cells)]
    )
    with pytest.raises(ValueError, match=rf'wrong\.csv, {words}.*Correct this row'):
        read_records(path, CLASSES)


def test_missing_file_column_and_cells_are_named(tmp_path, files):
    with pytest.raises(
        ValueError, match=r'none\.csv: no such annotation file.*data_root.*-55-annota'
    ):
        read_records(tmp_path / 'none.csv', CLASSES)
    header = files.header.replace('stop_frame', 'stopframe')
    path = files.write_csv(tmp_path / 'a.csv', [files.row('a', 'P01_11', 1, 2, 60)], header)
    with pytest.raises(ValueError, match=r"a\.csv, line 1: column 'stop_frame' is missing.*stopf"):
        read_records(path, CLASSES)
    header = files.header.replace('noun_class,', 'nounclass,')
    path = files.write_csv(tmp_path / 'b.csv', [files.row('a', 'P01_11', 1, 2, 60)], header)
    with pytest.raises(ValueError, match=r"line 1: column 'noun_class' is missing"):
        read_records(path, CLASSES)
    path = files.write_csv(tmp_path / 'c.csv', ['P01_11_0,P01'])
    with pytest.raises(ValueError, match=r'c\.csv, line 2: expected are 15 cells.*got 2'):
        read_records(path, CLASSES)
    path = files.write_csv(tmp_path / 'd.csv', [])
    with pytest.raises(ValueError, match=r'd\.csv: the file has no rows'):
        read_records(path, CLASSES)


def test_c2_video_of_another_dataset_is_named(tmp_path, files):
    path = files.write_csv(
        tmp_path / 'a.csv', ['x_0,kitchen7,30,75,0,2'], 'narration_id,video,start,stop,verb,noun'
    )
    with pytest.raises(ValueError, match=r"line 2, column 'video'.*P01_11; got 'kitchen7'"):
        read_records(path, CLASSES)


def test_class_names_need_ids_that_count_up(tmp_path, files):
    path = files.write_csv(
        tmp_path / 'v.csv', ['0,take,[],x', '2,put,[],x'], 'id,key,instances,category'
    )
    with pytest.raises(ValueError, match=r"v\.csv, line 3, column 'id': 1 is expected.*got '2'"):
        read_class_names(path)


def test_class_files_of_both_releases_are_read_and_others_refused(tmp_path, files):
    for header in ('id,key', 'verb_id,class_key', 'noun_id,class_key'):
        path = files.write_csv(tmp_path / 'v.csv', ['0,take', '1,put'], header)
        assert read_class_names(path) == ['take', 'put']
    path = files.write_csv(tmp_path / 'v.csv', ['0,take'], 'verb_id,key')
    with pytest.raises(ValueError, match=r"line 1: the columns 'id' and 'key'.*got \['verb_id'"):
        read_class_names(path)


def test_row_of_55_goes_by_its_uid(tmp_path, files):
    header = 'uid,participant_id,video_id,start_timestamp,stop_timestamp,start_frame,stop_frame'
    line = '7,P01,P01_11,00:00:01.50,00:00:02.25,90,135'
    path = files.write_csv(tmp_path / 'a.csv', [line], header)
    assert read_records(path, CLASSES)[0]['narration_id'] == '7'
    path = files.write_csv(tmp_path / 'a.csv', [line, line], header)
    with pytest.raises(ValueError, match=r"line 3, column 'uid'.*once.*line 2"):
        read_records(path, CLASSES)
    path = files.write_csv(tmp_path / 'a.csv', [line.replace('7,', 'P01_7,', 1)], header)
    with pytest.raises(ValueError, match=r"line 2, column 'uid'.*a number; got 'P01_7'"):
        read_records(path, CLASSES)


def test_real_validation_rows(realdata):
    records = read_records(realdata / 'ek100/EPIC_100_validation.csv', CLASSES)
    lengths = [record['stop_frame'] - record['start_frame'] for record in records]
    assert len(records) == 9_668
    assert (min(lengths), np.median(lengths), max(lengths)) == (30, 117, 8_819)
    assert len({record['video_id'] for record in records}) == 138
    assert {len(record['video_id']) for record in records} == {6}  # D2: 2018 recordings only
    assert sum(len(record['all_noun_classes']) > 1 for record in records) == 1_602  # D4
    assert all(record['all_noun_classes'][0] == record['gt']['noun'] for record in records)
    assert len({record['participant_id'] for record in records}) == 32
    assert len({record['gt']['verb'] for record in records}) == 78
    assert len({record['gt']['noun'] for record in records}) == 211
    assert len({tuple(record['gt'].values()) for record in records}) == 1_352


def test_real_test_rows_have_no_labels(realdata):
    records = read_records(realdata / 'ek100/EPIC_100_test_timestamps.csv', CLASSES)
    assert len(records) == 13_092
    assert not any(record['gt'] for record in records)
    assert {len(record['video_id']) for record in records} == {7}


def test_real_c2_train_rows(realdata):
    records = read_records(realdata / 'ek100_c2/training.csv', CLASSES)
    assert len(records) == 67_217
    assert len({record['video_id'] for record in records}) == 495
    assert len({record['gt']['verb'] for record in records}) == 97


def test_real_c2_rows_agree_with_the_official_ones(realdata):
    official = read_records(realdata / 'ek100/EPIC_100_validation.csv', CLASSES)
    c2 = {
        record['narration_id']: record
        for record in read_records(realdata / 'ek100_c2/validation.csv', CLASSES)
    }
    assert len(c2) == len(official)
    for record in official:
        other = c2[record['narration_id']]
        assert other['gt'] == record['gt']
        # Its indices are rounded to 1/30 s.
        assert abs(other['start_seconds'] - record['start_seconds']) < 1 / 30 + 1e-6
        assert abs(other['stop_seconds'] - record['stop_seconds']) < 1 / 30 + 1e-6
        assert abs(other['start_frame'] - record['start_frame']) <= 2


def test_real_class_names(realdata):
    assert read_class_names(realdata / 'ek100/EPIC_100_verb_classes.csv')[:2] == ['take', 'put']
    assert len(read_class_names(realdata / 'ek100/EPIC_100_noun_classes.csv')) == 300  # D3


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / 'a.csv'
    path.write_bytes(b'PK\x03\x04\x89\xff')
    with pytest.raises(ValueError, match=r'a\.csv: a CSV in UTF-8 is expected.*Fetch the file'):
        read_records(path, CLASSES)
