"""Annotation rules of EPIC-KITCHENS-100."""

import pytest

from egomm.testing.annotations import annotation_row, image_number, tail_classes, timestamp
from egomm.testing.plan import Segment, Video


@pytest.mark.parametrize(
    ('seconds', 'text'),
    [(0, '00:00:00.00'), (1.894, '00:00:01.89'), (59.996, '00:01:00.00'), (3661.5, '01:01:01.50')],
)
def test_timestamps(seconds, text):
    assert timestamp(seconds) == text


@pytest.mark.parametrize(
    ('seconds', 'fps', 'number'),
    [
        (0.0, 60, 1),
        (1.89, 60, 113),
        (1.56, 60, 93),
        (2.86, 50, 143),
        (3.87, 50, 193),
        (0.57, 50, 28),
    ],
)  # 0.57 * 50 is 28.499999... in floating point, 28 either way
def test_image_numbers_of_official_rows(seconds, fps, number):
    assert image_number(seconds, fps) == number


def test_a_row_by_hand():
    segment = Segment(1.234, 2.1, 5, 7, (5, 7), frozenset(), '', 0, 1.1, (1, 0))
    row = annotation_row(Video('train', 3, 2, 50, 9.0, (segment,), 0), 0, segment)
    assert list(row.values()) == [
        'P03_102_0',
        'P03',
        'P03_102',
        '00:00:01.100',
        '00:00:01.23',
        '00:00:02.10',
        61,
        105,
        'chop carrot',
        'chop',
        5,
        'carrot',
        7,
        ['carrot'],
        [7],
    ]


def test_tail_is_the_smallest_classes_of_a_fifth():
    labels = [0] * 6 + [1] * 2 + [2] * 1 + [3] * 1
    assert tail_classes(labels, 4) == [2, 3]  # 1 + 1 of 10; class 1 would make it 4 of 10
