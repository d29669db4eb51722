import pytest

from egomm.functional.csv_columns import read_columns, read_list
from egomm.functional.time_grid import parse_timestamp


def written(folder, text):
    (folder / 'x.csv').write_bytes(text.encode())
    return folder / 'x.csv'


def test_columns_come_in_the_order_of_the_rows_whatever_else_is_there(tmp_path):
    path = written(tmp_path, '\ufeffverb,name,other\n3,a,x\n1,"b, c",y\n')
    values = read_columns(path, {'name': str, 'verb': int})
    assert values == {'name': ['a', 'b, c'], 'verb': [3, 1]}


@pytest.mark.parametrize(
    'text, words',
    [
        ('noun\n1\n', r"has the columns \['noun'\]; wanted is 'verb'"),
        ('', r'has the columns \[\]'),
        ('verb\n3\nopen\n', r"line 3: 'open' in column 'verb'; wanted is an id"),
        ('id,verb\n1\n', "line 2: None in column 'verb'"),
        ('id,verb\n', r'x\.csv has a header and no rows'),
    ],
)
def test_what_is_wrong_with_a_file_is_named(tmp_path, text, words):
    with pytest.raises(ValueError, match=words):
        read_columns(written(tmp_path, text), {'verb': int})


def test_a_cell_is_told_what_its_column_holds(tmp_path):
    path = written(tmp_path, 'seconds,start\n00:01,1\n')
    with pytest.raises(ValueError, match=r"'00:01' in column 'seconds'; wanted is a number"):
        read_columns(path, {'seconds': float})
    with pytest.raises(ValueError, match=r"'1' in column 'start'; A timestamp looks like"):
        read_columns(path, {'start': parse_timestamp})


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / 'x.csv').write_bytes(b'verb\n\xff\xfe\n')
    with pytest.raises(ValueError, match='CSV in UTF-8 is wanted'):
        read_columns(tmp_path / 'x.csv', {'verb': int})


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"no file .*absent\.csv \(wanted: .* 'verb', 'noun'"):
        read_columns(tmp_path / 'absent.csv', {'verb': int, 'noun': int})


def test_a_list_has_everything_once_so_annotations_are_no_list(tmp_path):
    assert read_list(written(tmp_path, 'participant_id\nP02\nP01\n'), 'participant_id', str) == [
        'P02',
        'P01',
    ]
    path = written(tmp_path, 'id,participant_id\n1,P03\n2,P01\n3,P01\n')
    with pytest.raises(ValueError, match=r"each participant_id once; 'P01' stands there 2 times"):
        read_list(path, 'participant_id', str)
