"""Labels of annotation files: read, counted, paired."""

import csv

import numpy as np
import pytest

from egomm.functional.labels import count_classes, distinct_pairs, read_labels

LABELS = np.array([[2, 0], [0, 1], [2, 0], [0, 0]])


def test_both_layouts_are_read(tmp_path):
    official, short = tmp_path / 'official.csv', tmp_path / 'short.csv'
    official.write_text('narration_id,verb,verb_class,noun,noun_class\na,open,2,door,0\n')
    short.write_text('narration_id,verb,noun,action\na,2,0,5\nb,0,1,4\n')
    assert read_labels(official).tolist() == [[2, 0]]
    assert read_labels(short).tolist() == [[2, 0], [0, 1]]


def test_counts_and_pairs_by_hand():
    assert count_classes(LABELS, 'verb').tolist() == [2, 0, 2]
    assert count_classes(LABELS, 'noun').tolist() == [3, 1]
    assert distinct_pairs(LABELS).tolist() == [[0, 0], [0, 1], [2, 0]]
    assert count_classes(LABELS, 'action').tolist() == [1, 1, 2]


def test_another_task_is_refused():
    with pytest.raises(ValueError, match="one of .*'action'.*; got 'gaze'"):
        count_classes(LABELS, 'gaze')


@pytest.mark.parametrize(
    'text, words',
    [
        ('narration_id,verb_class\na,1\n', r"line 1: columns verb_class and .*got \['narration_id"),
        ('', r'got \[\]'),
        ('verb,noun\n1,2\n1,\n', r"line 3: class ids are expected .*got \['1', ''\]"),
        ('verb,noun\n1\n', r"line 2: class ids .*got \['1', None\]"),
        ('verb,noun\n', 'the file has no rows'),
    ],
)
def test_what_is_wrong_with_a_file_is_named(tmp_path, text, words):
    path = tmp_path / 'train.csv'
    path.write_text(text)
    with pytest.raises(ValueError, match=words):
        read_labels(path)


def test_a_missing_file_is_named():
    with pytest.raises(ValueError, match='nowhere.csv: no such annotation file'):
        read_labels('nowhere.csv')


def test_of_epic_100_372_validation_clips_have_a_pair_that_training_has_not(realdata):
    pairs = distinct_pairs(read_labels(realdata / 'ek100_c2/training.csv'))
    validation = read_labels(realdata / 'ek100/EPIC_100_validation.csv')
    assert len(pairs) == 3_568
    listed = {tuple(pair) for pair in pairs.tolist()}
    assert sum(tuple(pair) not in listed for pair in validation.tolist()) == 372
    # The other layout of the same clips, read another way.
    with open(realdata / 'ek100_c2/validation.csv', newline='') as file:
        rows = [(int(row['verb']), int(row['noun'])) for row in csv.DictReader(file)]
    assert sorted(rows) == sorted(map(tuple, validation.tolist()))
