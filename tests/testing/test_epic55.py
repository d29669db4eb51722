"""The toy kitchen in the layout of EPIC-KITCHENS-55."""

import csv

import numpy as np

from egomm.datasets import EpicKitchens55
from egomm.datasets.hands import read_hands


def rows_of(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_every_labelled_row_of_the_kitchen_is_there_under_a_uid(toy_world, epic55_world):
    rows = rows_of(epic55_world / 'annotations/EPIC_train_action_labels.csv')
    kept = ('narration', 'verb_class', 'noun_class', 'start_frame', 'stop_timestamp')
    expected = [
        [row[key] for key in kept]
        for split in ('train', 'validation')
        for row in rows_of(toy_world / f'annotations/EPIC_100_{split}.csv')
    ]
    assert [[row[key] for key in kept] for row in rows] == expected
    assert [row['uid'] for row in rows] == [str(n) for n in range(len(rows))]
    for row in rows:
        frames = epic55_world / row['participant_id'] / 'rgb_frames' / row['video_id']
        assert (frames / f'frame_{int(row["stop_frame"]):010d}.jpg').is_file()


def test_the_split_by_participant_is_that_of_the_kitchen(toy_world, epic55_world):
    counts = {}
    for split in ('train', 'val'):
        dataset = EpicKitchens55(
            'annotations/EPIC_train_action_labels.csv',
            split=split,
            data_root=str(epic55_world),
            check_files=False,
        )
        counts[split] = len(dataset)
    files = [toy_world / f'annotations/EPIC_100_{name}.csv' for name in ('train', 'validation')]
    assert list(counts.values()) == [len(rows_of(path)) for path in files]


def test_hands_begin_with_the_first_image(epic55_world):
    for path in (epic55_world / 'hand_tracks').iterdir():
        track = read_hands(path)
        images = epic55_world / path.stem[:3] / 'rgb_frames' / path.stem
        assert track.first_frame == 1
        assert len(track.points) == len(list(images.iterdir()))
        assert 0 < np.mean(track.points[..., 2]) < 1
